//! Tests the exact replies to the standard plugins' commands.

use super::support::{FRESH, Home, standard_plugins};

const NO_ACTIVE: &str = "No active session. Use /new to start one.";

#[test]
fn the_console_has_the_language_of_the_environment() {
    let home = Home::new();
    let mut host = home.start_with(&[("LC_ALL", ""), ("LANG", "de_AT.UTF-8")]);
    host.ask("hallo", "Keine aktive Session. Starte eine mit /new.");
    host.ask("/ne", "Unbekannter Befehl /ne. Meintest du /new?");
}

#[test]
fn commands_without_a_session_explain_how_to_create_one() {
    let home = Home::new();
    let mut host = home.start();
    for line in
        ["hello", "/timeout", "/timeout 5", "/model", "/model x", "/persona", "/persona planner", "/stop", "/stop all"]
    {
        host.ask(line, NO_ACTIVE);
    }
    for line in ["/archive", "/suspend", "/retry", "/fresh", "/leave"] {
        host.ask(line, NO_ACTIVE);
    }
    host.ask("/sessions", "No sessions. Use /new to create one.");
    host.ask("/restore", "No archived sessions.");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn a_session_is_created_and_activated() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new", "Usage: /new <name> [persona] [agent]");
    host.ask("/new a b c d", "Usage: /new <name> [persona] [agent]");
    host.ask("/new a", "Session 'a' created.");
    host.ask("/new b brainstorm", "Session 'b' created with persona 'brainstorm'.");
    host.ask("/new a", "Session 'a' already exists. Use /session a to switch to it.");
    host.ask("/new c nope", "Unknown persona 'nope'. Known: brainstorm, default, planner, research.");
    host.ask("/new ../c", "'../c' can't be a session's name. Use 1 to 64 of a-z, A-Z, 0-9, - and _.");
    host.await_phase("b", "idle");
    host.ask("/sessions", "→ 🟢 `b` (brainstorm) - just now\n🟢 `a` - just now");
    host.ask("/session a", "Switched to session 'a'.");
    host.ask("/session b", "Switched to session 'b' (persona 'brainstorm').");
    host.ask("/session nope", "Session 'nope' doesn't exist. Use /new to create it.");
    host.ask(
        "/session",
        "Usage: /session <name>\n\n→ 🟢 `b` (brainstorm) - just now\n🟢 `a` - just now\n  [a] /session a",
    );
    assert!(home.path("state/sessions/a").is_dir(), "a session has a folder");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn sessions_are_listed_in_pages_of_twenty() {
    let home = Home::new();
    let mut host = home.start();
    for number in 1..=25 {
        host.ask(&format!("/new s{number}"), &format!("Session 's{number}' created."));
        // Stop the agent, which this test doesn't need.
        host.ask("/suspend", &format!("Session 's{number}' suspended. The next message resumes it."));
    }
    host.say("/sessions");
    let page = host.expect("…and 5 more: /sessions 2\n  [More] /sessions 2\n");
    let names: Vec<&str> = page.lines().filter_map(|line| line.split('`').nth(1)).collect();
    let latest: Vec<String> = (6..=25).rev().map(|number| format!("s{number}")).collect();
    assert_eq!(names, latest, "{page}");
    assert!(page.starts_with("→ "), "{page}");
    host.say("/sessions 2");
    let page = host.expect("[Back] /sessions 1\n");
    assert_eq!(page.lines().count(), 6, "{page}");
    assert!(page.contains("`s1` - ") && !page.contains("more"), "{page}");
    host.ask("/sessions 3", "There is no page 3: the last one is /sessions 2.");
    host.ask("/sessions x", "Usage: /sessions [page]");
}

#[test]
fn commands_typed_by_a_phone_are_understood() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new ａ－Ｂ", "Session 'a-B' created.");
    host.ask("\u{a0}/session a-B.", "Switched to session 'a-B'.");
    host.ask("/timeout １５", "Idle timeout set to 15 minutes for session 'a-B'.");
    host.ask("/timeout 5.", "Idle timeout set to 5 minutes for session 'a-B'.");
    host.await_phase("a-B", "idle");
    host.ask("⁄stop all!", "Nothing is running.");
    host.ask("//stop~", "Nothing is running.");
    // The user may have meant something else, so the host stops nothing.
    host.ask("/stop please", "Usage: /stop [all]");
}

