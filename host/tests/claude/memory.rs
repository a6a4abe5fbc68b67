//! The real CLI's memory across a suspension, and its persona.

use crate::board::{Board, eventually, open};

const PIRATE: &str = r#"
[plugins.persona.config.personas.pirate]
description = "As they talk on the seven seas"
instructions = "Talk like a pirate of the seven seas."
"#;

fn suspend(board: &mut Board) {
    board.phase("idle");
    board.ask("/suspend", "suspended");
    board.phase("suspended");
}

#[test]
fn a_resumed_session_uses_the_current_persona() {
    let Some(mut board) = open(PIRATE) else { return };
    board.ask("/new a pirate", "Session 'a' created with persona 'pirate'.");
    board.ask("hello", "You said: hello");
    let system = board.api.system();
    assert!(system.contains("Talk like a pirate of the seven seas."));
    let pid = board.pid();

    board.configure(&PIRATE.replace("the seven seas", "the far south"));
    eventually("the new persona", || board.ask("/persona", "Usage: ").contains("the far south").then_some(()));
    suspend(&mut board);
    let told = board.ask("hello again", "You said: hello again");
    assert!(told.contains("Resuming session"), "{told}");
    assert_ne!(board.pid(), pid);
    assert_eq!(board.api.said(), ["hello", "hello again"]);
    let system = board.api.system();
    assert!(system.contains("Talk like a pirate of the far south.") && !system.contains("seven seas"));

    suspend(&mut board);
    board.ask("/persona none", "has no persona now");
    board.ask("third", "You said: third");
    let system = board.api.system();
    assert!(!system.contains("pirate"));
    assert_eq!(board.api.said(), ["hello", "hello again", "third"]);
}

#[test]
fn a_refused_resume_asks_and_fresh_continues() {
    let Some(mut board) = open("") else { return };
    board.ask("/new a", "Session 'a' created.");
    board.ask("hello", "You said: hello");
    suspend(&mut board);
    std::fs::remove_dir_all(board.home().join(".claude/projects")).unwrap();
    let told = board.ask("are you there?", "/fresh a");
    assert!(told.contains("Session 'a' could not be resumed: No conversation found"), "{told}");
    board.phase("asking");
    board.ask("/fresh", "You said: are you there?");
    assert_eq!(board.api.said(), ["are you there?"]);
    suspend(&mut board);
    board.ask("still there?", "You said: still there?");
    assert_eq!(board.api.said(), ["are you there?", "still there?"]);
}
