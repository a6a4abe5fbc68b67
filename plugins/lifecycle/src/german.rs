//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("Resuming session (idle for {})...", "Session wird fortgesetzt (Pause: {})..."),
        ("Resuming session...", "Session wird fortgesetzt..."),
    ],
};
