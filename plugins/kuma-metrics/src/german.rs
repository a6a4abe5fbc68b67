//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        (
            "No monitor of Uptime Kuma has sent a heartbeat yet.",
            "Noch kein Monitor von Uptime Kuma hat einen Heartbeat gesendet.",
        ),
        ("Show the monitors of Uptime Kuma", "Die Monitore von Uptime Kuma anzeigen"),
    ],
};
