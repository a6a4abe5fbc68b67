//! The German texts.

use cordboard_plugin::language::Translation;

pub const GERMAN: Translation = Translation {
    language: "de",
    texts: &[
        (" <text>", " <Text>"),
        (" [text]", " [Text]"),
        ("**Allow**", "**Erlauben (allow)**"),
        ("**Ask**", "**Fragen (ask)**"),
        ("**Deny**", "**Ablehnen (deny)**"),
        ("/allow [#number] [session]", "/allow [#Nummer] [session]"),
        ("/answer [#number|name#number] <choice>… [text]", "/answer [#Nummer|Name#Nummer] <Option>… [Text]"),
        ("/deny [#number] [why]", "/deny [#Nummer] [Grund]"),
        (
            "/permissions [allow|ask|deny [session] <rule>|remove <number>|mode [<mode>]]",
            "/permissions [allow|ask|deny [session] <Regel>|remove <Nummer>|mode [<Modus>]]",
        ),
        ("/permissions allow session <rule>", "/permissions allow session <Regel>"),
        ("/permissions allow|ask|deny [session] <rule>", "/permissions allow|ask|deny [session] <Regel>"),
        ("/requests [#number|name#number]", "/requests [#Nummer|Name#Nummer]"),
        (
            "A rule asks before each use, so a rule that allows it has no effect: {rule}",
            "Eine Regel fragt vor jeder Verwendung, deshalb hat eine Regel, die sie erlaubt, keine Wirkung: \
             {rule}",
        ),
        ("Allow an agent's request", "Die Anfrage eines Agenten erlauben"),
        ("Always allow, all sessions", "Immer erlauben, alle Sessions"),
        ("Always allow, this session", "Immer erlauben, diese Session"),
        ("Always allow…", "Immer erlauben…"),
        ("Answer a question of an agent", "Eine Frage eines Agenten beantworten"),
        (
            "Answer with /answer {target} and one of: {choices}.",
            "Antworte mit /answer {target} und einer dieser Optionen: {choices}.",
        ),
        (
            "Answer with /answer {target} and one or more of: {choices}.",
            "Antworte mit /answer {target} und einer oder mehreren dieser Optionen: {choices}.",
        ),
        ("Answered: {}.", "Beantwortet: {}."),
        (
            "Chosen: {labels}. To answer, use /answer #{number} done.",
            "Gewählt: {labels}. Zum Antworten: /answer #{number} done.",
        ),
        ("Deny an agent's request", "Die Anfrage eines Agenten ablehnen"),
        (
            "Deny comes before ask, and ask before allow. A user decides about everything else.\nTo add a rule, \
             use {usage}, for example {example}. {session} limits it to this session.",
            "Ablehnen geht vor Fragen und Fragen vor Erlauben. Über alles andere entscheidet eine Person.\nEine \
             Regel fügst du mit {usage} hinzu, zum Beispiel {example}. {session} beschränkt sie auf diese \
             Session.",
        ),
        ("Done", "Fertig"),
        (
            "From now on, this rule would allow it without asking:",
            "Diese Regel würde es ab jetzt ohne Nachfrage erlauben:",
        ),
        ("List the questions of agents", "Fragen der Agenten auflisten"),
        (
            "No narrow rule allows this, for example because it consists of several commands.",
            "Keine eng gefasste Regel erlaubt das, zum Beispiel weil es aus mehreren Befehlen besteht.",
        ),
        ("No open requests.", "Keine offenen Anfragen."),
        (
            "No rules: a user decides each time the agent asks for permission.",
            "Keine Regeln: Jedes Mal, wenn der Agent um Erlaubnis bittet, entscheidet eine Person.",
        ),
        ("Nothing is chosen yet.", "Noch nichts gewählt."),
        (
            "Only admins can save a rule for all sessions. For this session, use {example}",
            "Nur Admins können eine Regel für alle Sessions speichern. Verwende für diese Session {example}",
        ),
        (
            "Only the owner of session '{}' and admins can save rules for it.",
            "Nur die Person, der die Session '{}' gehört, und Admins können Regeln für sie speichern.",
        ),
        (
            "Others are choosing options at the same time. Try again.",
            "Andere wählen gerade auch Optionen. Versuch es noch einmal.",
        ),
        (
            "Others are saving rules at the same time. Try again.",
            "Andere speichern gerade Regeln. Versuch es noch einmal.",
        ),
        ("Permission mode of session '{name}': {mode}.", "Berechtigungsmodus der Session '{name}': {mode}."),
        ("Remove {number}", "{number} entfernen"),
        ("Removed rule {number}.", "Regel {number} entfernt."),
        ("Removed rule {number}: {rule}.", "Regel {number} entfernt: {rule}."),
        ("Rule {} already exists: {}.", "Regel {} gibt es schon: {}."),
        ("Saved as rule {}: {}.", "Als Regel {} gespeichert: {}."),
        (
            "Session '{session}' has no open request #{number}. Use /requests to list them.",
            "Session '{session}' hat keine offene Anfrage #{number}. /requests listet die offenen auf.",
        ),
        (
            "Session '{session}' has no open request. Use /requests to list them.",
            "Session '{session}' hat keine offene Anfrage. /requests listet die offenen auf.",
        ),
        ("Show or change the rules about tools", "Die Regeln für Tools anzeigen oder ändern"),
        (
            "The saved rule {number} can't be read: {error}. Use /permissions remove {number} to remove it.",
            "Die gespeicherte Regel {number} ist nicht lesbar: {error}. Mit /permissions remove {number} \
             entfernst du sie.",
        ),
        (
            "There is no saved rule {number}. Use /permissions to list them.",
            "Es gibt keine gespeicherte Regel {number}. /permissions listet sie auf.",
        ),
        (
            "This question isn't about the use of a tool, so no rule can answer it.",
            "Bei dieser Frage geht es nicht um die Verwendung eines Tools, deshalb kann keine Regel sie \
             beantworten.",
        ),
        ("To allow more, write a rule yourself: {add}", "Um mehr zu erlauben, schreib selbst eine Regel: {add}"),
        (
            "Tool permissions of session {name} (agent {agent}, mode {mode})",
            "Tool-Berechtigungen der Session {name} (Agent {agent}, Modus {mode})",
        ),
        ("Use {} to allow it once.", "Mit {} erlaubst du es einmal."),
        (
            "You can remove only rules that you saved for a session. Ask an admin.",
            "Du kannst nur Regeln entfernen, die du für eine Session gespeichert hast. Frag einen Admin.",
        ),
        (
            "a path pattern begins with `!`: put the exception in another list, for example `Read(secrets/**)` \
             in the deny list",
            "ein Pfadmuster beginnt mit `!`: schreib die Ausnahme in eine andere Liste, zum Beispiel \
             `Read(secrets/**)` in die Liste deny",
        ),
        (
            "a path pattern contains `..` or names another user's home: write `//absolute/path/**` or `~/path/**`",
            "ein Pfadmuster enthält `..` oder das Home eines anderen Benutzers: schreib `//absoluter/pfad/**` \
             oder `~/pfad/**`",
        ),
        (
            "a path pattern contains braces, a backslash or `[^`: write a separate rule for each alternative, \
             such as `Edit(*.ts)` and `Edit(*.js)`",
            "ein Pfadmuster enthält geschweifte Klammern, einen Backslash oder `[^`: schreib für jede \
             Alternative eine eigene Regel, zum Beispiel `Edit(*.ts)` und `Edit(*.js)`",
        ),
        (
            "a path pattern has an invalid wildcard: use `**` only as a whole path component, as in \
             `src/**/*.rs`, and close each `[`",
            "ein Pfadmuster hat einen ungültigen Platzhalter: verwende `**` nur als ganzen Teil des Pfads, wie \
             in `src/**/*.rs`, und schließ jede `[`",
        ),
        (
            "a pattern can't contain both `*` and `:*`: write `Bash(git * main)` or `Bash(git push:*)`",
            "ein Muster kann nicht zugleich `*` und `:*` enthalten: schreib `Bash(git * main)` oder `Bash(git push:*)`",
        ),
        (
            "a rule contains a line break or another control character: write one rule per line, such as \
             `Bash(make test)`",
            "die Regel enthält einen Zeilenumbruch oder ein anderes Steuerzeichen: schreib eine Regel pro Zeile, \
             zum Beispiel `Bash(make test)`",
        ),
        (
            "a rule for WebFetch names no domain: write `WebFetch(domain:example.org)`",
            "eine Regel für WebFetch braucht eine Domain: schreib `WebFetch(domain:example.org)`",
        ),
        (
            "a rule for this tool takes no pattern: write the name alone, for example `mcp__server__tool`",
            "eine Regel für dieses Tool darf kein Muster haben: schreib nur den Namen, zum Beispiel `mcp__server__tool`",
        ),
        (
            "a rule is empty: write `Tool` or `Tool(pattern)`, for example `Bash(git status:*)`",
            "die Regel ist leer: schreib `Tool` oder `Tool(Muster)`, zum Beispiel `Bash(git status:*)`",
        ),
        (
            "a tool name contains a wildcard: write `*` for all tools or `mcp__server__*` for the tools of an \
             MCP server",
            "der Name des Tools enthält einen Platzhalter: schreib `*` für alle Tools oder `mcp__server__*` für \
             die Tools eines MCP-Servers",
        ),
        ("configuration", "Konfiguration"),
        ("configuration of persona '{name}'", "Konfiguration der Persona '{name}'"),
        ("configuration of session '{name}'", "Konfiguration der Session '{name}'"),
        ("rule {}", "Regel {}"),
        ("saved by {by}, {date}", "gespeichert von {by}, {date}"),
        ("saved for session '{name}' by {by}, {date}", "gespeichert für Session '{name}' von {by}, {date}"),
        (
            "the closing parenthesis is missing at the end: write `Bash(git status:*)`",
            "am Ende fehlt die schließende Klammer: schreib `Bash(git status:*)`",
        ),
        (
            "the pattern is empty: write `Bash` for all uses or `Bash(git status:*)` for some",
            "das Muster ist leer: schreib `Bash` für alle Verwendungen oder `Bash(git status:*)` für einige",
        ),
        (
            "the tool name is missing or contains characters that are not allowed in tool names: write `Bash` or \
             `mcp__server__tool`",
            "der Name des Tools fehlt oder enthält Zeichen, die in Namen von Tools nicht erlaubt sind: schreib \
             `Bash` oder `mcp__server__tool`",
        ),
        ("{rule} in all sessions", "{rule} in allen Sessions"),
        ("{rule} in session '{name}'", "{rule} in Session '{name}'"),
        ("“{text}” isn't a rule: {error}", "„{text}“ ist keine Regel: {error}"),
        ("…and {} more.", "…und {} weitere."),
    ],
};
