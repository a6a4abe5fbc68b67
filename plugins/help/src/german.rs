//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("Anything else goes to the active session.", "Alles andere geht an die aktive Session."),
        ("Did you mean /plugins {command}?", "Meintest du /plugins {command}?"),
        ("List and manage the plugins", "Plugins auflisten und verwalten"),
        ("List the commands", "Befehle auflisten"),
        ("No plugins.", "Keine Plugins."),
        ("generation {}", "Generation {}"),
    ],
};
