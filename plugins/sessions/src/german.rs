//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        (
            "'{text}' can't be a session's name. Use 1 to {most} of a-z, A-Z, 0-9, - and _.",
            "'{text}' ist kein gültiger Name für eine Session. Verwende 1 bis {most} Zeichen aus a-z, A-Z, 0-9, \
             - und _.",
        ),
        ("(no answer)", "(keine Antwort)"),
        ("/history [number]", "/history [Anzahl]"),
        ("/history [number], with a number from 1 to {most}", "/history [Anzahl], mit einer Anzahl von 1 bis {most}"),
        ("/sessions [page]", "/sessions [Seite]"),
        ("Archive a session", "Eine Session archivieren"),
        ("Archive anyway", "Trotzdem archivieren"),
        (
            "Archived sessions. Use /restore with a name to restore one:",
            "Archivierte Sessions. Mit /restore und einem Namen holst du eine zurück:",
        ),
        ("Back", "Zurück"),
        ("Continue the conversation in a second session", "Die Unterhaltung in einer zweiten Session fortsetzen"),
        ("Drop an interrupted message", "Eine unterbrochene Nachricht verwerfen"),
        (
            "Dropped. Session '{name}' continues with the next message.",
            "Verworfen. Session '{name}' macht mit der nächsten Nachricht weiter.",
        ),
        (
            "In a group, a bot in privacy mode gets only commands, replies to its messages, and messages that \
             mention it. To let it read all messages, send /setprivacy to @BotFather, choose Disable, and add the \
             bot to the group again.",
            "In einer Gruppe bekommt ein Bot im Privacy Mode nur Befehle, Antworten auf seine Nachrichten und \
             Nachrichten, die ihn erwähnen. Damit er alle Nachrichten lesen kann, sende /setprivacy an \
             @BotFather, wähle Disable und füge den Bot noch einmal zur Gruppe hinzu.",
        ),
        (
            "Its agent asks question #{number}. Use /requests to see the open questions.",
            "Ihr Agent stellt Frage #{number}. /requests zeigt die offenen Fragen.",
        ),
        ("List the sessions", "Sessions auflisten"),
        ("More", "Mehr"),
        ("New session", "Neue Session"),
        ("New session {name}", "Neue Session {name}"),
        ("New sessions in this chat use agent '{name}'.", "Neue Sessions in diesem Chat verwenden Agent '{name}'."),
        (
            "New sessions in this chat use the default agent of the configuration.",
            "Neue Sessions in diesem Chat verwenden den Standard-Agenten der Konfiguration.",
        ),
        ("New sessions in this chat use {}.", "Neue Sessions in diesem Chat verwenden {}."),
        ("No archived sessions.", "Keine archivierten Sessions."),
        ("No sessions. Use /new to create one.", "Keine Sessions. Erstelle eine mit /new."),
        ("Rename the session", "Die Session umbenennen"),
        ("Restore an archived session", "Eine archivierte Session wiederherstellen"),
        ("Retry what failed", "Fehlgeschlagenes wiederholen"),
        ("Retrying in session '{name}'.", "Neuer Versuch in Session '{name}'."),
        (
            "Session '{from}' is now called '{to}'. Its folder and its conversation are unchanged.",
            "Session '{from}' heißt jetzt '{to}'. Ihr Ordner und ihre Unterhaltung bleiben gleich.",
        ),
        (
            "Session '{name}' already exists. Use /session {name} to switch to it.",
            "Session '{name}' gibt es schon. Wechsle mit /session {name} zu ihr.",
        ),
        (
            "Session '{name}' archived. Use /restore {name} to bring it back.",
            "Session '{name}' archiviert. Mit /restore {name} holst du sie zurück.",
        ),
        ("Session '{name}' created with agent '{agent}'.", "Session '{name}' mit Agent '{agent}' erstellt."),
        (
            "Session '{name}' created with persona '{persona}' and agent '{agent}'.",
            "Session '{name}' mit Persona '{persona}' und Agent '{agent}' erstellt.",
        ),
        ("Session '{name}' created with persona '{persona}'.", "Session '{name}' mit Persona '{persona}' erstellt."),
        ("Session '{name}' created.", "Session '{name}' erstellt."),
        (
            "Session '{name}' doesn't exist. Use /new to create it.",
            "Session '{name}' gibt es nicht. Erstelle sie mit /new.",
        ),
        ("Session '{name}' has no messages yet.", "Session '{name}' hat noch keine Nachrichten."),
        (
            "Session '{name}' is archived. Use /restore {name}.",
            "Session '{name}' ist archiviert. Verwende /restore {name}.",
        ),
        ("Session '{name}' restored.", "Session '{name}' wiederhergestellt."),
        (
            "Session '{name}' starts a new conversation. Its folder is unchanged; the previous conversation \
             can't be resumed.",
            "Session '{name}' beginnt eine neue Unterhaltung. Ihr Ordner bleibt gleich; die bisherige \
             Unterhaltung lässt sich nicht fortsetzen.",
        ),
        (
            "Session '{name}' suspended. The next message resumes it.",
            "Session '{name}' pausiert. Die nächste Nachricht setzt sie fort.",
        ),
        (
            "Session '{session}' uses agent '{name}', and so do new sessions in this chat.",
            "Session '{session}' verwendet Agent '{name}', neue Sessions in diesem Chat auch.",
        ),
        (
            "Session '{to}' continues the conversation of '{from}' in the same folder.",
            "Session '{to}' setzt die Unterhaltung von '{from}' im selben Ordner fort.",
        ),
        ("Show how to begin", "Zeigen, wie es losgeht"),
        ("Show or select the agent", "Agent anzeigen oder auswählen"),
        ("Show the last messages and answers", "Die letzten Nachrichten und Antworten anzeigen"),
        ("Start a new conversation in a session", "In einer Session eine neue Unterhaltung beginnen"),
        ("Start a session", "Eine Session starten"),
        ("Start fresh anyway", "Trotzdem neu beginnen"),
        (
            "Stop the agent of a session until its next message",
            "Den Agenten einer Session bis zur nächsten Nachricht beenden",
        ),
        ("Suspend anyway", "Trotzdem pausieren"),
        ("Switch to a session", "Zu einer Session wechseln"),
        ("Switch to it", "Dorthin wechseln"),
        (
            "Switched to session '{name}' (persona '{persona}').",
            "Zu Session '{name}' gewechselt (Persona '{persona}').",
        ),
        ("Switched to session '{name}'.", "Zu Session '{name}' gewechselt."),
        (
            "There is no page {page}: /sessions lists all sessions.",
            "Seite {page} gibt es nicht: /sessions zeigt alle Sessions.",
        ),
        (
            "There is no page {page}: the last one is /sessions {pages}.",
            "Seite {page} gibt es nicht: Die letzte ist /sessions {pages}.",
        ),
        (
            "This is Cordboard. Your messages here go to a coding agent, and its answers come back.\n\n`/new \
             demo` starts a session. Any text after that goes to its agent. /help lists the commands.",
            "Das ist Cordboard. Deine Nachrichten hier gehen an einen Coding-Agenten, und seine Antworten kommen \
             zurück.\n\n`/new demo` startet eine Session. Jeder weitere Text geht an ihren Agenten. /help listet \
             die Befehle auf.",
        ),
        (
            "This link is not valid. Use /sessions to list your sessions.",
            "Dieser Link ist nicht gültig. /sessions listet deine Sessions auf.",
        ),
        ("Usage: /agent <name>, or /new <name> none <agent>", "Aufruf: /agent <Name> oder /new <Name> none <Agent>"),
        ("Use /new to create one.", "Erstelle eine mit /new."),
        ("Use /session {from} to go back.", "Mit /session {from} kommst du zurück."),
        ("a message has no answer (/retry or /leave)", "eine Nachricht hat keine Antwort (/retry oder /leave)"),
        ("busy", "beschäftigt"),
        ("busy in the background", "im Hintergrund beschäftigt"),
        ("in a terminal", "in einem Terminal"),
        ("waiting for your answer (/requests)", "wartet auf deine Antwort (/requests)"),
        ("with {}", "mit {}"),
        ("{} queued", "{} in der Warteschlange"),
        ("…and more.", "…und weitere."),
        ("…and {rest} more: /sessions {next}", "…und {rest} weitere: /sessions {next}"),
    ],
};
