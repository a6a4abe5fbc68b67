//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("Backup", "Backup"),
        ("Datastores of {}", "Datastores von {}"),
        ("Garbage collection", "Garbage Collection"),
        (
            "Give the token and its user the role Audit on the path / (Access Control, Permissions).",
            "Gib dem Token und seinem Benutzer die Rolle Audit auf dem Pfad / (Access Control, Permissions).",
        ),
        ("Jobs among the last {} tasks", "Jobs unter den letzten {} Tasks"),
        ("Jobs of the last 7 days", "Jobs der letzten 7 Tage"),
        ("Prune", "Prune"),
        ("Show datastores and jobs of the backup server", "Datastores und Jobs des Backup-Servers anzeigen"),
        ("Sync", "Sync"),
        ("Tape backup", "Tape-Backup"),
        ("This token can't see any datastores.", "Dieses Token sieht keine Datastores."),
        ("This token can't see any jobs.", "Dieses Token sieht keine Jobs."),
        ("Verify", "Verify"),
        ("deduplicated {} to 1", "dedupliziert {} zu 1"),
        ("failed {when}", "{when} fehlgeschlagen"),
        ("full in {}", "voll in {}"),
        ("it ended without a message", "ohne Meldung beendet"),
        ("running for {}", "läuft seit {}"),
        ("{failures} failed", "{failures} fehlgeschlagen"),
        ("{name} is not mounted", "{name} ist nicht eingehängt"),
        (
            "{name} is not visible to this token: give the token and its user the role DatastoreAudit",
            "{name} ist für dieses Token nicht sichtbar: Gib dem Token und seinem Benutzer die Rolle \
             DatastoreAudit",
        ),
        ("{n} bad chunk (verify the datastore)", "{n} defekter Chunk (prüfe den Datastore)"),
        ("{n} bad chunks (verify the datastore)", "{n} defekte Chunks (prüfe den Datastore)"),
        ("{n} run", "{n} Lauf"),
        ("{n} runs", "{n} Läufe"),
        ("{when} with warnings", "{when} mit Warnungen"),
        ("{} of {}", "{} von {}"),
        ("…and {n} more failure", "…und {n} weiterer Fehler"),
        ("…and {n} more failures", "…und {n} weitere Fehler"),
    ],
};
