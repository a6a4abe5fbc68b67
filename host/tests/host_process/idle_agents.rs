//! Tests that idle agents stop silently, and that the next message resumes the conversation unless the agent refuses.

use super::support::{FRESH, Home, until};

const SHORT: &str = "[sessions]\nidle_timeout = \"1s\"";

#[test]
fn a_suspended_session_uses_the_current_timeout() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    assert_eq!(host.end().1, Some(0));
    let mut host = home.start();
    let usage = "\n\nUsage: /timeout <minutes> (1-120)";
    host.ask("/timeout", &format!("Idle timeout: 10 minutes{usage}"));
    home.configure("[sessions]\nidle_timeout = \"7m\"");
    host.expect_logged("configuration changed");
    until("the session uses the new timeout", || host.session("a")["idle_timeout_s"] == 420);
    host.ask("/timeout", &format!("Idle timeout: 7 minutes{usage}"));
    assert_eq!(host.session("a")["phase"], "suspended");
}

#[test]
fn an_idle_agent_stops_and_the_next_message_resumes_it() {
    let home = Home::with(SHORT);
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("remember the milk");
    // On a slow machine, the agent may be suspended before it receives this message. In that case, the resume notice
    // comes first.
    host.expect("I will remember: the milk\n");
    host.await_phase("a", "suspended");
    assert_eq!(home.agents(), [] as [i32; 0]);
    host.ask("/sessions", "→ ⚪ `a` - just now");
    host.ask("recall", "Resuming session...\nI remember: the milk");
    host.await_phase("a", "suspended");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn a_switch_resumes_an_agent_silently() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("remember the milk", "I will remember: the milk");
    host.ask("/suspend", "Session 'a' suspended. The next message resumes it.");
    host.await_phase("a", "suspended");
    host.ask("/session a", "Switched to session 'a'.");
    host.await_phase("a", "idle");
    host.ask("recall", "I remember: the milk");
}

#[test]
fn an_inactive_session_is_suspended_during_another_turn() {
    let home = Home::with(SHORT);
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.say("hello");
    host.expect("You said: hello\n");
    host.ask("/new b", "Session 'b' created.");
    host.say("slow 100000");
    host.await_phase("a", "suspended");
    // By line 80, the turn has been running several times as long as the idle timeout.
    let answer = host.expect("line 80\n");
    assert!(answer.lines().all(|line| line.starts_with("line ")), "{answer}");
    assert_eq!(host.session("b")["phase"], "busy");
    host.say("/stop");
    host.expect("Stopped.\n");
    host.await_phase("b", "suspended");
}

#[test]
fn a_session_resumes_its_conversation_after_a_restart() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a planner", "Session 'a' created with persona 'planner'.");
    host.ask("remember tea", "I will remember: tea");
    host.ask("/timeout 7", "Idle timeout set to 7 minutes for session 'a'.");
    assert_eq!(host.end(), (String::new(), Some(0)));
    let mut host = home.start();
    host.ask("/sessions", "→ ⚪ `a` (planner) - just now");
    assert_eq!(host.session("a")["idle_timeout_s"], 420);
    host.ask("recall", "Resuming session...\nI remember: tea");
}

/// Makes an agent forget its conversation, suspends the agent, and sends a message. The agent then refuses to resume
/// the conversation.
fn refused(host: &mut super::support::Host<'_>) {
    host.ask("/new a", "Session 'a' created.");
    host.ask("remember tea", "I will remember: tea");
    host.ask("forget", "I forgot everything. This conversation can no longer be resumed.");
    host.await_phase("a", "idle");
    host.ask("/suspend", "Session 'a' suspended. The next message resumes it.");
    host.await_phase("a", "suspended");
    host.say("first");
    host.expect("Resuming session...\n");
    question(host);
    host.await_phase("a", "asking");
}

/// The end of the message that says that the agent refused to resume.
const QUESTION: &str = "\nYour messages are kept. Use /retry to try again, or /fresh to start a new conversation.\n  [Try again] /retry a\n  \
    [Start fresh] /fresh a\n";

fn question(host: &mut super::support::Host<'_>) {
    host.expect("Session 'a' could not be resumed: No conversation found with session ID: ");
    host.expect(QUESTION);
}

#[test]
fn a_refused_resume_asks_the_user() {
    let home = Home::new();
    let mut host = home.start();
    refused(&mut host);
    host.ask("/sessions", "→ 🔴 `a` - just now");
    host.say("second");
    question(&mut host);
    host.say("/retry");
    host.expect_all(&["Retrying in session 'a'.\n", QUESTION]);
    host.await_phase("a", "asking");
    assert_eq!(host.session("a")["queued"], 2);
    host.say("/fresh");
    host.expect_all(&[&format!("{FRESH}\n"), "You said: first\n", "You said: second\n"]);
    host.ask("recall", "I remember nothing.");
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn a_question_survives_a_restart() {
    let home = Home::new();
    let mut host = home.start();
    refused(&mut host);
    let (rest, code) = host.end();
    assert_eq!((rest.as_str(), code), ("", Some(0)), "a session that waits for a person doesn't delay the shutdown");
    assert_eq!(home.sessions()[0]["queued"], 1);
    let mut host = home.start();
    question(&mut host);
    host.say("/fresh");
    host.expect_all(&[FRESH, "You said: first\n"]);
}

#[test]
fn a_lower_limit_suspends_running_agents_at_once() {
    let home = Home::new();
    let mut host = home.start();
    for name in ["a", "b", "c"] {
        host.ask(&format!("/new {name}"), &format!("Session '{name}' created."));
        host.ask("hello", "You said: hello");
        host.await_phase(name, "idle");
    }
    assert_eq!(home.agents().len(), 3);
    home.configure("[limits]\nlive_agents = 1");
    host.await_phase("a", "suspended");
    host.await_phase("b", "suspended");
    assert_eq!(host.session("c")["phase"], "idle");
    assert_eq!(home.agents().len(), 1);
}

/// Takes 10 to 20 seconds: both agents are busy when the second one starts, so only a later check finds idle agents,
/// and checks are 10 seconds apart.
#[test]
fn agents_that_become_idle_are_suspended_by_a_later_check() {
    let home = Home::new();
    home.configure("[limits]\nlive_agents = 1");
    let mut host = home.start();
    for name in ["a", "b"] {
        host.say(&format!("/new {name}"));
        host.expect(&format!("Session '{name}' created."));
        host.say("slow 1000");
        host.await_phase(name, "busy");
    }
    host.expect_logged("a limit on agents or memory is exceeded, and no session can be suspended");
    host.say("/stop");
    host.expect("Stopped.\n");
    host.say("/session a");
    host.expect("Switched to session 'a'.");
    host.say("/stop");
    host.expect("Stopped.\n");
    until("one agent is left", || home.agents().len() == 1);
}
