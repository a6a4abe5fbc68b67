//! Turns of the real CLI: streaming, consecutive turns, stopping, models.

use crate::board::open;

#[test]
fn answers_are_streamed_and_turns_share_a_process() {
    let Some(mut board) = open("") else { return };
    board.ask("/new a", "Session 'a' created.");
    board.say("count 1000");
    board.until("line 1\n");
    assert_eq!(board.session()["phase"], "busy");
    let pid = board.pid();
    board.until("line 1000\n");
    board.ask("hello there", "You said: hello there");
    assert_eq!(board.phase("idle")["turns"], 2);
    assert_eq!(board.pid(), pid);
    assert_eq!(board.api.said(), ["count 1000", "hello there"]);
}

#[test]
fn messages_for_a_busy_agent_are_answered_in_order() {
    let Some(mut board) = open("") else { return };
    board.ask("/new a", "Session 'a' created.");
    board.ask("count 100", "line 1\n");
    board.say("second");
    board.say("third");
    let told = board.until("You said: third");
    assert!(told.find("line 100\n") < told.find("You said: second"), "{told}");
    assert_eq!(board.api.said(), ["count 100", "second", "third"]);
}

#[test]
fn stop_ends_the_turn_and_keeps_the_process() {
    let Some(mut board) = open("") else { return };
    board.ask("/new a", "Session 'a' created.");
    board.ask("count 10000", "line 1\n");
    let pid = board.pid();
    board.ask("/stop", "Stopped.");
    board.ask("hello", "You said: hello");
    assert_eq!(board.pid(), pid);
    board.phase("idle");
    board.say("hang");
    board.phase("busy");
    board.ask("/stop", "Stopped.");
    let told = board.ask("again", "You said: again");
    assert!(!told.contains("Stopped"), "there is one notice: {told}");
    assert_eq!(board.pid(), pid);
}

#[test]
fn models_are_those_named_by_the_cli() {
    let Some(mut board) = open("") else { return };
    board.ask("/new a", "Session 'a' created.");
    board.ask("hello", "You said: hello");
    let told = board.ask("/model", "/model sonnet");
    assert!(told.contains("Model: the agent's default") && told.contains("/model opus"), "{told}");
    board.ask("/model nonsense", "Unknown model 'nonsense'. Known: default, ");
    board.ask("/model haiku", "Model set to haiku for session 'a'.");
    board.ask("hello again", "You said: hello again");
    let last = board.api.last();
    assert!(last["model"].as_str().unwrap().contains("haiku"), "{}", last["model"]);
    assert_eq!(board.api.said(), ["hello", "hello again"]);
}

#[test]
fn a_scheduled_prompt_is_background_work() {
    let Some(mut board) = open("") else { return };
    board.ask("/new a", "Session 'a' created.");
    board.ask("schedule look", "The tool said: Scheduled recurring job");
    assert_eq!(board.phase("idle")["background"][0], "wake-ups (Every 5 minutes)");
    board.ask("/suspend", "is still working in the background: wake-ups (Every 5 minutes).");
    board.ask("/suspend a anyway", "Session 'a' suspended.");
}