#[test]
fn a_timeout_is_shown_and_set() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new x", "Session 'x' created.");
    let usage = "\n\nUsage: /timeout <minutes> (1-120)";
    host.ask("/timeout", &format!("Idle timeout: 10 minutes{usage}"));
    host.ask("/timeout 5", "Idle timeout set to 5 minutes for session 'x'.");
    host.ask("/timeout 1", "Idle timeout set to 1 minute for session 'x'.");
    host.ask("/timeout", &format!("Idle timeout: 1 minute{usage}"));
    for number in ["0", "121", "-1", "99999999999999999999999"] {
        host.ask(&format!("/timeout {number}"), "Timeout must be between 1 and 120 minutes");
    }
    for text in ["soon", "1.5", "5m"] {
        host.ask(&format!("/timeout {text}"), "Invalid number. Usage: /timeout <minutes>");
    }
    assert_eq!(host.session("x")["idle_timeout_s"], 60);
    host.ask("/new y brainstorm", "Session 'y' created with persona 'brainstorm'.");
    host.await_phase("y", "idle");
    host.ask("/timeout", &format!("Idle timeout: 30 minutes{usage}"));
    home.configure("[sessions]\nidle_timeout = \"2s\"");
    host.ask("/new z", "Session 'z' created.");
    super::support::until("the new default applies", || host.session("z")["idle_timeout_s"] == 2);
    host.ask("/timeout", &format!("Idle timeout: 2 seconds{usage}"));
}

#[test]
fn a_session_is_archived_and_restored() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("remember the milk", "I will remember: the milk");
    host.ask("/archive", "Session 'a' archived. Use /restore a to bring it back.");
    host.ask("hello", NO_ACTIVE);
    host.ask("/sessions", "No sessions. Use /new to create one.");
    host.ask("/new a", "Session 'a' is archived. Use /restore a.");
    host.ask("/session a", "Session 'a' is archived. Use /restore a.");
    host.await_phase("a", "archived");
    assert_eq!(home.agents(), [] as [i32; 0]);
    host.ask(
        "/restore",
        "Archived sessions. Use /restore with a name to restore one:\n⚪ `a` - just now\n  [a] /restore a",
    );
    host.ask("/restore nope", "Session 'nope' doesn't exist. Use /new to create it.");
    host.ask("/restore a", "Session 'a' restored.\n  [Switch to it] /session a");
    host.ask("/restore a", "Session 'a' is not archived.");
    host.ask("/session a", "Switched to session 'a'.");
    host.ask("recall", "I remember: the milk");
    host.say("slow 100000");
    host.reads("line 1");
    host.say("/archive");
    host.expect("Session 'a' is busy. Use /stop first.\n");
    host.say("/stop");
    host.expect("Stopped.\n");
}

#[test]
fn impossible_commands_are_refused_with_the_reason() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.await_phase("a", "idle");
    host.ask("/retry", "Nothing to retry.");
    host.ask("/leave", "No interrupted message to drop.");
    host.ask("/stop", "Nothing is running.");
    host.ask("/stop now", "Usage: /stop [all]");
    host.ask("/suspend nope", "Session 'nope' doesn't exist. Use /new to create it.");
    host.ask("/suspend a b", "Usage: /suspend [name]");
    host.ask("/suspend", "Session 'a' suspended. The next message resumes it.");
    host.await_phase("a", "suspended");
    host.ask("/suspend", "Session 'a' suspended. The next message resumes it.");
    host.ask("/fresh", FRESH);
}

