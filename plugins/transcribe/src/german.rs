//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("A part was not transcribed: {}", "Ein Teil wurde nicht transkribiert: {}"),
        (
            "Not transcribed, so the agent gets the recording itself: {}",
            "Nicht transkribiert, deshalb bekommt der Agent die Aufnahme selbst: {}",
        ),
    ],
};
