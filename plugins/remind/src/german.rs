//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("/remind <10m|2h|1d> <text>", "/remind <10m|2h|1d> <Text>"),
        ("/remind [<10m|2h|1d> <text>]", "/remind [<10m|2h|1d> <Text>]"),
        ("Drop {label}", "{label} verwerfen"),
        ("Dropped.", "Verworfen."),
        ("I will remind you in {}.", "Erinnerung gesetzt, noch {}."),
        ("No reminders here.", "Keine Erinnerungen hier."),
        ("Set a reminder", "Eine Erinnerung setzen"),
        ("That reminder no longer exists.", "Diese Erinnerung gibt es nicht mehr."),
        ("The shortest time is one minute.", "Die kürzeste Zeit ist eine Minute."),
        ("Too many reminders are due at the same time.", "Zu viele Erinnerungen sind gleichzeitig fällig."),
        (
            "You already have {most} reminders here. Use /remind to drop some.",
            "Du hast hier schon {most} Erinnerungen. Mit /remind kannst du welche verwerfen.",
        ),
        ("due {} ago", "überfällig: {}"),
        ("in {left}: {text}", "noch {left}: {text}"),
    ],
};
