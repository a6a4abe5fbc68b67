//! The German texts, sorted by the English ones. Texts are short and informal ("du"). Commands, keys and technical terms
//! such as Session, Agent, Plugin, Persona and Prompt stay as they are.

use super::{Plurals, Texts};

pub const TEXTS: Texts = &[
    ("\n\nIt needs your approval. ", "\n\nDas Plugin braucht deine Freigabe. "),
    (
        "\n\nThey need your approval. /plugins shows each request and how to grant it.",
        "\n\nDie Plugins brauchen deine Freigabe. /plugins zeigt jede Anfrage und wie du sie erlaubst.",
    ),
    ("\n- '{plugin}', version {version}: {}", "\n- '{plugin}', Version {version}: {}"),
    ("\n- and {more} more", "\n- und {more} weitere"),
    ("\nA part was not transcribed: {}", "\nEin Teil wurde nicht transkribiert: {}"),
    ("\nGeneration {} stays active.", "\nGeneration {} bleibt aktiv."),
    (
        "\nSession '{one}' still exists: send /session {one} in another chat or topic.",
        "\nDie Session '{one}' gibt es noch: Sende /session {one} in einem anderen Chat oder Thema.",
    ),
    (
        "\nThe sessions {} still exist: use /session in another chat or topic.",
        "\nDie Sessions {} gibt es noch: Verwende /session in einem anderen Chat oder Thema.",
    ),
    ("\nand {count} more. /plugins lists them.", "\nund {count} weitere. /plugins listet sie auf."),
    (" (can't be granted in the chat)", " (kann nicht im Chat erlaubt werden)"),
    (" (shortened; {whole} shows more)", " (gekürzt; {whole} zeigt mehr)"),
    (" Commands removed with it: {}.", " Damit entfallen diese Befehle: {}."),
    (" Did you mean '{near}'?", " Meintest du '{near}'?"),
    (" Did you mean //{nearest}?", " Meintest du //{nearest}?"),
    (
        " If it was the approval plugin, a user is now asked about each permission.",
        " Falls es das Freigabe-Plugin war, entscheidet jetzt bei jeder Bitte um Erlaubnis eine Person.",
    ),
    (
        " If it was the lifecycle plugin, idle agents are now suspended at their idle timeout.",
        " Falls es das Lifecycle-Plugin war, werden untätige Agenten jetzt nach ihrem Idle-Timeout pausiert.",
    ),
    (
        " Restarting it also ends its background work: {}.",
        " Ein Neustart beendet auch seine Arbeit im Hintergrund: {}.",
    ),
    (" The agent offers: {offers}.", " Der Agent bietet an: {offers}."),
    (
        " To use version {version} again, type /plugins reload {name}.",
        " Um Version {version} wieder zu verwenden, gib /plugins reload {name} ein.",
    ),
    ("'{}' is not a role: use admin or member.", "'{}' ist keine Rolle: Verwende admin oder member."),
    ("'{}' is not a valid model name. Use {rule}.", "'{}' ist kein gültiger Modellname. Verwende {rule}."),
    (
        "'{}' is not the numeric id of a person, such as 123456789.",
        "'{}' ist keine numerische ID einer Person wie 123456789.",
    ),
    (
        ". It can't be granted in the chat: add `{line}` to [plugins.{plugin}]",
        ". Das kann nicht im Chat erlaubt werden: Ergänze `{line}` in [plugins.{plugin}]",
    ),
    ("/plugins reload {name} tries it again", "/plugins reload {name} versucht es erneut"),
    (
        "/{command} doesn't use files, so the agent didn't get yours. {}",
        "/{command} verwendet keine Dateien, deshalb hat der Agent deine nicht bekommen. {}",
    ),
    ("/{command} is for admins only.", "/{command} ist nur für Admins."),
    ("/{command} is for members only.", "/{command} ist nur für Mitglieder."),
    ("/{command} is for the owner only.", "/{command} ist nur für den Owner."),
    ("/{name} failed: plugin '{plugin}' {why}.", "/{name} ist fehlgeschlagen. Fehler in Plugin '{plugin}': {why}."),
    ("; or type /plugins grant {plugin} {version}", "; oder gib /plugins grant {plugin} {version} ein"),
    (
        "A filter rejected your edit, so the previous text stays until you edit the message again: {why}",
        "Ein Filter hat deine Änderung abgelehnt. Bis du die Nachricht erneut bearbeitest, gilt der bisherige Text: {why}",
    ),
    (
        "A message was dropped just now. Use /leave again to also drop the earlier interrupted message of session '{session}'.",
        "Gerade wurde eine Nachricht verworfen. Mit einem weiteren /leave verwirfst du auch die frühere unterbrochene Nachricht der Session '{session}'.",
    ),
    (
        "A newer version or command for plugin '{name}' replaced this command. See /plugins.",
        "Eine neuere Version oder ein neuerer Befehl für Plugin '{name}' hat diesen Befehl ersetzt. Siehe /plugins.",
    ),
    (
        "A question of session '{session}' was withdrawn, because Cordboard was stopped: {title}",
        "Eine Frage der Session '{session}' wurde zurückgezogen, weil Cordboard beendet wurde: {title}",
    ),
    ("API overloaded", "API überlastet"),
    ("API server error", "Serverfehler der API"),
    ("Active now: {}.", "Jetzt aktiv: {}."),
    (
        "Add credit (for an API key at platform.claude.com/settings/billing) or use another account. Then send the message again.",
        "Lade Guthaben auf (für einen API-Schlüssel unter platform.claude.com/settings/billing) oder verwende ein anderes Konto. Sende die Nachricht dann noch einmal.",
    ),
    (
        "Add the text: /answer {session}#{number} {option} <text>",
        "Ergänze den Text: /answer {session}#{number} {option} <Text>",
    ),
    (
        "Agent '{agent}' is a plain program and has no models. Set its options with args in [agents.{agent}].",
        "Agent '{agent}' ist ein einfaches Programm und hat keine Modelle. Lege seine Optionen mit args in [agents.{agent}] fest.",
    ),
    (
        "Agent '{agent}' is a plain program and has no permission modes. Set its options with args in [agents.{agent}].",
        "Agent '{agent}' ist ein einfaches Programm und hat keine Berechtigungsmodi. Lege seine Optionen mit args in [agents.{agent}] fest.",
    ),
    (
        "Agent '{}' is a plain program and can't use personas.",
        "Agent '{}' ist ein einfaches Programm und kann keine Personas verwenden.",
    ),
    ("Agent '{}' is not configured.", "Agent '{}' ist nicht konfiguriert."),
    ("Allow for this session", "Für diese Session erlauben"),
    ("Allow once", "Einmal erlauben"),
    ("Always allow", "Immer erlauben"),
    ("Always deny", "Immer ablehnen"),
    (
        "An earlier message of session '{session}' was not sent again either: “{prompt}”.",
        "Auch eine frühere Nachricht der Session '{session}' wurde nicht erneut gesendet: „{prompt}“.",
    ),
    ("Answered: {option}.", "Beantwortet: {option}."),
    ("Approve", "Genehmigen"),
    ("Approving the plan also allows: {prompts}", "Die Freigabe des Plans erlaubt auch: {prompts}"),
    (
        "Bots can't get access. Reply to a message of a person.",
        "Bots können keinen Zugriff bekommen. Antworte auf die Nachricht einer Person.",
    ),
    (
        "Check the account or the API key of the agent, or use another one.",
        "Prüfe das Konto oder den API-Schlüssel des Agenten, oder verwende einen anderen Zugang.",
    ),
    (
        "Check the network of the host. Then send the message again.",
        "Prüfe das Netzwerk des Hosts. Sende die Nachricht dann noch einmal.",
    ),
    ("Choose another model with /model.", "Wähle mit /model ein anderes Modell."),
    ("Choose one of: {known}.", "Wähle eine der Optionen: {known}."),
    ("Choose one or more of: {known}.", "Wähle eine oder mehrere der Optionen: {known}."),
    (
        "Choose one or more, and press Done, or type their numbers, as in `/answer 1 2`.",
        "Wähle eine oder mehrere und drücke Fertig, oder gib ihre Nummern ein, wie in `/answer 1 2`.",
    ),
    ("Closed.", "Geschlossen."),
    (
        "Cordboard can't read the history of agent '{}'. Scroll up in the chat instead.",
        "Cordboard kann den Verlauf des Agenten '{}' nicht lesen. Scrolle stattdessen im Chat nach oben.",
    ),
    (
        "Cordboard can't write to {place}: {}\nThe answers for this chat are kept. They are sent when someone writes there, or when the chat accepts messages again. In a private chat, the user may have blocked the bot. In a group, check that the topic is open and that the bot may post.",
        "Cordboard kann nicht in {place} schreiben: {}\nDie Antworten für diesen Chat bleiben gespeichert. Sie werden gesendet, sobald dort jemand schreibt oder der Chat wieder Nachrichten annimmt. In einem privaten Chat hat der Benutzer den Bot vielleicht blockiert. Prüfe in einer Gruppe, ob das Thema offen ist und der Bot schreiben darf.",
    ),
    ("Cordboard could not store the change: {error}", "Cordboard konnte die Änderung nicht speichern: {error}"),
    ("Cordboard could not store the change: {why}", "Cordboard konnte die Änderung nicht speichern: {why}"),
    (
        "Cordboard has a bug and can't handle this message, so it was set aside. Other messages are not affected. Please report the bug with the host's log.",
        "Cordboard hat einen Fehler und kann diese Nachricht nicht verarbeiten. Sie wurde zurückgestellt; andere Nachrichten sind nicht betroffen. Bitte melde den Fehler mit dem Log des Hosts.",
    ),
    ("Cordboard is shutting down.", "Cordboard wird beendet."),
    (
        "Cordboard was stopped while session '{session}' was answering “{prompt}”. The agent continues.",
        "Cordboard wurde beendet, während Session '{session}' auf „{prompt}“ antwortete. Der Agent macht weiter.",
    ),
    (
        "Cordboard was stopped while session '{session}' was answering “{prompt}”. Your message was not sent again.",
        "Cordboard wurde beendet, während Session '{session}' auf „{prompt}“ antwortete. Deine Nachricht wurde nicht erneut gesendet.",
    ),
    (
        "Cordboard was stopped while the agent of session '{session}' was working in the background: {work}. That work has ended. Ask the agent to start it again.",
        "Cordboard wurde beendet, während der Agent der Session '{session}' im Hintergrund arbeitete: {work}. Diese Arbeit ist abgebrochen. Bitte den Agenten, sie neu zu starten.",
    ),
    ("Cordboard's database was damaged: {why}", "Die Datenbank von Cordboard war beschädigt: {why}"),
    ("Decided by {}, {at}: {}.", "Entschieden von {}, {at}: {}."),
    ("Decided: {}.", "Entschieden: {}."),
    ("Denied: {tool}{what}", "Abgelehnt: {tool}{what}"),
    ("Deny", "Ablehnen"),
    ("Deny and say why", "Ablehnen und begründen"),
    (
        "Done, but the change was not stored and may be lost at a restart: {why}",
        "Erledigt, aber die Änderung wurde nicht gespeichert und kann bei einem Neustart verloren gehen: {why}",
    ),
    ("Done.", "Fertig."),
    ("Error from the API", "Fehler der API"),
    ("For this session it would allow: {rules}", "Für diese Session wäre damit erlaubt: {rules}"),
    ("From a script, to session '{session}': “{prompt}”", "Von einem Skript, an die Session '{session}': „{prompt}“"),
    ("Generation {number} stays active.", "Generation {number} bleibt aktiv."),
    ("Grant and activate", "Erlauben und aktivieren"),
    ("Grant {plugin}", "{plugin} erlauben"),
    (
        "Identify the version by the first {characters} characters of its digest.",
        "Gib die Version mit den ersten {characters} Zeichen ihres Digests an.",
    ),
    (
        "In a group, an album needs a caption. Send it again with one.",
        "In einer Gruppe braucht ein Album einen Begleittext. Sende es noch einmal mit einem.",
    ),
    (
        "In a single chat, people can only be members. Without `here`, the role applies in all chats.",
        "In einem einzelnen Chat kann eine Person nur Mitglied sein. Ohne `here` gilt die Rolle in allen Chats.",
    ),
    ("Incomplete: the agent exited.", "Unvollständig: Der Agent hat sich beendet."),
    ("Incomplete: the agent was restarted.", "Unvollständig: Der Agent wurde neu gestartet."),
    ("Interrupt", "Unterbrechen"),
    ("Interrupted by the next message.", "Unterbrochen durch die nächste Nachricht."),
    (
        "Interrupted, because another user whose message was being answered lost access. Send your message again.",
        "Unterbrochen, weil eine andere Person, deren Nachricht gerade beantwortet wurde, ihren Zugriff verloren hat. Sende deine Nachricht noch einmal.",
    ),
    ("Interrupted.", "Unterbrochen."),
    ("It has its own topic, “{name}”.", "Sie hat ein eigenes Thema, „{name}“."),
    ("It has its own topic: [{name}]({link}).", "Sie hat ein eigenes Thema: [{name}]({link})."),
    (
        "It is active here, because Cordboard stopped while it created the topic. If the topic exists, send /session {name} there.",
        "Sie ist hier aktiv, weil Cordboard beim Erstellen des Themas beendet wurde. Falls es das Thema gibt, sende dort /session {name}.",
    ),
    (
        "It is active here, because Telegram created no topic ({}). {remedy}",
        "Sie ist hier aktiv, weil Telegram kein Thema erstellt hat ({}). {remedy}",
    ),
    (
        "It is active here, because Telegram's answer about the topic is missing ({}). If the topic exists, send /session {name} there.",
        "Sie ist hier aktiv, weil die Antwort von Telegram zum Thema fehlt ({}). Falls es das Thema gibt, sende dort /session {name}.",
    ),
    ("It offers no modes.", "Er bietet keine Modi an."),
    ("It offers: {modes}.", "Er bietet an: {modes}."),
    ("Keep planning", "Weiter planen"),
    ("Keep planning and say what to change", "Weiter planen und sagen, was sich ändern soll"),
    ("Leave it", "Verwerfen"),
    ("Lost: {}.", "Verloren: {}."),
    (
        "Name the person's numeric id, or reply to a message of that person in this chat.",
        "Gib die numerische ID der Person an oder antworte auf eine ihrer Nachrichten in diesem Chat.",
    ),
    ("No active session. Use /new to start one.", "Keine aktive Session. Starte eine mit /new."),
    ("No answer in time.", "Keine Antwort innerhalb der Frist."),
    ("No interrupted message to drop.", "Keine unterbrochene Nachricht zum Verwerfen."),
    ("No record was lost.", "Kein Datensatz ging verloren."),
    ("No response from the API", "Keine Antwort von der API"),
    (
        "No user can answer the agent of session '{session}', because the input has ended. The agent continues without an answer. It asked: {title}",
        "Niemand kann dem Agenten der Session '{session}' antworten, weil die Eingabe beendet ist. Der Agent macht ohne Antwort weiter. Seine Frage: {title}",
    ),
    ("No version is active without it.", "Ohne sie ist keine Version aktiv."),
    ("No version is active without them.", "Ohne diese ist keine Version aktiv."),
    ("No version of plugin '{name}' is pending approval.", "Keine Version von Plugin '{name}' wartet auf Freigabe."),
    ("No version of plugin '{}' is active.", "Keine Version von Plugin '{}' ist aktiv."),
    (
        "None of your sessions is active here. The active one belongs to another user. Use /new to start your own.",
        "Keine deiner Sessions ist hier aktiv. Die aktive gehört einer anderen Person. Starte mit /new eine eigene.",
    ),
    (
        "Not accepted: the active session here belongs to another user. Use /new to start your own; the other session isn't affected.",
        "Nicht angenommen: Die hier aktive Session gehört einer anderen Person. Starte mit /new eine eigene; die andere Session ist davon nicht betroffen.",
    ),
    (
        "Not accepted: the agents have cost {spent} today, and the limit is {limit} a day. Send the message again after midnight (in {resets_in}), or raise `cost_per_day` in [limits] first.",
        "Nicht angenommen: Die Agenten haben heute {spent} gekostet, und das Limit beträgt {limit} pro Tag. Sende die Nachricht nach Mitternacht (in {resets_in}) noch einmal oder erhöhe vorher `cost_per_day` in [limits].",
    ),
    (
        "Not accepted: too many messages are waiting here. Send the message again in a moment.",
        "Nicht angenommen: Hier warten zu viele Nachrichten. Sende die Nachricht gleich noch einmal.",
    ),
    (
        "Not accepted: you may send at most {limit} messages a minute. Wait a minute: until then, further messages may be dropped without an answer.",
        "Nicht angenommen: Du darfst höchstens {limit} Nachrichten pro Minute senden. Warte eine Minute: Bis dahin können weitere Nachrichten ohne Antwort verworfen werden.",
    ),
    ("Not accepted: {why}", "Nicht angenommen: {why}"),
    (
        "Not accepted: {why}. Send the message again when that is fixed.",
        "Nicht angenommen: {why}. Sende die Nachricht noch einmal, wenn das behoben ist.",
    ),
    (
        "Not sent to the agent: the filter '{plugin}' {why}. Send the message again, or ask the owner to remove the filter from `filters` in [plugins].",
        "Nicht an den Agenten gesendet. Fehler im Filter '{plugin}': {why}. Sende die Nachricht noch einmal oder bitte den Owner, den Filter aus `filters` in [plugins] zu entfernen.",
    ),
    ("Not sent to the agent: {}", "Nicht an den Agenten gesendet: {}"),
    (
        "Not sent: the arguments of //{name} can't contain a word that starts with '@', because the agent would read that file without asking. Name the file without the '@'.",
        "Nicht gesendet: Die Argumente von //{name} dürfen kein Wort enthalten, das mit '@' beginnt, weil der Agent diese Datei ohne Rückfrage lesen würde. Nenne die Datei ohne '@'.",
    ),
    ("Not stored yet; trying again: {why}", "Noch nicht gespeichert; neuer Versuch folgt: {why}"),
    ("Nothing is running.", "Es läuft nichts."),
    ("Nothing to retry.", "Es gibt nichts zu wiederholen."),
    (
        "On the host, run claude as the user that runs Cordboard, and log in with /login there. Or set an API key with pass_env or env in the configuration of the agent. Then use /suspend and send the message again.",
        "Starte auf dem Host claude als der Benutzer, der Cordboard ausführt, und melde dich dort mit /login an. Oder setze mit pass_env oder env einen API-Schlüssel in der Konfiguration des Agenten. Verwende dann /suspend und sende die Nachricht noch einmal.",
    ),
    (
        "Only the person who created this session and the admins can decide this.",
        "Das können nur die Person, die diese Session erstellt hat, und die Admins entscheiden.",
    ),
    ("Part {part} of {of} could not be shown.", "Teil {part} von {of} konnte nicht angezeigt werden."),
    (
        "Plugin '{name}' has a new file, {}, but {} disabled the plugin. Use /plugins enable {name} to enable it again.",
        "Plugin '{name}' hat eine neue Datei, {}, aber {} hat das Plugin deaktiviert. Mit /plugins enable {name} aktivierst du es wieder.",
    ),
    ("Plugin '{name}' is already disabled.", "Plugin '{name}' ist bereits deaktiviert."),
    (
        "Plugin '{name}' is disabled. Use /plugins enable {name} first.",
        "Plugin '{name}' ist deaktiviert. Verwende zuerst /plugins enable {name}.",
    ),
    (
        "Plugin '{name}' is disabled. Use /plugins enable {name} to enable it again.",
        "Plugin '{name}' ist deaktiviert. Mit /plugins enable {name} aktivierst du es wieder.",
    ),
    (
        "Plugin '{name}' is enabled, but no version is active: {why}.",
        "Plugin '{name}' ist aktiviert, aber keine Version ist aktiv: {why}.",
    ),
    (
        "Plugin '{name}' is enabled. Active now: {active_now}; {why}.",
        "Plugin '{name}' ist aktiviert. Jetzt aktiv: {active_now}; {why}.",
    ),
    ("Plugin '{name}' is enabled: {}.", "Plugin '{name}' ist aktiviert: {}."),
    (
        "Plugin '{name}' is granted {granted}, and is active: {}.",
        "Plugin '{name}' hat jetzt die Berechtigungen {granted} und ist aktiv: {}.",
    ),
    (
        "Plugin '{name}' is no longer granted {revoked}. {active_now}",
        "Dem Plugin '{name}' wurde entzogen: {revoked}. {active_now}",
    ),
    ("Plugin '{name}' is reloaded: {}.", "Plugin '{name}' ist neu geladen: {}."),
    (
        "Plugin '{name}' provides /plugins, which you need to enable plugins again. Replace it with another version instead.",
        "Plugin '{name}' stellt /plugins bereit, das du brauchst, um Plugins wieder zu aktivieren. Ersetze es stattdessen durch eine andere Version.",
    ),
    (
        "Plugin '{name}' was granted nothing in the chat. To revoke what the configuration grants, change [plugins.{name}].",
        "Plugin '{name}' hat im Chat keine Berechtigungen bekommen. Um zu entziehen, was die Konfiguration erlaubt, ändere [plugins.{name}].",
    ),
    ("Plugin '{name}' was rejected: {why}.{stays_active}", "Plugin '{name}' wurde abgelehnt: {why}.{stays_active}"),
    (
        "Plugin '{name}', version {version}, is pending approval: {why}.{stays_active}",
        "Plugin '{name}', Version {version}, wartet auf Freigabe: {why}.{stays_active}",
    ),
    (
        "Plugin '{name}', version {version}, is rolled back. Active now: {active_now}.{again}",
        "Plugin '{name}', Version {version}, wurde zurückgerollt. Jetzt aktiv: {active_now}.{again}",
    ),
    (
        "Plugin '{name}', version {version}, is rolled back: {how}.\nActive now: {active_now}; {next_attempt}.",
        "Plugin '{name}', Version {version}, wurde zurückgerollt: {how}.\nJetzt aktiv: {active_now}; {next_attempt}.",
    ),
    (
        "Plugin '{name}', version {version}: {how}. It could not be rolled back, because the previous version was rejected: {why}.{stays_active}",
        "Plugin '{name}', Version {version}: {how}. Die Version konnte nicht zurückgerollt werden, weil die vorherige abgelehnt wurde: {why}.{stays_active}",
    ),
    (
        "Plugin '{name}', version {}, is being compiled. You get a message when it is done.",
        "Plugin '{name}', Version {}, wird kompiliert. Du bekommst eine Nachricht, wenn es fertig ist.",
    ),
    (
        "Plugin '{name}', version {}: {how}. There is no earlier version, so it stays active. Use /plugins disable {name} to disable it.",
        "Plugin '{name}', Version {}: {how}. Es gibt keine frühere Version, deshalb bleibt sie aktiv. Mit /plugins disable {name} deaktivierst du das Plugin.",
    ),
    (
        "Plugin '{plugin}', version {version}, requests capabilities that it was not granted:\n",
        "Plugin '{plugin}', Version {version}, fordert Berechtigungen an, die es nicht hat:\n",
    ),
    ("Plugin '{}' has no version before {}.", "Plugin '{}' hat keine Version vor {}."),
    ("Plugin '{}' is active: {}.", "Plugin '{}' ist aktiv: {}."),
    ("Plugin '{}' is enabled, but it has no file.", "Plugin '{}' ist aktiviert, hat aber keine Datei."),
    (
        "Plugin '{}' is no longer active: its file was removed.",
        "Plugin '{}' ist nicht mehr aktiv: Seine Datei wurde entfernt.",
    ),
    ("Plugin '{}' is not disabled.", "Plugin '{}' ist nicht deaktiviert."),
    (
        "Plugin '{}' is not granted {listed}. You won't be asked again about versions that request only these capabilities.{stays_active}",
        "Plugin '{}' bekommt {listed} nicht. Zu Versionen, die nur diese Berechtigungen anfordern, wirst du nicht mehr gefragt.{stays_active}",
    ),
    (
        "Plugin '{}' no longer has a file and is not built in.",
        "Plugin '{}' hat keine Datei mehr und ist nicht eingebaut.",
    ),
    (
        "Plugin '{}' uses its built-in version again: generation {number}.",
        "Plugin '{}' verwendet wieder seine eingebaute Version: Generation {number}.",
    ),
    ("Plugin '{}' was rejected: {why}.{stays_active}", "Plugin '{}' wurde abgelehnt: {why}.{stays_active}"),
    ("Refuse", "Ablehnen"),
    ("Refuse {plugin}", "{plugin} ablehnen"),
    (
        "Removed the entry of {person} for this chat. The person is still {role} in all chats.",
        "Der Eintrag von {person} für diesen Chat ist entfernt. In allen Chats hat die Person weiterhin die Rolle {role}.",
    ),
    (
        "Removed the entry of {person}. The configuration still gives access: edit `{key}` in `[access]`.",
        "Der Eintrag von {person} ist entfernt. Die Konfiguration gibt weiterhin Zugriff: Ändere `{key}` in `[access]`.",
    ),
    ("Restart the agent", "Agent neu starten"),
    ("Saved in the session's folder as {}.", "Im Ordner der Session gespeichert als {}."),
    ("Send again", "Erneut senden"),
    ("Send the message again after that time.", "Sende die Nachricht nach dieser Zeit noch einmal."),
    (
        "Send the message again after the limit resets, or use another account.",
        "Sende die Nachricht noch einmal, sobald das Limit zurückgesetzt ist, oder verwende ein anderes Konto.",
    ),
    ("Send the message again after {time}.", "Sende die Nachricht nach {time} noch einmal."),
    (
        "Send the text as your next message here, or type: /answer {session}#{number} {option} <text>",
        "Sende den Text hier als nächste Nachricht oder gib ein: /answer {session}#{number} {option} <Text>",
    ),
    ("Send them again without a command.", "Sende sie noch einmal ohne Befehl."),
    (
        "Session '{session}' already exists. Use /session {session} to switch to it.",
        "Session '{session}' gibt es schon. Wechsle mit /session {session} zu ihr.",
    ),
    (
        "Session '{session}' could not be resumed: {}\nYour messages are kept. Use /retry to try again, or /fresh to start a new conversation.",
        "Session '{session}' konnte nicht fortgesetzt werden: {}\nDeine Nachrichten bleiben erhalten. Versuche es mit /retry noch einmal oder beginne mit /fresh eine neue Unterhaltung.",
    ),
    (
        "Session '{session}' could not fork the conversation: {}\nYour messages are kept. Use /fresh to start a new conversation.",
        "Session '{session}' konnte die Unterhaltung nicht abzweigen: {}\nDeine Nachrichten bleiben erhalten. Beginne mit /fresh eine neue Unterhaltung.",
    ),
    (
        "Session '{session}' has a conversation with agent '{}', which no other agent can continue.",
        "Session '{session}' hat eine Unterhaltung mit Agent '{}', die kein anderer Agent fortsetzen kann.",
    ),
    (
        "Session '{session}' has no conversation yet. Use /new to create another session.",
        "Session '{session}' hat noch keine Unterhaltung. Erstelle mit /new eine weitere Session.",
    ),
    (
        "Session '{session}' has no open request #{number}. Use /requests to list them.",
        "Session '{session}' hat keine offene Anfrage #{number}. /requests listet die offenen auf.",
    ),
    ("Session '{session}' has no open request.", "Session '{session}' hat keine offene Anfrage."),
    (
        "Session '{session}' has {} open requests:\n{}\nAnswer one by its number, as in /answer #{number} …",
        "Session '{session}' hat {} offene Anfragen:\n{}\nBeantworte eine mit ihrer Nummer, zum Beispiel /answer #{number} …",
    ),
    ("Session '{session}' in {folder} asks", "Session '{session}' in {folder} fragt"),
    ("Session '{session}' in {folder} asks for permission", "Session '{session}' in {folder} bittet um Erlaubnis"),
    (
        "Session '{session}' in {folder} asks you to approve its plan",
        "Session '{session}' in {folder} bittet dich, den Plan zu genehmigen",
    ),
    (
        "Session '{session}' is already answering the message that was sent again. To send an earlier interrupted message again, use /retry after this answer.",
        "Session '{session}' beantwortet bereits die erneut gesendete Nachricht. Um eine frühere unterbrochene Nachricht noch einmal zu senden, verwende /retry nach dieser Antwort.",
    ),
    (
        "Session '{session}' is archived. Use /restore {session}.",
        "Session '{session}' ist archiviert. Verwende /restore {session}.",
    ),
    ("Session '{session}' is busy. Use /stop first.", "Session '{session}' ist beschäftigt. Verwende zuerst /stop."),
    (
        "Session '{session}' is busy. Your message is queued.",
        "Session '{session}' ist beschäftigt. Deine Nachricht wartet.",
    ),
    ("Session '{session}' is not archived.", "Session '{session}' ist nicht archiviert."),
    (
        "Session '{session}' is open in a terminal. Exit the agent there first.",
        "Session '{session}' ist in einem Terminal geöffnet. Beende dort zuerst den Agenten.",
    ),
    (
        "Session '{session}' is open in a terminal. Your message waits until the terminal is closed.",
        "Session '{session}' ist in einem Terminal geöffnet. Deine Nachricht wartet, bis das Terminal geschlossen ist.",
    ),
    (
        "Session '{session}' is waiting for your answer to question #{number}. Use its buttons or /answer #{number}; /requests shows it again. Your message is queued.",
        "Session '{session}' wartet auf deine Antwort auf Frage #{number}. Verwende die Buttons der Frage oder /answer #{number}; /requests zeigt sie noch einmal. Deine Nachricht wartet.",
    ),
    (
        "Session '{session}' keeps working in {}, although [sessions.folders] no longer lists the session.",
        "Session '{session}' arbeitet weiter in {}, obwohl die Session nicht mehr in [sessions.folders] steht.",
    ),
    (
        "Session '{session}' now works in {}, as set in [sessions.folders].",
        "Session '{session}' arbeitet jetzt in {}, wie in [sessions.folders] festgelegt.",
    ),
    (
        "Session '{session}' was never active in a chat, so its answer can't be sent. Activate it in a chat first.",
        "Session '{session}' war noch nie in einem Chat aktiv, deshalb kann ihre Antwort nicht gesendet werden. Aktiviere sie zuerst in einem Chat.",
    ),
    ("Session '{}' can only be activated in this chat.", "Session '{}' kann nur in diesem Chat aktiviert werden."),
    ("Session '{}' doesn't exist. Use /new to create it.", "Session '{}' gibt es nicht. Erstelle sie mit /new."),
    (
        "Shorten the conversation with //compact, or start a new one with /fresh.",
        "Kürze die Unterhaltung mit //compact, oder beginne mit /fresh eine neue.",
    ),
    ("Show more", "Mehr anzeigen"),
    ("Something else", "Etwas anderes"),
    ("Start fresh", "Neu beginnen"),
    ("Stopped.", "Gestoppt."),
    ("Stopped: Cordboard is shutting down.", "Gestoppt: Cordboard wird beendet."),
    ("The API denied the agent access", "Die API hat dem Agenten den Zugriff verweigert"),
    ("The API has a problem", "Die API hat ein Problem"),
    ("The API is overloaded", "Die API ist überlastet"),
    ("The API received too many requests", "Die API hat zu viele Anfragen erhalten"),
    ("The API rejected the login", "Die API hat die Anmeldung abgelehnt"),
    ("The account of the agent has no credit", "Das Konto des Agenten hat kein Guthaben"),
    ("The account of the agent has reached its usage limit", "Das Konto des Agenten hat sein Nutzungslimit erreicht"),
    (
        "The agent can't get this kind of message ({kind}).",
        "Der Agent kann diese Art von Nachricht nicht empfangen ({kind}).",
    ),
    ("The agent can't reach the API", "Der Agent erreicht die API nicht"),
    ("The agent could not log in to the API", "Der Agent konnte sich nicht bei der API anmelden"),
    (
        "The agent did not return the id of the new conversation.",
        "Der Agent hat die ID der neuen Unterhaltung nicht genannt.",
    ),
    ("The agent failed without giving a reason.", "Der Agent ist ohne Angabe von Gründen gescheitert."),
    (
        "The agent gets only the caption. It can't see the {kind}.",
        "Der Agent bekommt nur den Begleittext. Den Anhang kann er nicht sehen ({kind}).",
    ),
    (
        "The agent has stopped trying. Send the message again in a few minutes, or choose another model with /model.",
        "Der Agent hat aufgegeben. Sende die Nachricht in ein paar Minuten noch einmal, oder wähle mit /model ein anderes Modell.",
    ),
    (
        "The agent has stopped trying. Send the message again in a few minutes.",
        "Der Agent hat aufgegeben. Sende die Nachricht in ein paar Minuten noch einmal.",
    ),
    (
        "The agent is not logged in. Log in with it in a terminal, as the user that runs Cordboard; its command is '{command}'.",
        "Der Agent ist nicht angemeldet. Melde dich mit ihm in einem Terminal an, als der Benutzer, der Cordboard ausführt; sein Befehl ist '{command}'.",
    ),
    (
        "The agent of session '{session}' could not be started: {}\nYour messages are kept. Use /retry to try again.",
        "Der Agent der Session '{session}' konnte nicht gestartet werden: {}\nDeine Nachrichten bleiben erhalten. Versuche es mit /retry noch einmal.",
    ),
    (
        "The agent of session '{session}' did not answer “{prompt}”. Your message was not sent again.",
        "Der Agent der Session '{session}' hat „{prompt}“ nicht beantwortet. Deine Nachricht wurde nicht erneut gesendet.",
    ),
    (
        "The agent of session '{session}' did not respond and was stopped. The next message resumes it.",
        "Der Agent der Session '{session}' hat nicht reagiert und wurde beendet. Die nächste Nachricht setzt ihn fort.",
    ),
    (
        "The agent of session '{session}' did not start: {}\nCordboard tries three more times, and your messages are kept. Use /retry to try now. Check command and args in [agents.{agent}].",
        "Der Agent der Session '{session}' ist nicht gestartet: {}\nCordboard versucht es noch dreimal, und deine Nachrichten bleiben erhalten. Mit /retry versuchst du es sofort. Prüfe command und args in [agents.{agent}].",
    ),
    (
        "The agent of session '{session}' exited during its answer: {why}\nYour message was not sent again.",
        "Der Agent der Session '{session}' hat sich während der Antwort beendet: {why}\nDeine Nachricht wurde nicht erneut gesendet.",
    ),
    (
        "The agent of session '{session}' exited during its background work: {why}\nThe next message resumes it.",
        "Der Agent der Session '{session}' hat sich während seiner Arbeit im Hintergrund beendet: {why}\nDie nächste Nachricht setzt ihn fort.",
    ),
    (
        "The agent of session '{session}' got no answer within {after}, and continues without one. It asked: {title}",
        "Der Agent der Session '{session}' hat innerhalb von {after} keine Antwort bekommen und macht ohne sie weiter. Seine Frage: {title}",
    ),
    (
        "The agent of session '{session}' has been silent for {silent}, although it is not running a tool. Wait, interrupt the answer, or restart the agent, which then gets your message again.{ends}",
        "Der Agent der Session '{session}' hat sich seit {silent} nicht mehr gemeldet, obwohl er kein Tool ausführt. Warte, unterbrich die Antwort oder starte den Agenten neu; er bekommt deine Nachricht dann noch einmal.{ends}",
    ),
    (
        "The agent of session '{session}' has no command //{name}.{hint} Use /commands to list its commands.",
        "Der Agent der Session '{session}' hat keinen Befehl //{name}.{hint} /commands listet seine Befehle auf.",
    ),
    (
        "The agent of session '{session}' is still working in the background: {}. To end that work, use /{command} {session} anyway.",
        "Der Agent der Session '{session}' arbeitet noch im Hintergrund: {}. Um diese Arbeit zu beenden, verwende /{command} {session} anyway.",
    ),
    (
        "The agent of session '{session}' is waiting for an answer. Answer its question in the chat first.",
        "Der Agent der Session '{session}' wartet auf eine Antwort. Beantworte zuerst seine Frage im Chat.",
    ),
    (
        "The agent of session '{session}' keeps exiting: {}\nYour messages are kept. Use /retry to start it again, or /fresh to start a new conversation.",
        "Der Agent der Session '{session}' beendet sich immer wieder: {}\nDeine Nachrichten bleiben erhalten. Starte ihn mit /retry noch einmal oder beginne mit /fresh eine neue Unterhaltung.",
    ),
    (
        "The agent of session '{session}' rejected the permission mode and keeps its own. {why}",
        "Der Agent der Session '{session}' hat den Berechtigungsmodus abgelehnt und behält seinen eigenen. {why}",
    ),
    (
        "The agent reached its maximum number of steps for one message. Ask it to continue if the work isn't finished.",
        "Der Agent hat die Höchstzahl seiner Schritte für eine Nachricht erreicht. Bitte ihn fortzufahren, falls die Arbeit nicht fertig ist.",
    ),
    (
        "The agent reads only text, so it gets only your caption. {}",
        "Der Agent liest nur Text und bekommt deshalb nur deinen Begleittext. {}",
    ),
    (
        "The agent sent no plan with this request; look for it in the answer above.",
        "Der Agent hat mit dieser Anfrage keinen Plan gesendet; suche ihn in der Antwort darüber.",
    ),
    (
        "The agent speaks version {version} of the Agent Client Protocol, and Cordboard speaks version {ours}. Install a version of the agent that speaks version {ours}.",
        "Der Agent spricht Version {version} des Agent Client Protocol, Cordboard aber Version {ours}. Installiere eine Version des Agenten, die Version {ours} spricht.",
    ),
    ("The agent stopped and gave no reason.", "Der Agent hat ohne Angabe eines Grundes aufgehört."),
    ("The agent stopped with the reason '{reason}'.", "Der Agent hat mit dem Grund '{reason}' aufgehört."),
    (
        "The agent's response could not be read completely.",
        "Die Antwort des Agenten konnte nicht vollständig gelesen werden.",
    ),
    (
        "The agent's response to `initialize` could not be read. Check that the agent speaks version {version} of the Agent Client Protocol.",
        "Die Antwort des Agenten auf `initialize` konnte nicht gelesen werden. Prüfe, ob der Agent Version {version} des Agent Client Protocol spricht.",
    ),
    (
        "The agent's transcript of this conversation could not be read. The log contains the reason.",
        "Das Protokoll des Agenten zu dieser Unterhaltung konnte nicht gelesen werden. Der Grund steht im Log.",
    ),
    (
        "The agent's transcript of this conversation was not found.",
        "Das Protokoll des Agenten zu dieser Unterhaltung wurde nicht gefunden.",
    ),
    (
        "The agents have cost {spent} today, so the limit of {limit} a day is reached. Until midnight (in {resets_in}), new messages are refused. To raise the limit, increase `cost_per_day` in [limits].",
        "Die Agenten haben heute {spent} gekostet; das Limit von {limit} pro Tag ist damit erreicht. Bis Mitternacht (in {resets_in}) werden neue Nachrichten abgelehnt. Um das Limit anzuheben, erhöhe `cost_per_day` in [limits].",
    ),
    (
        "The agents have cost {spent} today, {percent}% of the limit of {limit} a day. At the limit, new messages are refused until midnight (in {resets_in}). To raise the limit, increase `cost_per_day` in [limits].",
        "Die Agenten haben heute {spent} gekostet, {percent} % des Limits von {limit} pro Tag. Ist es erreicht, werden neue Nachrichten bis Mitternacht (in {resets_in}) abgelehnt. Um das Limit anzuheben, erhöhe `cost_per_day` in [limits].",
    ),
    (
        "The answer reached the model's maximum length and is incomplete. Ask the agent to continue to get the rest.",
        "Die Antwort hat die größte Länge des Modells erreicht und ist unvollständig. Bitte den Agenten fortzufahren, um den Rest zu bekommen.",
    ),
    (
        "The approval plugin allows this, but the agent doesn't offer that answer.",
        "Das Freigabe-Plugin erlaubt das, aber der Agent bietet diese Antwort nicht an.",
    ),
    (
        "The approval plugin failed, so its rules were not checked. See the log.",
        "Das Freigabe-Plugin ist gescheitert, deshalb wurden seine Regeln nicht geprüft. Siehe Log.",
    ),
    (
        "The bot of [{table}] has stopped: failed to {}\nThe other bots continue. Restart Cordboard once the cause is fixed. Messages that wait for this bot are kept.",
        "Der Bot von [{table}] läuft nicht mehr. Fehler: failed to {}\nDie anderen Bots laufen weiter. Starte Cordboard neu, wenn die Ursache behoben ist. Nachrichten, die auf diesen Bot warten, bleiben erhalten.",
    ),
    (
        "The change to session '{session}' takes effect with the first message after its background work ends: {work}.",
        "Die Änderung an Session '{session}' gilt ab der ersten Nachricht nach dem Ende der Arbeit im Hintergrund: {work}.",
    ),
    ("The configuration is valid again and active.", "Die Konfiguration ist wieder gültig und aktiv."),
    ("The conversation is too long for the model", "Die Unterhaltung ist zu lang für das Modell"),
    (
        "The damaged database is kept as {kept}. If you have a backup, you can restore it: stop Cordboard and run `cordboard restore`. Check the disk: it may be failing.",
        "Die beschädigte Datenbank bleibt als {kept} erhalten. Wenn du ein Backup hast, kannst du es wiederherstellen: Beende Cordboard und führe `cordboard restore` aus. Prüfe den Datenträger: Er könnte defekt sein.",
    ),
    (
        "The download took longer than {minutes} minutes.",
        "Das Herunterladen hat länger als {minutes} Minuten gedauert.",
    ),
    (
        "The end of Cordboard's database log was damaged. {lost} A copy of the log is kept as {}. A power failure can cause this. If there was none, check the disk: it may be failing.",
        "Das Ende des Datenbank-Logs von Cordboard war beschädigt. {lost} Eine Kopie des Logs bleibt als {} erhalten. Ein Stromausfall kann die Ursache sein. Falls es keinen gab, prüfe den Datenträger: Er könnte defekt sein.",
    ),
    (
        "The file could not be saved for session '{session}': {why}",
        "Die Datei konnte nicht für Session '{session}' gespeichert werden: {why}",
    ),
    ("The file could not be saved in {folder}: {why}", "Die Datei konnte nicht in {folder} gespeichert werden: {why}"),
    (
        "The filter '{plugin}' {why}, so the previous text stays: edit the message again, or ask the owner to remove the filter from `filters` in [plugins].",
        "Fehler im Filter '{plugin}': {why}. Deshalb gilt der bisherige Text. Bearbeite die Nachricht noch einmal oder bitte den Owner, den Filter aus `filters` in [plugins] zu entfernen.",
    ),
    ("The host can't read '{path}': {why}.", "Der Host kann '{path}' nicht lesen: {why}."),
    ("The host can't read the session's folder: {why}.", "Der Host kann den Ordner der Session nicht lesen: {why}."),
    ("The host failed to {why}.", "Im Host ist ein Fehler aufgetreten: {why}."),
    (
        "The input is too large for the approval plugin, so its rules were not checked.",
        "Die Eingabe ist zu groß für das Freigabe-Plugin, deshalb wurden seine Regeln nicht geprüft.",
    ),
    ("The model is not available", "Das Modell ist nicht verfügbar"),
    (
        "The model refused to answer. Rephrase your message, and try again.",
        "Das Modell hat die Antwort verweigert. Formuliere deine Nachricht anders und versuche es noch einmal.",
    ),
    ("The most recent changes were lost.", "Die neuesten Änderungen gingen verloren."),
    (
        "The name '{session}' is taken by another user. Choose another name.",
        "Der Name '{session}' ist schon von einer anderen Person vergeben. Wähle einen anderen.",
    ),
    (
        "The new configuration can't be used, and the previous one stays active:\n{why}",
        "Die neue Konfiguration ist nicht verwendbar, die bisherige bleibt aktiv:\n{why}",
    ),
    (
        "The owner can't be changed in the chat. Set `owner` in `[access]` of the configuration.",
        "Der Owner kann nicht im Chat geändert werden. Setze `owner` in `[access]` der Konfiguration.",
    ),
    (
        "The persona of session '{session}' could not be used: {}\nYour messages are kept. Use /retry to try again, or /persona to choose another persona.",
        "Die Persona der Session '{session}' konnte nicht verwendet werden: {}\nDeine Nachrichten bleiben erhalten. Versuche es mit /retry noch einmal oder wähle mit /persona eine andere Persona.",
    ),
    ("The plugin folder can be used again.", "Der Plugin-Ordner ist wieder verwendbar."),
    (
        "The plugin folder can't be used: Cordboard failed to {why}.",
        "Der Plugin-Ordner ist nicht verwendbar. Fehler: failed to {why}.",
    ),
    (
        "The plugin folder can't be used: failed to {why}. The active plugin versions keep running.",
        "Der Plugin-Ordner ist nicht verwendbar. Fehler: failed to {why}. Die aktiven Plugin-Versionen laufen weiter.",
    ),
    (
        "The program of session '{session}' did not respond and was stopped. The next message starts it again.",
        "Das Programm der Session '{session}' hat nicht reagiert und wurde beendet. Die nächste Nachricht startet es wieder.",
    ),
    (
        "The program of session '{session}' was started again and has lost its state, such as variables and open files. Its folder is unchanged.",
        "Das Programm der Session '{session}' wurde neu gestartet und hat seinen Zustand verloren, zum Beispiel Variablen und offene Dateien. Sein Ordner ist unverändert.",
    ),
    ("The request is too large for the API", "Die Anfrage ist zu groß für die API"),
    (
        "The rule {rule} in deny_tools of [access] forbids this use.",
        "Die Regel {rule} in deny_tools von [access] verbietet das.",
    ),
    ("The rule {} requires your decision.", "Die Regel {} verlangt deine Entscheidung."),
    (
        "The status page is off: {why}. Set another address in `[status] listen`.",
        "Die Statusseite ist aus: {why}. Setze eine andere Adresse in `[status] listen`.",
    ),
    (
        "The topic {place} no longer exists: {}{use_elsewhere}\nMessages for the topic are not delivered, unless someone writes there again; `cordboard outbox` lists them.",
        "Das Thema {place} gibt es nicht mehr: {}{use_elsewhere}\nNachrichten für das Thema werden erst wieder zugestellt, wenn dort jemand schreibt; `cordboard outbox` listet sie auf.",
    ),
    ("The {kind} could not be downloaded: {why}", "Herunterladen fehlgeschlagen ({kind}): {why}"),
    (
        "There is no plugin '{name}'.{near} /plugins lists them.",
        "Es gibt kein Plugin '{name}'.{near} /plugins listet alle auf.",
    ),
    (
        "These configuration keys take effect at the next start: {}.",
        "Diese Konfigurationsschlüssel gelten ab dem nächsten Start: {}.",
    ),
    ("This agent cannot fork conversations.", "Dieser Agent kann keine Unterhaltungen verzweigen."),
    ("This agent cannot resume conversations.", "Dieser Agent kann keine Unterhaltungen fortsetzen."),
    ("This button no longer works.", "Dieser Button funktioniert nicht mehr."),
    (
        "This button no longer works. Type the command to use it.",
        "Dieser Button funktioniert nicht mehr. Gib den Befehl ein, um ihn zu verwenden.",
    ),
    (
        "This button no longer works: it belongs to plugin '{plugin}', and another plugin now provides /{name}. Type the command to use it.",
        "Dieser Button funktioniert nicht mehr: Er gehört zu Plugin '{plugin}', und /{name} kommt jetzt von einem anderen Plugin. Gib den Befehl ein, um ihn zu verwenden.",
    ),
    (
        "This command was canceled, because plugin '{name}' was disabled. See /plugins.",
        "Dieser Befehl wurde abgebrochen, weil Plugin '{name}' deaktiviert wurde. Siehe /plugins.",
    ),
    (
        "This command was canceled, because the file of plugin '{name}' changed. See /plugins.",
        "Dieser Befehl wurde abgebrochen, weil sich die Datei von Plugin '{name}' geändert hat. Siehe /plugins.",
    ),
    (
        "This command was canceled, because the file of plugin '{name}' was removed. See /plugins.",
        "Dieser Befehl wurde abgebrochen, weil die Datei von Plugin '{name}' entfernt wurde. Siehe /plugins.",
    ),
    (
        "This is usually temporary. Send the message again in a few minutes.",
        "Das geht meist vorüber. Sende die Nachricht in ein paar Minuten noch einmal.",
    ),
    ("This message could not be shown.", "Diese Nachricht konnte nicht angezeigt werden."),
    (
        "This message is no longer queued in session '{session}'. Use /stop to interrupt the turn.",
        "Diese Nachricht wartet nicht mehr in Session '{session}'. Unterbrich die Antwort mit /stop.",
    ),
    (
        "This message was posted as a group or a channel, so its author is unknown. Use the person's numeric id.",
        "Diese Nachricht wurde im Namen einer Gruppe oder eines Kanals gesendet, deshalb ist unbekannt, wer sie geschrieben hat. Verwende die numerische ID der Person.",
    ),
    (
        "This request is closed. The button has no effect.",
        "Diese Anfrage ist geschlossen. Der Button hat keine Wirkung.",
    ),
    (
        "This topic belongs to session '{name}'. Your messages here go to its agent.",
        "Dieses Thema gehört zu Session '{name}'. Deine Nachrichten hier gehen an ihren Agenten.",
    ),
    ("To allow it, set {allowed} in `[agents.{agent}]`.", "Um es zu erlauben, setze {allowed} in `[agents.{agent}]`."),
    (
        "To use a topic, create one and send /session with the session's name there.",
        "Um ein Thema zu verwenden, erstelle eines und sende dort /session mit dem Namen der Session.",
    ),
    ("Too many requests to the API", "Zu viele Anfragen an die API"),
    ("Try again", "Erneut versuchen"),
    (
        "Turn on Threaded Mode for the bot in the app of @BotFather, then restart Cordboard.",
        "Schalte in der App von @BotFather den Threaded Mode für den Bot ein und starte dann Cordboard neu.",
    ),
    (
        "Turn on topics in the group's settings, and make the bot an administrator with the right to manage topics.",
        "Schalte in den Einstellungen der Gruppe Themen ein und mach den Bot zum Administrator mit dem Recht, Themen zu verwalten.",
    ),
    ("Unknown command /{name}. Did you mean /{nearest}?", "Unbekannter Befehl /{name}. Meintest du /{nearest}?"),
    (
        "Unknown command /{name}. Use /help to list the commands.",
        "Unbekannter Befehl /{name}. /help listet die Befehle auf.",
    ),
    ("Unknown model '{}'. Known: {}.", "Unbekanntes Modell '{}'. Bekannt: {}."),
    ("Unknown permission mode '{}'. Known: {}.", "Unbekannter Berechtigungsmodus '{}'. Bekannt: {}."),
    ("Unknown {kind} '{name}'.", "Unbekannt: {kind} '{name}'."),
    ("Unknown {kind} '{name}'. Known: {known}.", "Unbekannt: {kind} '{name}'. Bekannt: {known}."),
    ("Until then the plugin is not active.", "Bis dahin ist das Plugin nicht aktiv."),
    (
        "Version {} of plugin '{name}' is no longer in the plugin folder.",
        "Version {} von Plugin '{name}' ist nicht mehr im Plugin-Ordner.",
    ),
    (
        "Version {} of plugin '{name}' is no longer pending approval; the latest request is for version {}.",
        "Version {} von Plugin '{name}' wartet nicht mehr auf Freigabe; die neueste Anfrage betrifft Version {}.",
    ),
    ("Wait", "Warten"),
    (
        "When the agent of session '{session}' exited, the host found running processes that it can't attribute to any agent: {}. They may belong to another session's agent, so they were not stopped. Inspect them with ps -fp {}, and stop them with kill {}.",
        "Als sich der Agent der Session '{session}' beendete, fand der Host laufende Prozesse, die er keinem Agenten zuordnen kann: {}. Sie könnten zum Agenten einer anderen Session gehören und wurden deshalb nicht beendet. Sieh sie dir mit ps -fp {} an und beende sie mit kill {}.",
    ),
    (
        "You are now the owner of this bot.\n\n/new starts a session, and /help lists the commands. `/access add <id>` gives other people access.",
        "Du bist jetzt der Owner dieses Bots.\n\n/new startet eine Session, und /help listet die Befehle auf. `/access add <id>` gibt anderen Personen Zugriff.",
    ),
    (
        "You don't have access to this bot. Ask its owner for access.",
        "Du hast keinen Zugriff auf diesen Bot. Bitte seinen Owner um Zugriff.",
    ),
    (
        "Your message to session '{session}' was dropped: you no longer have access to that session.",
        "Deine Nachricht an Session '{session}' wurde verworfen: Du hast keinen Zugriff mehr auf diese Session.",
    ),
    (
        "[plugins.{plugin}] sha256 does not allow this version: its digest is {digest}, the allowed one is {only}",
        "[plugins.{plugin}] sha256 erlaubt diese Version nicht: Ihr Digest ist {digest}, erlaubt ist {only}",
    ),
    (
        "`[plugins] lifecycle` names this plugin; without it, idle agents are suspended at their idle timeout",
        "`[plugins] lifecycle` nennt dieses Plugin; ohne es werden untätige Agenten nach ihrem Idle-Timeout pausiert",
    ),
    (
        "`[sessions.folders]` assigns {} to '{name}', but this session stays in {}. Choose another name.",
        "`[sessions.folders]` weist {} dem Namen '{name}' zu, aber diese Session bleibt in {}. Wähle einen anderen Namen.",
    ),
    (
        "`here` works only in a group. Send the command in the group.",
        "`here` funktioniert nur in einer Gruppe. Sende den Befehl in der Gruppe.",
    ),
    ("`permission_mode = \"acceptEdits\"` and {folder}", "`permission_mode = \"acceptEdits\"` und {folder}"),
    ("a member", "Mitglied"),
    ("a message has at most {most} files", "eine Nachricht hat höchstens {most} Dateien"),
    ("an admin", "Admin"),
    ("animation", "Animation"),
    ("audio", "Audio"),
    ("audit log entries", "Einträge im Audit-Log"),
    ("buttons", "Buttons"),
    (
        "bypassPermissions can only be set in the configuration: permission_mode in [agents.{}].",
        "bypassPermissions kann nur in der Konfiguration gesetzt werden: permission_mode in [agents.{}].",
    ),
    ("checklist", "Checkliste"),
    ("connects to the hosts that you name", "verbindet sich mit den Hosts, die du nennst"),
    ("contact", "Kontakt"),
    (
        "creates, starts, stops, prompts and archives sessions of the user who calls it",
        "erstellt, startet, stoppt und archiviert Sessions der Person, die es aufruft, und sendet ihnen Prompts",
    ),
    ("decisions about plugins", "Entscheidungen über Plugins"),
    ("dice", "Würfel"),
    (
        "disabled by {}; /plugins enable {name} enables it again",
        "deaktiviert von {}; /plugins enable {name} aktiviert es wieder",
    ),
    ("everything in the permission mode {mode}", "alles im Berechtigungsmodus {mode}"),
    (
        "failed to {why}; until this is fixed, the active versions keep running and the files in the folder are ignored",
        "failed to {why}; bis das behoben ist, laufen die aktiven Versionen weiter, und die Dateien im Ordner werden ignoriert",
    ),
    ("file", "Datei"),
    ("game", "Spiel"),
    ("generation {}, {}", "Generation {}, {}"),
    ("in the file below", "in der Datei unten"),
    ("is not known to this version of Cordboard", "ist dieser Version von Cordboard nicht bekannt"),
    ("it did not answer within a minute", "sie hat nicht innerhalb einer Minute geantwortet"),
    (
        "it has {size} MiB, and the chat accepts at most {largest} MiB",
        "sie hat {size} MiB, und der Chat nimmt höchstens {largest} MiB an",
    ),
    ("it is empty", "sie ist leer"),
    ("it was not ready within a minute", "er war nicht innerhalb einer Minute bereit"),
    ("its new configuration was rejected: {why}", "seine neue Konfiguration wurde abgelehnt: {why}"),
    ("its requests are rejected: {why}", "seine Anfragen werden abgelehnt: {why}"),
    (
        "lists and reads the sessions that the user who calls it may see, with their files",
        "listet die Sessions auf, die die aufrufende Person sehen darf, und liest sie samt ihren Dateien",
    ),
    (
        "lists the open questions of agents in the sessions that the user who calls it may see, and answers them in that user's name",
        "listet die offenen Fragen der Agenten in den Sessions auf, die die aufrufende Person sehen darf, und beantwortet sie im Namen dieser Person",
    ),
    (
        "lists the people with access, and gives and removes access, when the owner calls it",
        "zeigt, wer Zugriff hat, und gibt oder entzieht Zugriff, wenn der Owner es aufruft",
    ),
    ("location", "Standort"),
    ("message", "Nachricht"),
    (
        "no authentication is configured: add [plugins.{plugin}.webhook] with hmac = \"NAME\" or token = \"NAME\", and [secrets] with NAME = \"/path/to/a/file\"",
        "keine Authentifizierung konfiguriert: Ergänze [plugins.{plugin}.webhook] mit hmac = \"NAME\" oder token = \"NAME\" und [secrets] mit NAME = \"/path/to/a/file\"",
    ),
    ("other records", "andere Datensätze"),
    ("people with access", "Personen mit Zugriff"),
    ("photo", "Foto"),
    ("plugin data", "Daten von Plugins"),
    ("plugin versions", "Plugin-Versionen"),
    ("poll", "Umfrage"),
    (
        "posts messages to chats on its own, not only as replies to commands",
        "sendet von sich aus Nachrichten in Chats, nicht nur als Antwort auf Befehle",
    ),
    ("reads the files of the messages that it filters", "liest die Dateien der Nachrichten, die es filtert"),
    ("received messages", "empfangene Nachrichten"),
    (
        "reloads, rolls back and disables plugins, and grants capabilities when the owner calls it",
        "lädt Plugins neu, rollt sie zurück, deaktiviert sie und erteilt ihnen Berechtigungen, wenn der Owner es aufruft",
    ),
    (
        "send this one again when fewer than {limit} are left.",
        "sende diese neue Nachricht noch einmal, wenn weniger als {limit} übrig sind.",
    ),
    ("send this one again when none is left.", "sende diese neue Nachricht noch einmal, wenn keine mehr übrig ist."),
    ("sends HTTP requests to the addresses that you name", "sendet HTTP-Anfragen an die Adressen, die du nennst"),
    ("sessions", "Sessions"),
    ("sticker", "Sticker"),
    ("story", "Story"),
    ("the filters left no text.", "die Filter haben keinen Text übrig gelassen."),
    ("the folder {folder}", "den Ordner {folder}"),
    ("the newest version was rejected: {why}", "die neueste Version wurde abgelehnt: {why}"),
    ("the owner", "Owner"),
    ("then send this one again.", "sende danach diese neue Nachricht noch einmal."),
    ("topics", "Themen"),
    ("unsent messages", "nicht gesendete Nachrichten"),
    ("usage records", "Einträge zum Verbrauch"),
    ("uses the secrets that you name, without seeing them", "verwendet die Secrets, die du nennst, ohne sie zu sehen"),
    ("version {version} is being compiled", "Version {version} wird kompiliert"),
    ("version {version} is pending approval: {why}", "Version {version} wartet auf Freigabe: {why}"),
    (
        "version {version} was not granted {missing}; type /plugins grant {plugin} {version} to grant it now",
        "Version {version} hat {missing} nicht bekommen; mit /plugins grant {plugin} {version} erlaubst du es jetzt",
    ),
    ("version {version} was rejected: {why}", "Version {version} wurde abgelehnt: {why}"),
    (
        "version {version} was rolled back {rollbacks} times and won't be tried again: save a new version, or type /plugins reload {name}",
        "Version {version} wurde {rollbacks}-mal zurückgerollt und wird nicht mehr versucht: Speichere eine neue Version oder gib /plugins reload {name} ein",
    ),
    (
        "version {version} was rolled back {rollbacks} times because of failed calls, the last of which {why}; save a new version, or type /plugins reload {name}",
        "Version {version} wurde {rollbacks}-mal wegen fehlgeschlagener Aufrufe zurückgerollt, letzter Fehler: {why}; speichere eine neue Version oder gib /plugins reload {name} ein",
    ),
    (
        "version {version} was rolled back: save a new version, or type /plugins reload {name}",
        "Version {version} wurde zurückgerollt: Speichere eine neue Version oder gib /plugins reload {name} ein",
    ),
    (
        "version {version} will be tried again in {pause}; /plugins reload {name} tries it at once",
        "Version {version} wird in {pause} erneut versucht; /plugins reload {name} versucht sie sofort",
    ),
    ("video", "Video"),
    ("voice message", "Sprachnachricht"),
    (
        "{config_only_names} can't be granted in the chat. Add the lines that /plugins shows to [plugins.{name}].",
        "{config_only_names} kann nicht im Chat erlaubt werden. Ergänze die Zeilen, die /plugins zeigt, in [plugins.{name}].",
    ),
    ("{count} plugin changes:", "{count} Änderungen an Plugins:"),
    (
        "{id} has access through the configuration. Edit `{key}` in `[access]` there.",
        "{id} hat Zugriff über die Konfiguration. Ändere dort `{key}` in `[access]`.",
    ),
    (
        "{id} has access to all chats, not only to this one. /access remove {id} removes it.",
        "{id} hat Zugriff in allen Chats, nicht nur in diesem. /access remove {id} entzieht ihn.",
    ),
    ("{id} has no access.", "{id} hat keinen Zugriff."),
    ("{outcome} The button has no effect.", "{outcome} Der Button hat keine Wirkung."),
    (
        "{person} is a member in this chat now, and is still {} in all chats.",
        "{person} ist jetzt Mitglied in diesem Chat und hat in allen Chats weiterhin die Rolle {}.",
    ),
    ("{person} is a member in this chat now.", "{person} ist jetzt Mitglied in diesem Chat."),
    ("{person} no longer has access in this chat.", "{person} hat in diesem Chat keinen Zugriff mehr."),
    ("{person} no longer has access.", "{person} hat keinen Zugriff mehr."),
    (
        "{reason}{status}; retry {attempt} of {most} in {wait}",
        "{reason}{status}; Versuch {attempt} von {most} in {wait}",
    ),
    ("{text}\n“{message}”", "{text}\n„{message}“"),
    ("{}\n/{command} ran without it.", "{}\n/{command} wurde ohne die Datei ausgeführt."),
    ("{}\nYour message was not sent to the agent.", "{}\nDeine Nachricht wurde nicht an den Agenten gesendet."),
    (
        "{} The agent can't receive files. Send it a message that names the file.",
        "{} Der Agent kann keine Dateien empfangen. Sende ihm eine Nachricht, die die Datei nennt.",
    ),
    ("{} is not a folder below one of `[sessions] roots`.", "{} ist kein Ordner unterhalb von `[sessions] roots`."),
    ("{} is {} now.", "{} hat jetzt die Rolle {}."),
    (
        "{} plugins request capabilities that they were not granted:\n",
        "{} Plugins fordern Berechtigungen an, die sie nicht haben:\n",
    ),
    ("“{}” takes no text.", "Zu „{}“ gehört kein Text."),
    ("… The whole text is in {file} below.", "… Der ganze Text steht unten in {file}."),
    ("…and more.", "…und weitere."),
    ("⚠ This answer was interrupted:\n\n{answer}", "⚠ Diese Antwort wurde unterbrochen:\n\n{answer}"),
    (
        "🎤 Not transcribed, so the agent gets the recording itself: {}",
        "🎤 Nicht transkribiert, deshalb bekommt der Agent die Aufnahme selbst: {}",
    ),
];

