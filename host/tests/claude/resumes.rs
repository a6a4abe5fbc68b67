//! Tests which conversation and persona the real CLI uses when it resumes after a suspension.

use crate::host::{AgentHost, eventually, open};

const PIRATE: &str = r#"
[plugins.persona.config.personas.pirate]
description = "As they talk on the seven seas"
instructions = "Talk like a pirate of the seven seas."
"#;

fn suspend(host: &mut AgentHost) {
    host.phase("idle");
    host.ask("/suspend", "suspended");
    host.phase("suspended");
}

#[test]
fn a_resumed_session_uses_the_current_persona() {
    let Some(mut host) = open(PIRATE) else { return };
    host.ask("/new a pirate", "Session 'a' created with persona 'pirate'.");
    host.ask("hello", "You said: hello");
    let system = host.api.system();
    assert!(system.contains("Talk like a pirate of the seven seas."));
    let pid = host.pid();

    host.configure(&PIRATE.replace("the seven seas", "the far south"));
    eventually("the new persona", || host.ask("/persona", "Usage: ").contains("the far south").then_some(()));
    suspend(&mut host);
    let shown = host.ask("hello again", "You said: hello again");
    assert!(shown.contains("Resuming session"), "{shown}");
    assert_ne!(host.pid(), pid);
    assert_eq!(host.api.said(), ["hello", "hello again"]);
    let system = host.api.system();
    assert!(system.contains("Talk like a pirate of the far south.") && !system.contains("seven seas"));

    suspend(&mut host);
    host.ask("/persona none", "has no persona now");
    host.ask("third", "You said: third");
    let system = host.api.system();
    assert!(!system.contains("pirate"));
    assert_eq!(host.api.said(), ["hello", "hello again", "third"]);
}

#[test]
fn a_refused_resume_asks_and_fresh_continues() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    suspend(&mut host);
    std::fs::remove_dir_all(host.home().join(".claude/projects")).unwrap();
    let shown = host.ask("are you there?", "/fresh a");
    assert!(shown.contains("Session 'a' could not be resumed: No conversation found"), "{shown}");
    host.phase("asking");
    host.ask("/fresh", "You said: are you there?");
    assert_eq!(host.api.said(), ["are you there?"]);
    suspend(&mut host);
    host.ask("still there?", "You said: still there?");
    assert_eq!(host.api.said(), ["are you there?", "still there?"]);
}

#[test]
fn an_answer_of_a_killed_host_is_continued_after_a_note() {
    let Some(mut host) = open("[sessions]\ninterrupted = \"resume\"\n") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    host.phase("idle");
    host.ask("count 10000", "line 1\n");
    host.kill();
    host.start();
    host.until("while session 'a' was answering “count 10000”. The agent continues.");
    host.until("You said: [This is a note from Cordboard, not a new request.");
    host.phase("idle");
    let said = host.api.said();
    assert_eq!(said.first().map(String::as_str), Some("hello"), "the agent has its conversation");
    assert_eq!(said.iter().filter(|text| *text == "count 10000").count(), 1, "{said:?}");
    let note = said.last().unwrap();
    assert!(note.starts_with("[This is a note from Cordboard") && note.contains("> count 10000"), "{note}");
    assert_eq!(host.api.count("count 10000"), 1, "the prompt was not sent again");
}
