//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("/usage [days|month]", "/usage [Tage|month]"),
        (
            "Budget: {spent} of {limit} a day ({percent}%), resets in {left}.",
            "Budget: {spent} von {limit} pro Tag ({percent} %), noch {left} bis zum Zurücksetzen.",
        ),
        (
            "Context of session '{name}': {shown} of {window} tokens ({percent}%).",
            "Kontext der Session '{name}': {shown} von {window} Tokens ({percent} %).",
        ),
        ("Context of session '{name}': {shown} tokens.", "Kontext der Session '{name}': {shown} Tokens."),
        ("Last {days} days", "Letzte {days} Tage"),
        ("Models", "Modelle"),
        ("New messages are refused.", "Neue Nachrichten werden abgelehnt."),
        ("Personas", "Personas"),
        ("Sessions", "Sessions"),
        ("Show the cost and the tokens of the agents", "Kosten und Tokens der Agenten anzeigen"),
        ("This month", "Dieser Monat"),
        ("Today", "Heute"),
        ("cache {} read, {} written", "Cache {} gelesen, {} geschrieben"),
        ("unknown", "unbekannt"),
        ("{n} turn", "{n} Antwort"),
        ("{n} turns", "{n} Antworten"),
        ("{} in, {} out", "{} Eingabe, {} Ausgabe"),
        ("{} more", "{} weitere"),
    ],
};
