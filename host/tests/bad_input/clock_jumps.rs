//! Tests a wall clock that is set forward or back by a day while the host runs and before its next start.

use std::{fs, process::Command};

use super::{
    host::{Home, Host, QUICK},
    preloaded_library::faults,
};

const DAY: i64 = 86_400;

/// Returns a host whose wall clock differs by the number of seconds in the file `clock`.
fn command(home: &Home) -> Command {
    let mut command = home.cordboard(&["run", "--chat", "console"]);
    command.args(home.places()).env("LD_PRELOAD", faults()).env("CORDBOARD_TEST_CLOCK", home.path("clock"));
    command
}

fn set_clock(home: &Home, seconds: i64) {
    fs::write(home.path("new"), seconds.to_string()).unwrap();
    fs::rename(home.path("new"), home.path("clock")).unwrap();
}

#[test]
fn a_clock_that_jumps_by_a_day_loses_nothing() {
    for jump in [DAY, -DAY] {
        let home = Home::new(QUICK);
        home.install("echo");
        set_clock(&home, 0);
        let mut host = Host::start(&mut command(&home));
        host.exchange("/new a", "Session 'a' created.");
        host.exchange("remember the plan", "plan");
        host.exchange("slow 20", "line 1\n");
        set_clock(&home, jump);
        host.hear("line 20\n");
        host.exchange("/echo hello", "v1: hello");
        // The session keeps its conversation, whether or not its agent idled for too long by this clock.
        host.exchange("recall", "I remember: the plan");
        let ended = host.end();
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
        // The next start finds records from the other day.
        set_clock(&home, -jump);
        let mut host = Host::start(&mut command(&home));
        host.exchange("/session a", "Switched to session 'a'.");
        host.exchange("recall", "I remember: the plan");
        host.exchange("/echo hello", "v1: hello");
        let ended = host.end();
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
    }
}
