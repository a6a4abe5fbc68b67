//! Tests the real CLI while the API fails and after the host is killed.

use crate::host::{eventually, open, running};

#[test]
fn an_api_error_is_reported_once_and_the_process_stays() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    let pid = host.pid();
    for (status, what) in [
        (401, "The agent could not log in to the API (401)"),
        (429, "The API received too many requests (429)"),
        (500, "The API has a problem (500)"),
        (529, "The API is overloaded (529)"),
    ] {
        let shown = host.ask(&format!("error {status}"), "⚠");
        host.phase("idle");
        let after = host.ask(&format!("after {status}"), &format!("You said: after {status}"));
        let all = format!("{shown}{after}");
        assert_eq!(all.matches("⚠").count(), 1, "{all}");
        assert_eq!(all.matches(what).count(), 1, "{all}");
    }
    assert_eq!(host.pid(), pid);
}

#[test]
fn a_broken_stream_is_retried_and_answered() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("cut here", "You said: cut here");
    host.phase("idle");
    let shown = host.ask("stumble 500", "You said: stumble 500");
    assert!(!shown.contains('⚠'), "{shown}");
    assert_eq!(host.api.count("stumble 500"), 2);
}

#[test]
fn no_agent_survives_a_killed_host() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("count 10000", "line 1\n");
    host.kill();
    host.start();
    host.until("Cordboard was stopped while session 'a' was answering “count 10000”.");
    eventually("the end of the agent", || running(&host.home()).is_empty().then_some(()));
    host.ask("hello", "You said: hello");
    assert_eq!(running(&host.home()).len(), 1);
    assert_eq!(host.end(), Some(0));
    assert_eq!(running(&host.home()).len(), 0);
}
