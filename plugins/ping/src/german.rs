//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("Again", "Noch einmal"),
        ("Measure how long it takes to connect to a host", "Messen, wie lange eine Verbindung zu einem Host dauert"),
        ("Unknown host '{name}'. Known: {known}.", "Unbekannter Host '{name}'. Bekannt: {known}."),
    ],
};
