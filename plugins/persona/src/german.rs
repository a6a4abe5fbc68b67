//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        (
            "Persona '{name}' is no longer configured. Use /persona to choose another one, or /persona {none} \
             for none.",
            "Persona '{name}' ist nicht mehr konfiguriert. Wähle mit /persona eine andere oder mit /persona {none} keine.",
        ),
        ("Persona set to '{persona}' for session '{name}'.", "Persona für Session '{name}' auf '{persona}' gesetzt."),
        ("Persona: {}", "Persona: {}"),
        ("Session '{name}' has no persona now.", "Session '{name}' hat jetzt keine Persona."),
        ("Show or set the persona", "Persona anzeigen oder setzen"),
        ("Usage: /persona <name>, or /persona {none}", "Aufruf: /persona <Name> oder /persona {none}"),
    ],
};
