//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("Done.", "Fertig."),
        ("Only the final answer, when the agent has finished", "Nur die endgültige Antwort, wenn der Agent fertig ist"),
        ("The agent failed without giving a reason.", "Der Agent ist ohne Angabe von Gründen gescheitert."),
        (
            "The answer with the thoughts, actions and tasks of the agent",
            "Die Antwort mit den Gedanken, Aktionen und Aufgaben des Agenten",
        ),
        (
            "The answer, and one line about the current action of the agent",
            "Die Antwort und eine Zeile über die aktuelle Aktion des Agenten",
        ),
        (
            "The final answer, below a summary of the work",
            "Die endgültige Antwort unter einer Zusammenfassung der Arbeit",
        ),
        ("Thinking", "Denkt nach"),
        ("Writing", "Schreibt"),
        ("{failures} failed", "{failures} fehlgeschlagen"),
        ("{n} other use", "{n} weitere"),
        ("{n} other uses", "{n} weitere"),
    ],
};