pub const PLURALS: Plurals = &[
    (
        "1 call failed within {within} of its activation, the last one {last}",
        (
            "innerhalb von {within} nach der Aktivierung ist 1 Aufruf fehlgeschlagen: {last}",
            "innerhalb von {within} nach der Aktivierung sind {n} Aufrufe fehlgeschlagen, der letzte: {last}",
        ),
    ),
    ("1 change was lost.", ("1 Änderung ging verloren.", "{n} Änderungen gingen verloren.")),
    (
        "1 message is still queued in session '{session}'. Use /stop all there first.",
        (
            "In Session '{session}' wartet noch 1 Nachricht. Verwende dort zuerst /stop all.",
            "In Session '{session}' warten noch {n} Nachrichten. Verwende dort zuerst /stop all.",
        ),
    ),
    ("1 record was recovered.", ("1 Datensatz wurde gerettet.", "{n} Datensätze wurden gerettet.")),
    (
        "Not accepted: 1 message is already queued for session '{session}'. Send this one again when it is answered, or use /stop all to drop it.",
        (
            "Nicht angenommen: Für Session '{session}' wartet bereits 1 Nachricht. Sende diese noch einmal, wenn sie beantwortet ist, oder verwirf die wartende mit /stop all.",
            "Nicht angenommen: Für Session '{session}' warten bereits {n} Nachrichten. Sende diese noch einmal, wenn sie beantwortet sind, oder verwirf die wartenden mit /stop all.",
        ),
    ),
    (
        "Not accepted: session '{session}' has an interrupted message. Use /retry {session} to send it again, or /leave {session} to drop it; {then}",
        (
            "Nicht angenommen: Session '{session}' hat eine unterbrochene Nachricht. Sende sie mit /retry {session} noch einmal oder verwirf sie mit /leave {session}; {then}",
            "Nicht angenommen: Session '{session}' hat {n} unterbrochene Nachrichten. Sende die neueste mit /retry {session} noch einmal oder verwirf sie mit /leave {session}; {then}",
        ),
    ),
    (
        "Stopped: 1 more message of this answer will not be sent.",
        (
            "Gestoppt: 1 weitere Nachricht dieser Antwort wird nicht gesendet.",
            "Gestoppt: {n} weitere Nachrichten dieser Antwort werden nicht gesendet.",
        ),
    ),
    (
        "version {version} will be tried again in {pause}, because it was rolled back once after failed calls, the last of which {why}; /plugins reload {name} tries it at once",
        (
            "Version {version} wird in {pause} erneut versucht, weil sie einmal nach fehlgeschlagenen Aufrufen zurückgerollt wurde, letzter Fehler: {why}; /plugins reload {name} versucht sie sofort",
            "Version {version} wird in {pause} erneut versucht, weil sie {n}-mal in Folge nach fehlgeschlagenen Aufrufen zurückgerollt wurde, letzter Fehler: {why}; /plugins reload {name} versucht sie sofort",
        ),
    ),
    (
        "{n} failed call, the last one {last}",
        ("{n} fehlgeschlagener Aufruf: {last}", "{n} fehlgeschlagene Aufrufe, der letzte: {last}"),
    ),
];
