//! The German texts of the SDK.

use super::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("No active session. Use /new to start one.", "Keine aktive Session. Starte eine mit /new."),
        ("This works only in a chat.", "Das geht nur in einem Chat."),
        ("Unknown agent '{name}'. Known: {known}.", "Unbekannter Agent '{name}'. Bekannt: {known}."),
        ("Unknown persona '{name}'. Known: {known}.", "Unbekannte Persona '{name}'. Bekannt: {known}."),
        ("Usage: {usage}", "Aufruf: {usage}"),
        ("just now", "gerade eben"),
        ("none", "keine"),
        ("{n} day", "{n} Tag"),
        ("{n} days", "{n} Tage"),
        ("{n} hour", "{n} Stunde"),
        ("{n} hours", "{n} Stunden"),
        ("{n} minute", "{n} Minute"),
        ("{n} minutes", "{n} Minuten"),
        ("{n} second", "{n} Sekunde"),
        ("{n} seconds", "{n} Sekunden"),
        ("{}d ago", "vor {} d"),
        ("{}h ago", "vor {} h"),
        ("{}m ago", "vor {} min"),
    ],
};
