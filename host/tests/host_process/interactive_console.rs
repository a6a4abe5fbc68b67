//! Tests the host on a terminal: the prompt, key input, closing the window, and messages during shutdown.

use std::process::Command;

use super::{
    pty::Pty,
    support::{ENGLISH, Home},
    turns::minimal_agent,
};

fn open(home: &Home) -> Pty {
    let mut host = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    host.args(["run", "--chat", "console"]).args(home.arguments()).envs([("NO_COLOR", "1"), ENGLISH]);
    let mut screen = Pty::open(&mut host);
    screen.wait("Cordboard. Type /new demo to start a session, then any text. /help lists the commands.");
    screen
}

fn with_session(home: &Home) -> Pty {
    let mut screen = open(home);
    screen.press("/new a\r");
    screen.wait("Session 'a' created.");
    screen
}

#[test]
fn input_typed_before_the_prompt_is_accepted() {
    let home = Home::new();
    let mut host = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    host.args(["run", "--chat", "console"]).args(home.arguments()).envs([("NO_COLOR", "1"), ENGLISH]);
    let mut screen = Pty::open(&mut host);
    screen.press("/new a\rremember 7\rre");
    screen.wait("I will remember: 7");
    screen.press("call\r");
    screen.wait("I remember: 7");
    screen.press("\x04");
    screen.ended();
}

#[test]
fn ctrl_c_ends_only_the_answer() {
    let home = Home::new();
    let mut screen = with_session(&home);
    screen.press("slow 100000\r");
    screen.wait("line 1");
    screen.press("\x03");
    screen.wait("Stopped.");
    screen.press("and \x7f\x7f\x7f\x7fstill here\r");
    screen.wait("You said: still here");
    screen.press("\x04");
    screen.ended();
    assert_eq!(home.agents(), [] as [i32; 0]);
}

#[test]
fn a_message_that_waits_is_acknowledged() {
    let home = Home::new();
    let mut screen = with_session(&home);
    screen.press("slow 1000\r");
    screen.wait("line 1");
    screen.press("and then\r");
    screen.wait("Session 'a' is busy. Your message is queued.");
    screen.press("/stop all\r");
    screen.wait("1 message was dropped: “and then”");
    screen.press("\x04");
    screen.ended();
}

#[test]
fn partial_text_is_shown_before_the_stop_notice() {
    let home = minimal_agent("one\\nand half a li");
    let mut screen = with_session(&home);
    for _ in 0..3 {
        screen.press("go on\r");
        let between = screen.wait("one");
        assert!(!between.contains("half"), "the partial line is shown again: {between:?}");
        screen.press("\x03");
        screen.wait("and half a li");
        screen.wait("Stopped.");
    }
    screen.press("\x04");
    screen.ended();
}

#[test]
fn ctrl_c_without_a_turn_ends_the_host() {
    let home = Home::new();
    let mut screen = open(&home);
    screen.press("\x03");
    screen.ended();
}

#[test]
fn a_closed_window_ends_the_host_without_a_signal() {
    let home = Home::new();
    let mut screen = with_session(&home);
    screen.leave();
    screen.ended();
    assert_eq!(home.agents(), [] as [i32; 0]);
    assert_eq!(home.sessions()[0]["name"], "a");
}

#[test]
fn ctrl_d_names_the_busy_session_and_ctrl_c_ends_it() {
    let home = Home::new();
    let mut screen = with_session(&home);
    screen.press("slow 100000\r");
    screen.wait("line 1");
    screen.press("\x04");
    screen.wait("Waiting at most 10m for a (busy, 0 waiting). Press Ctrl-C to stop Cordboard now.");
    screen.press("one more thing\r");
    screen.wait("Not sent: Cordboard is shutting down. Press Ctrl-C to stop it now.");
    screen.press("\x03");
    screen.wait("Stopped: Cordboard is shutting down.");
    screen.ended();
    assert_eq!(home.agents(), [] as [i32; 0]);
}

#[test]
fn ctrl_d_names_a_stubborn_agent_and_ctrl_c_kills_it() {
    let home = Home::new();
    let mut screen = with_session(&home);
    screen.press("stubborn\r");
    screen.wait("From now on I ignore SIGTERM and the end of input.");
    screen.press("\x04");
    screen.wait("Waiting for the agents of a to exit. Press Ctrl-C to kill them.");
    screen.press("\x03");
    screen.ended();
    assert_eq!(home.agents(), [] as [i32; 0]);
}
