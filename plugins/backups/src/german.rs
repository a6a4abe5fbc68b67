//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        (", older than {}", ", älter als {}"),
        ("Datastore {store}: {line}", "Datastore {store}: {line}"),
        ("Show the newest backup of each guest", "Das neueste Backup jedes Gasts anzeigen"),
        ("The backups of {n} guest are recent.", "Die Backups von {n} Gast sind aktuell."),
        ("The backups of {n} guests are recent.", "Die Backups von {n} Gästen sind aktuell."),
        ("This token can't see any backups.", "Dieses Token sieht keine Backups."),
        (
            "last backup is dated in the future (check the clocks)",
            "das letzte Backup ist auf die Zukunft datiert (prüfe die Uhren)",
        ),
        ("{bad} of {n} guest without a recent backup:", "{bad} von {n} Gast ohne aktuelles Backup:"),
        ("{bad} of {n} guests without a recent backup:", "{bad} von {n} Gästen ohne aktuelles Backup:"),
        ("{name} has no backup", "{name} hat kein Backup"),
        ("{n} backup in {store}", "{n} Backup in {store}"),
        ("{n} backups in {store}", "{n} Backups in {store}"),
        ("…and {more} more with recent backups", "…und {more} weitere mit aktuellen Backups"),
    ],
};
