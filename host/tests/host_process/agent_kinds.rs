//! Tests that all agent kinds behave alike. Each function tests one behavior and runs once per kind. If a kind doesn't
//! support a feature, the function checks the message that the chat shows instead.

mod stand_in;

use cordboard_core::{
    config::{AgentFeature, AgentKind},
    updates_and_posts::{InboxRow, InboxState},
};

use super::{
    support::{CREATED, FRESH, Host, STATE_LOST, until},
    terminal_handover::{refused, run as attach},
};
use stand_in::StandIn;

/// Declares one test per behavior and agent kind.
macro_rules! for_each_kind {
    ($($behaviour:ident),+ $(,)?) => {$(
        mod $behaviour {
            use cordboard_core::config::AgentKind;

            use super::StandIn;

            #[test]
            fn of_claude() {
                super::$behaviour(&StandIn::new(AgentKind::Claude));
            }

            #[test]
            fn of_acp() {
                super::$behaviour(&StandIn::new(AgentKind::Acp));
            }

            #[test]
            fn of_plain() {
                super::$behaviour(&StandIn::new(AgentKind::Plain));
            }

            #[test]
            fn of_demo() {
                super::$behaviour(&StandIn::new(AgentKind::Demo));
            }
        }
    )+};
}

for_each_kind!(
    one_agent_starts_per_session,
    each_message_is_answered,
    an_answer_is_shown_while_it_is_written,
    queued_messages_are_answered_in_order,
    a_message_during_a_turn_is_steered_or_waits,
    stop_ends_the_turn_but_not_the_process,
    a_permission_is_requested_or_not_needed,
    suspend_ends_the_process,
    a_suspended_agent_resumes_or_reports_lost_state,
    fresh_follows_a_refused_resume,
    an_exit_ends_the_turn_with_a_notice,
    an_ignored_interrupt_ends_the_process,
    control_characters_are_not_shown,
    a_long_output_is_shown_completely,
    an_agent_that_ignores_sigterm_is_killed,
    a_turn_is_finished_at_the_end_of_input,
    an_unknown_agent_command_is_refused,
    usage_shows_the_cost_if_it_is_known,
    a_model_is_selected_or_refused,
    a_permission_mode_is_selected_or_refused,
    a_persona_is_selected_or_refused,
    attach_opens_a_terminal_or_is_refused,
);

const SUSPENDED: &str = "Session 'a' suspended. The next message resumes it.";

fn suspend_and_wait(host: &mut Host<'_>) {
    host.await_phase("a", "idle");
    host.ask("/suspend", SUSPENDED);
    host.await_phase("a", "suspended");
}

fn one_agent_starts_per_session(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.await_phase("a", "idle");
    assert_eq!(home.agents().len(), 1);
}

fn each_message_is_answered(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("hello", &kind.answer("You said: hello"));
    host.ask("hello again", &kind.answer("You said: hello again"));
    host.await_turns("a", 2);
}

fn an_answer_is_shown_while_it_is_written(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.say("slow 100000");
    host.expect("line 1\nline 2\nline 3\n");
    assert_eq!(host.session("a")["phase"], "busy");
}

fn queued_messages_are_answered_in_order(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    for line in ["slow 3", "one", "two"] {
        host.say(line);
    }
    for text in ["line 1\nline 2\nline 3", "You said: one", "You said: two"] {
        host.reads(&kind.answer(text));
    }
    host.await_turns("a", 3);
    assert_eq!(host.end(), (String::new(), Some(0)));
}

fn a_message_during_a_turn_is_steered_or_waits(kind: &StandIn) {
    let home = kind.home("[sessions]\nbusy = \"steer\"");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.say("slow 100000");
    host.expect("line 1\n");
    host.say("second");
    let is_sent = |row: &InboxRow| matches!(row.state, InboxState::Sent { .. });
    let sent = || cordboard_store::read_only(&home.state()).unwrap().inbox.iter().filter(|row| is_sent(row)).count();
    if kind.lacks(AgentFeature::Steering) {
        until("the message waits", || host.session("a")["queued"] == 1);
        assert_eq!(sent(), 1);
        host.say("/stop");
        host.expect("Stopped. 1 message is still queued. Use /stop all to drop it.\n");
        host.expect("You said: second");
    } else {
        until("the agent has got the message", || sent() == 2);
        host.say("/stop");
        host.expect("Stopped. 1 message was dropped: “second”\n");
    }
}

