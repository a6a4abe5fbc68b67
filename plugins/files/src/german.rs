//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("/files [folder]", "/files [Ordner]"),
        ("/get <path>", "/get <Pfad>"),
        ("List the files of the active session", "Dateien der aktiven Session auflisten"),
        ("More", "Mehr"),
        (
            "Name a file, as in /get src/main.rs. /files lists the files.",
            "Nenne eine Datei, wie in /get src/main.rs. /files listet die Dateien auf.",
        ),
        ("Only {} entries of this folder were read.", "Von diesem Ordner wurden nur {} Einträge gelesen."),
        ("Send a file of the active session", "Eine Datei der aktiven Session senden"),
        ("link", "Link"),
        ("no files", "keine Dateien"),
        ("{n} entries", "{n} Einträge"),
        ("{n} entry", "{n} Eintrag"),
        ("⬆ Up", "⬆ Hoch"),
    ],
};
