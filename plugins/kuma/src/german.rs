//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[("Show the monitors of Uptime Kuma", "Die Monitore von Uptime Kuma anzeigen")],
};