fn stop_ends_the_turn_but_not_the_process(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.say("slow 100000");
    host.expect("line 2\n");
    let agent = host.agent("a");
    host.say("/stop");
    host.expect("Stopped.\n");
    host.await_phase("a", "idle");
    host.say("slow 3");
    host.expect("line 1\nline 2\nline 3");
    assert_eq!(host.agent("a"), agent, "the process keeps running");
}

fn a_permission_is_requested_or_not_needed(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    if kind.lacks(AgentFeature::PermissionRequests) {
        host.ask("/allow", "Session 'a' has no open request.");
        return host.ask("/requests", "No open requests.");
    }
    host.say("run make");
    host.expect("Session 'a' in ");
    host.expect("[Allow once] /answer #1 allow\n");
    host.say("/requests");
    host.expect("Answer with /answer #1 and one of: ");
    host.say("/allow");
    host.expect_all(&["Answered: Allow once.\n", "You allowed it."]);
    host.await_phase("a", "idle");
    host.say("run make");
    host.expect("/answer #2 allow\n");
    host.say("/deny");
    host.expect_all(&["Answered: Deny.\n", "I don't run it."]);
    host.await_phase("a", "idle");
    host.say("/requests");
    host.expect("No open requests.\n");
    host.ask("/allow", "Session 'a' has no open request.");
}

fn suspend_ends_the_process(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    suspend_and_wait(&mut host);
    assert_eq!(home.agents(), [] as [i32; 0]);
    // The conversation is empty, so there is nothing to resume.
    host.ask("hello", &kind.answer("You said: hello"));
}

fn a_suspended_agent_resumes_or_reports_lost_state(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("remember tea", &kind.answer("I will remember: tea"));
    suspend_and_wait(&mut host);
    host.say("recall");
    if kind.lacks(AgentFeature::Resume) {
        host.reads(&format!("{STATE_LOST}\n{}", kind.answer("I remember nothing.")));
        host.ask("/history", "Cordboard can't read the history of agent 'tested'. Scroll up in the chat instead.");
    } else {
        host.reads(&format!("Resuming session...\n{}", kind.answer("I remember: tea")));
    }
    assert_eq!(host.end(), (String::new(), Some(0)));
}

fn fresh_follows_a_refused_resume(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    if kind.lacks(AgentFeature::Resume) {
        host.ask("remember tea", &kind.answer("I will remember: tea"));
        suspend_and_wait(&mut host);
        // The user asked for a new conversation, so the chat doesn't mention that the old state is lost.
        host.ask("/fresh", FRESH);
        return host.ask("recall", &kind.answer("I remember nothing."));
    }
    host.ask("forget", &kind.answer("I forgot everything. This conversation can no longer be resumed."));
    suspend_and_wait(&mut host);
    host.say("first");
    host.expect("Session 'a' could not be resumed: No conversation found with session ID: ");
    host.expect("Your messages are kept. Use /retry to try again, or /fresh to start a new conversation.\n");
    host.await_phase("a", "asking");
    host.say("/fresh");
    host.expect_all(&[FRESH, "You said: first"]);
}

fn an_exit_ends_the_turn_with_a_notice(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.say("crash");
    host.expect("I am about to");
    host.expect("⚠ Incomplete: the agent exited.\nThe agent of session 'a' exited during its answer: ");
    host.expect(
        "agent crashed on request\nYour message was not sent again.\n  [Send again] /retry a\n  [Leave it] /leave a\n",
    );
    host.await_phase("a", "suspended");
    host.say("/leave");
    host.expect("Dropped. Session 'a' continues with the next message.\n");
    host.say("hello");
    if kind.lacks(AgentFeature::Resume) {
        host.expect(STATE_LOST);
    }
    host.expect("You said: hello");
}

fn an_ignored_interrupt_ends_the_process(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.say("hang");
    host.await_phase("a", "busy");
    host.say("/stop");
    let notice = if kind.lacks(AgentFeature::Resume) {
        "⚠ The program of session 'a' did not respond and was stopped. The next message starts it again.\n"
    } else {
        "⚠ The agent of session 'a' did not respond and was stopped. The next message resumes it.\n"
    };
    host.expect_all(&["Stopped.\n", notice]);
    host.await_phase("a", "suspended");
    assert_eq!(home.agents(), [] as [i32; 0]);
    host.say("hello");
    host.expect("You said: hello");
}

fn control_characters_are_not_shown(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.say("garbage");
    let shown = host.expect("I printed garbage.");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
    host.await_phase("a", "idle");
    host.say("still there");
    host.expect("You said: still there");
}

