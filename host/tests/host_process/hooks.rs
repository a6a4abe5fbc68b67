//! Tests hooks: they receive all events except those that they caused, a failing or hanging hook affects nothing else,
//! and the host waits for hooks when its input ends.

use super::support::{Home, until};

/// The configuration of the `event_loop` plugin, which reacts to events with actions that cause the same events again.
const RESTLESS: &str = "[plugins.event_loop]\ngrants = [\"session-control\"]\nacts_as = \"owner\"\n";

fn count_events(log: &str, event: &str) -> usize {
    log.matches(&format!("heard {event}")).count()
}

#[test]
fn a_hook_receives_all_events_but_its_own() {
    let home = Home::with(RESTLESS);
    home.plug("event_loop", "event_loop");
    let mut host = home.start();
    host.expect_logged("heard host-started");
    host.ask("/new a", "Session 'a' created.");
    host.expect_logged("heard created of a");
    host.ask("hello", "You said: hello");
    for event in ["started", "turn-started", "turn-finished"] {
        host.expect_logged(&format!("heard {event} of a"));
    }
    host.reads("You said: once more");
    host.await_phase("a", "idle");
    host.ask("/suspend", "Session 'a' suspended. The next message resumes it.");
    host.expect_logged("heard suspended of a");
    // The hook resumes the session and doesn't receive the resulting event.
    host.await_phase("a", "idle");
    host.ask("/archive", "Session 'a' archived. Use /restore a to bring it back.");
    host.expect_logged("heard archived of a");
    let log = host.log();
    for (event, times) in [("turn-started", 1), ("turn-finished", 1), ("resumed", 0), ("suspended", 1)] {
        assert_eq!(count_events(&log, event), times, "{event}\n{log}");
    }
    assert_eq!(host.chat().matches("once more").count(), 1);
}

#[test]
fn two_hooks_that_answer_each_other_stop() {
    let home = Home::with(&format!("{RESTLESS}{}", RESTLESS.replace("event_loop", "second")));
    home.plug("event_loop", "event_loop");
    home.plug("second", "event_loop");
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("hello");
    // Each hook reacts to the user's turn, and then to the turn that the other hook caused. Neither hook receives
    // events from a turn that both have contributed to.
    until("all four prompts of the hooks are answered", || host.chat().matches("You said: once more").count() == 4);
    let (_, code) = host.end();
    assert_eq!(code, Some(0));
}

#[test]
fn the_end_of_input_waits_for_hooks() {
    let home = Home::with(&format!("{RESTLESS}{}", RESTLESS.replace("event_loop", "second")));
    home.plug("event_loop", "event_loop");
    home.plug("second", "event_loop");
    let mut host = home.start();
    host.say("/new a\nhello");
    let (chat, code) = host.end();
    assert_eq!((chat.matches("You said: once more").count(), code), (4, Some(0)), "{chat}");
}

#[test]
fn a_failing_or_hanging_hook_is_isolated_and_listed() {
    let home = Home::with(&format!("{RESTLESS}time = \"5m\"\n"));
    home.plug("event_loop", "event_loop");
    let mut host = home.start();
    host.ask("/new trap", "Session 'trap' created.");
    host.expect_logged("hook failed");
    let shown = || home.plugins().as_array().unwrap().iter().find(|row| row["name"] == "event_loop").unwrap().clone();
    until("the failing hook is listed", || shown()["health"] == "failing");
    assert!(shown()["note"].as_str().unwrap().contains("the hook panicked"), "{}", shown());
    host.ask("/new spin", "Session 'spin' created.");
    host.expect_logged("heard created of spin");
    host.ask("hello", "You said: hello");
    host.ask("again", "You said: again");
    host.await_phase("spin", "idle");
}
