//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("Keep", "Behalten"),
        ("List and change who has access", "Zugriffsrechte anzeigen und ändern"),
        ("No user has access.", "Niemand hat Zugriff."),
        ("Remove", "Entfernen"),
        ("Remove {person}, {role}?", "{person} ({role}) entfernen?"),
        ("Remove {}", "{} entfernen"),
        ("added in the chat", "im Chat hinzugefügt"),
        (
            "added in the chat, overridden by the configuration",
            "im Chat hinzugefügt, durch die Konfiguration überschrieben",
        ),
        ("configuration", "Konfiguration"),
        ("{role} only in {chat}", "{role} nur in {chat}"),
        ("{role} only through {bot}", "{role} nur über {bot}"),
        (
            "{} gives access. Without the id, reply to a message of the person. With {}, it gives access only in \
             this group. Entries of the configuration can only be changed there.",
            "{} gibt Zugriff. Ohne ID gilt der Befehl der Person, auf deren Nachricht du damit antwortest. Mit {} gilt der Zugriff nur in dieser Gruppe. Einträge der Konfiguration lassen sich nur dort ändern.",
        ),
    ],
};