fn a_long_output_is_shown_completely(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.say("flood 2000");
    let answer = host.expect("line 2000");
    let lines: Vec<String> = (1..=2000).map(|number| format!("line {number}")).collect();
    assert!(answer.ends_with(&lines.join("\n")), "{answer}");
    host.await_phase("a", "idle");
    host.say("still there");
    host.expect("You said: still there");
}

/// Checks that an agent that ignores SIGTERM and the end of its input is killed.
fn an_agent_that_ignores_sigterm_is_killed(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("stubborn", &kind.answer("From now on I ignore SIGTERM and the end of input."));
    let agent = host.agent("a");
    suspend_and_wait(&mut host);
    assert_eq!(home.agents(), [] as [i32; 0], "agent {agent} is left");
}

/// When the host's input ends, the host lets the agent finish its turn, and then closes the agent's input, so that the
/// agent exits.
fn a_turn_is_finished_at_the_end_of_input(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.say("slow 5");
    host.expect("line 1\n");
    let (shown, code) = host.end();
    assert!(shown.contains("line 5"), "{shown}");
    assert_eq!(code, Some(0));
    assert_eq!(home.agents(), [] as [i32; 0]);
}

fn an_unknown_agent_command_is_refused(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.await_phase("a", "idle");
    // None of the stand-ins reports any commands of its own.
    host.ask("//compact", "The agent of session 'a' has no command //compact. Use /commands to list its commands.");
}

fn usage_shows_the_cost_if_it_is_known(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.say("hello");
    host.expect("You said: hello");
    host.await_turns("a", 1);
    host.say("/usage");
    host.expect("**Today**: ");
    let shown = host.expect("\n");
    assert_eq!(shown, if kind.reports_cost() { "$0.00, 1 turn\n" } else { "1 turn\n" });
}

fn a_persona_is_selected_or_refused(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.await_phase("a", "idle");
    if kind.is_plain() {
        host.ask("/persona planner", "Agent 'tested' is a plain program and can't use personas.");
    } else {
        host.say("/persona planner");
        host.expect("planner");
    }
}

fn a_model_is_selected_or_refused(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.await_phase("a", "idle");
    let agent = host.agent("a");
    if kind.lacks(AgentFeature::Models) {
        host.ask(
            "/model demo-large",
            "Agent 'tested' is a plain program and has no models. Set its options with args in [agents.tested].",
        );
        assert_eq!(host.agent("a"), agent, "the process keeps running");
    } else {
        host.ask("/model demo-large", "Model set to demo-large for session 'a'.");
    }
}

fn a_permission_mode_is_selected_or_refused(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    if kind.is_plain() {
        host.ask(
            "/permissions mode plan",
            "Agent 'tested' is a plain program and has no permission modes. Set its options with args in [agents.tested].",
        );
    } else {
        host.say("/permissions mode plan");
        // The stand-ins don't support permission modes.
        let refused = "rejected the permission mode and keeps its own. ";
        host.expect_all(&["Permission mode of session 'a': ", refused]);
    }
}

#[test]
fn answers_have_the_mode_of_their_reader() {
    let home = StandIn::new(AgentKind::Acp).home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("/mode me smart", "Mode set to smart for answers to your messages, in sessions without their own mode.");
    host.say("run make");
    host.expect("[Allow once] /answer #1 allow\n");
    host.say("/allow");
    host.expect_all(&["Answered: Allow once.\n", "✓ 1× make, ", "You allowed it.\n"]);
    host.await_phase("a", "idle");
    host.ask("/mode normal", "Mode set to normal for session 'a'.");
    host.say("run make");
    host.expect("[Allow once] /answer #2 allow\n");
    host.say("/allow");
    let shown = host.expect("You allowed it.\n");
    assert!(!shown.contains("1×"), "{shown}");
}

fn attach_opens_a_terminal_or_is_refused(kind: &StandIn) {
    let home = kind.home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.await_phase("a", "idle");
    if kind.lacks(AgentFeature::Terminal) {
        let why = "agent 'tested' can't run in a terminal: use a session with an agent of kind \"claude\"";
        refused(&home, &["attach", "a"], why);
    } else {
        // The terminal has no input, so the agent exits immediately.
        let output = attach(&home, &["attach", "a"]);
        assert!(output.status.success(), "{output:?}");
        host.await_phase("a", "suspended");
    }
}
