//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        ("/commands [page]", "/commands [Seite]"),
        ("/now <message>", "/now <Nachricht>"),
        (
            "Commands of the agent of session '{}'. Type one with two slashes, as in //{}.",
            "Befehle des Agenten der Session '{}'. Gib einen mit zwei Schrägstrichen ein, wie in //{}.",
        ),
        ("Drop {}", "{} verwerfen"),
        ("Interrupt the agent with a message", "Den Agenten mit einer Nachricht unterbrechen"),
        ("Interrupt the answer", "Die Antwort unterbrechen"),
        ("List the agent's own commands", "Die eigenen Befehle des Agenten auflisten"),
        (
            "Mode set to {mode} for answers to your messages, in sessions without their own mode.",
            "Modus für Antworten auf deine Nachrichten auf {mode} gesetzt, in Sessions ohne eigenen Modus.",
        ),
        ("Mode set to {mode} for session '{name}'.", "Modus für Session '{name}' auf {mode} gesetzt."),
        ("Model set to the default for session '{name}'.", "Modell für Session '{name}' auf den Standard gesetzt."),
        ("Model set to {model} for session '{name}'.", "Modell für Session '{name}' auf {model} gesetzt."),
        ("Model: {model}", "Modell: {model}"),
        ("More", "Mehr"),
        ("No messages are queued in session '{session}'.", "In Session '{session}' warten keine Nachrichten."),
        ("Nothing is running.", "Es läuft nichts."),
        (
            "Only background work is running: {work}. Use /suspend to end it.",
            "Es läuft nur Hintergrundarbeit: {work}. Mit /suspend beendest du sie.",
        ),
        ("Session '{}' gets this message next.", "Session '{}' bekommt diese Nachricht als Nächstes."),
        ("Session: {}. You: {}. Effective for you: {}.", "Session: {}. Du: {}. Für dich gilt: {}."),
        ("Show or set how answers are displayed", "Darstellung der Antworten anzeigen oder setzen"),
        ("Show or set the model", "Modell anzeigen oder setzen"),
        ("Show the queued messages", "Wartende Nachrichten anzeigen"),
        ("Stopped.", "Gestoppt."),
        ("Stopped. 1 message was dropped: “{one}”", "Gestoppt. 1 Nachricht wurde verworfen: „{one}“"),
        ("Stopped. {} messages were dropped:", "Gestoppt. {} Nachrichten wurden verworfen:"),
        ("The agent of session '{session}' has no commands.", "Der Agent der Session '{session}' hat keine Befehle."),
        (
            "The agent of session '{}' has not reported its commands yet. Send it a message, then use /commands \
             again.",
            "Der Agent der Session '{}' hat seine Befehle noch nicht gemeldet. Sende ihm eine Nachricht und verwende dann noch einmal /commands.",
        ),
        ("The mode of session '{}' was reset.", "Der Modus der Session '{}' wurde zurückgesetzt."),
        ("There is no page {page}: the list has {pages}.", "Seite {page} gibt es nicht: Die Liste hat {pages}."),
        ("Unknown mode '{mode}'. Known: {known}.", "Unbekannter Modus '{mode}'. Bekannt: {known}."),
        ("Usage: /model <name>, or /model {default}", "Aufruf: /model <Name> oder /model {default}"),
        ("Your personal mode was reset.", "Dein persönlicher Modus wurde zurückgesetzt."),
        ("not set", "nicht gesetzt"),
        ("the agent's default", "der Standard des Agenten"),
        ("{n} message is queued in session '{session}':", "In Session '{session}' wartet {n} Nachricht:"),
        (
            "{n} message is still queued. Use /stop all to drop it.",
            "{n} Nachricht wartet noch. Mit /stop all verwirfst du sie.",
        ),
        ("{n} messages are queued in session '{session}':", "In Session '{session}' warten {n} Nachrichten:"),
        (
            "{n} messages are still queued. Use /stop all to drop them.",
            "{n} Nachrichten warten noch. Mit /stop all verwirfst du sie.",
        ),
        ("… and {} more", "… und {} weitere"),
        ("…and {} more.", "…und {} weitere."),
    ],
};
