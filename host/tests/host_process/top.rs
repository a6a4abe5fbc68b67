//! Tests `cordboard top` on a terminal and without one, with a running host and without one.

use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::Value;

use super::{
    pty::Pty,
    support::{ENGLISH, Home, Host},
};

fn top(home: &Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    command.arg("top").args(arguments).arg("--state").arg(home.state()).envs([ENGLISH]);
    command
}

fn printed(home: &Home, arguments: &[&str]) -> Output {
    top(home, arguments).output().unwrap()
}

/// Starts a host with a session that has answered once.
fn with_session(home: &Home) -> Host<'_> {
    let mut host = home.start();
    host.ask("/new alpha", "Session 'alpha' created.");
    host.ask("hello", "You said: hello");
    host.await_turns("alpha", 1);
    host
}

#[test]
fn the_screen_shows_a_session_and_its_turns() {
    let home = Home::new();
    let mut host = with_session(&home);
    let mut screen = Pty::open(&mut top(&home, &[]));
    screen.wait("[Sessions 1]");
    screen.wait("alpha");
    screen.wait("idle");
    screen.press("\r");
    // Blanks that were there before are not drawn again.
    for word in ["›", "hello", "You", "said:", "hello"] {
        screen.wait(word);
    }
    screen.press("\x1b");
    screen.wait("PHASE");
    host.ask("/new beta", "Session 'beta' created.");
    screen.wait("beta");
    screen.resize(40, 24);
    screen.wait("[Sessions]");
    screen.press("q");
    screen.ended_and_restored();
}

#[test]
fn a_signal_restores_the_terminal() {
    let home = Home::new();
    let _host = with_session(&home);
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut screen = Pty::open(&mut top(&home, &[]));
        screen.wait("alpha");
        screen.signal(signal);
        screen.ended_and_restored();
    }
}

#[test]
fn the_screen_waits_for_a_host_that_stopped() {
    let home = Home::new();
    let host = with_session(&home);
    let mut screen = Pty::open(&mut top(&home, &[]));
    screen.wait("1 session, 1 running");
    host.kill();
    screen.wait("Not updated:");
    let _host = home.start();
    screen.wait("cordboard 0.1.0 · 1 session");
    screen.press("\x03");
    screen.ended_and_restored();
}

#[test]
fn without_a_terminal_the_state_is_printed_once() {
    let home = Home::new();
    let mut host = with_session(&home);
    host.say("run ls");
    host.expect("/answer #1 why\n");
    let text = String::from_utf8(printed(&home, &[]).stdout).unwrap();
    assert!(text.starts_with("cordboard 0.1.0 · 1 session, 1 running · 1 request · "), "{text}");
    assert!(text.contains("\nSessions\nNAME   PHASE  ACTIVITY ") && text.contains("\nalpha  busy "), "{text}");
    assert!(text.contains("\nalpha    #1      permission  just now  "), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    let json: Value = serde_json::from_slice(&printed(&home, &["--json"]).stdout).unwrap();
    assert_eq!(json["host"]["sessions"][0]["name"], "alpha");
    assert_eq!(json["host"]["requests"][0]["session"], "alpha");
    let mut screen = Pty::open(&mut top(&home, &["--once"]));
    screen.wait("\r\nNo warnings and errors.\r\n");
    screen.ended();
}

#[test]
fn without_a_host_top_says_so() {
    let home = Home::new();
    for arguments in [&[] as &[&str], &["--once"], &["--json"]] {
        let output = printed(&home, arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{error}");
        assert!(error.starts_with("cordboard: no host is running on "), "{error}");
    }
}
