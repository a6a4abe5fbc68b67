//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("/timeout [minutes]", "/timeout [Minuten]"),
        (
            "Idle timeout set to {timeout} for session '{name}'.",
            "Idle-Timeout für Session '{name}' auf {timeout} gesetzt.",
        ),
        ("Idle timeout: {}", "Idle-Timeout: {}"),
        ("Invalid number. Usage: /timeout <minutes>", "Das ist keine gültige Zahl. Aufruf: /timeout <Minuten>"),
        ("Show or set the idle timeout", "Idle-Timeout anzeigen oder setzen"),
        ("Timeout must be between 1 and 120 minutes", "Der Timeout muss zwischen 1 und 120 Minuten liegen"),
        ("Usage: /timeout <minutes> (1-120)", "Aufruf: /timeout <Minuten> (1-120)"),
    ],
};