#[test]
fn models_and_personas_are_shown_and_set() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("remember tea", "I will remember: tea");
    host.ask(
        "/model",
        "Model: the agent's default\n\nUsage: /model <name>, or /model default\n  [demo] /model demo\n  [demo-large] /model demo-large",
    );
    host.ask("/model nope", "Unknown model 'nope'. Known: demo, demo-large.");
    let first = host.agent("a");
    host.ask("/model demo-large", "Model set to demo-large for session 'a'.");
    host.ask("recall", "I remember: tea");
    assert_ne!(host.agent("a"), first, "the agent was started again");
    assert_eq!(host.session("a")["model"], "demo-large");
    host.ask("/model default", "Model set to the default for session 'a'.");
    host.ask("/persona nope", "Unknown persona 'nope'. Known: brainstorm, default, planner, research.");
    host.ask("/persona planner", "Persona set to 'planner' for session 'a'.");
    host.ask("recall", "I remember: tea");
    assert_eq!(host.session("a")["persona"], "planner");
    host.say("/persona");
    let shown = host.expect("  [research] /persona research\n");
    assert!(
        shown.starts_with("Persona: planner\n\n`brainstorm` - Collects many ideas before judging them\n"),
        "{shown}"
    );
    host.ask("/persona none", "Session 'a' has no persona now.");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn help_and_plugins_show_the_active_plugins() {
    let home = Home::new();
    let mut host = home.start();
    let help = [
        "/access [add <id> [admin|member|here]|remove <id> [here]] - List and change who has access",
        "/agent [name] - Show or select the agent",
        "/allow [#number] [session] - Allow an agent's request",
        "/answer [#number|name#number] <choice>… [text] - Answer a question of an agent",
        "/archive [name] - Archive a session",
        "/commands [page] - List the agent's own commands",
        "/deny [#number] [why] - Deny an agent's request",
        "/files [folder] - List the files of the active session",
        "/fork <name> - Continue the conversation in a second session",
        "/fresh [name] - Start a new conversation in a session",
        "/get <path> - Send a file of the active session",
        "/help - List the commands",
        "/history [number] - Show the last messages and answers",
        "/leave [name] - Drop an interrupted message",
        "/mode [me] [<name>|default] - Show or set how answers are displayed",
        "/model [name] - Show or set the model",
        "/new <name> [persona] [agent] - Start a session",
        "/now <message> - Interrupt the agent with a message",
        "/permissions [allow|ask|deny [session] <rule>|remove <number>|mode [<mode>]] - Show or change the rules about tools",
        "/persona [name] - Show or set the persona",
        "/plugins [rollback|reload|disable|enable <name>] - List and manage the plugins",
        "/queue - Show the queued messages",
        "/rename <name> - Rename the session",
        "/requests [#number|name#number] - List the questions of agents",
        "/restore [name] - Restore an archived session",
        "/retry [name] - Retry what failed",
        "/session <name> - Switch to a session",
        "/sessions [page] - List the sessions",
        "/start - Show how to begin",
        "/stop [all] - Interrupt the answer",
        "/suspend [name] - Stop the agent of a session until its next message",
        "/timeout [minutes] - Show or set the idle timeout",
        "/usage [days|month] - Show the cost and the tokens of the agents",
    ];
    host.ask("/help", &format!("{}\n\nAnything else goes to the active session.", help.join("\n")));
    host.say("/start");
    host.expect("This is Cordboard. Your messages here go to a coding agent");
    host.expect("/help lists the commands.\n");
    host.say("/plugins");
    let plugins = host.expect("`views` ok - ");
    let names: Vec<&str> = plugins.lines().filter_map(|line| line.split('`').nth(1)).collect();
    assert_eq!(names, standard_plugins());
    home.plug("echo", "echo");
    host.expect("Plugin 'echo' is active: generation 1, ");
    host.say("/help");
    host.expect("/echo <text> - Says it again\n");
    home.remove_plugin("echo");
    host.expect("Plugin 'echo' is no longer active: its file was removed.\n");
    super::support::until("the plugin is removed", || home.plugins().as_array().unwrap().len() == names.len());
    host.say("/echo x");
    host.expect("Unknown command /echo.");
}

#[test]
fn text_with_a_slash_is_not_always_a_command() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("/etc/hosts is broken", "You said: /etc/hosts is broken");
    host.ask("/Timeout x", "Invalid number. Usage: /timeout <minutes>");
    host.ask("/ a", "You said: / a");
    host.ask("/sesions", "Unknown command /sesions. Did you mean /sessions?");
    host.ask("/qqqqqqqq", "Unknown command /qqqqqqqq. Use /help to list the commands.");
}
