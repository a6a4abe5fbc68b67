//! The real CLI when the API fails, and when the host is killed.

use crate::board::{eventually, open, running};

#[test]
fn an_api_error_is_reported_once_and_the_process_stays() {
    let Some(mut board) = open("") else { return };
    board.ask("/new a", "Session 'a' created.");
    board.ask("hello", "You said: hello");
    let pid = board.pid();
    for status in [401, 429, 500, 529] {
        let told = board.ask(&format!("error {status}"), "⚠");
        board.phase("idle");
        let after = board.ask(&format!("after {status}"), &format!("You said: after {status}"));
        let all = format!("{told}{after}");
        assert_eq!(all.matches("⚠").count(), 1, "{all}");
        assert_eq!(all.matches("API Error").count(), 1, "{all}");
    }
    assert_eq!(board.pid(), pid);
}

#[test]
fn a_broken_stream_is_retried_and_answered() {
    let Some(mut board) = open("") else { return };
    board.ask("/new a", "Session 'a' created.");
    board.ask("cut here", "You said: cut here");
    board.phase("idle");
    let told = board.ask("stumble 500", "You said: stumble 500");
    assert!(!told.contains('⚠'), "{told}");
    assert_eq!(board.api.count("stumble 500"), 2);
}

#[test]
fn no_agent_survives_a_killed_host() {
    let Some(mut board) = open("") else { return };
    board.ask("/new a", "Session 'a' created.");
    board.ask("count 10000", "line 1\n");
    board.kill();
    board.start();
    board.until("Cordboard was stopped while session 'a' was answering “count 10000”.");
    eventually("the end of the agent", || running(&board.home()).is_empty().then_some(()));
    board.ask("hello", "You said: hello");
    assert_eq!(running(&board.home()).len(), 1);
    assert_eq!(board.end(), Some(0));
    assert_eq!(running(&board.home()).len(), 0);
}
