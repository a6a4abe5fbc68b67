//! Tests the sessions of the fake host.

use std::time::Duration;

use cordboard_core::{
    config::Config,
    session::{QueuedPrompts, SessionCommand},
    types::{Caller, Phase, Role, UserId},
};

use super::*;
use cordboard_chat::console;
use cordboard_runtime::HostApi as _;

const NOW: Timestamp = Timestamp(1_000_000_000);

fn ada() -> Caller {
    Caller { id: UserId("console:ada".to_owned()), name: "ada".to_owned(), role: Role::Owner }
}

fn name() -> SessionName {
    "alpha".parse().expect("a name")
}

fn setup(change: impl FnOnce(&mut SessionSetup)) -> SessionSetup {
    let record = SessionRecord::new(name(), ada().id, "/sessions/alpha".into(), "demo", NOW);
    let mut setup = SessionSetup::new(record, console::place().clone());
    change(&mut setup);
    setup
}

fn host(change: impl FnOnce(&mut SessionSetup)) -> FakeHost {
    let host = FakeHost::new(NOW, Config::defaults(), None);
    host.set_up(setup(change)).expect("a state of a real session");
    host
}

async fn refusal(host: &FakeHost, order: SessionCommand) -> String {
    host.control(&ada(), &name(), order).await.expect_err("it is refused").text
}

#[test]
fn a_set_up_reaches_every_phase() {
    for phase in [
        Phase::Suspended,
        Phase::Starting,
        Phase::Idle,
        Phase::Busy,
        Phase::Stopping,
        Phase::Asking,
        Phase::Broken,
        Phase::Archived,
    ] {
        let view = host(|setup| {
            setup.phase = phase;
            setup.record.persona = Some("planner".to_owned());
            setup.models = vec!["small".to_owned()];
        });
        let view = view.session("alpha").expect("it was added");
        assert_eq!((view.phase, view.models.len()), (phase, 1));
        assert_eq!(view.why.is_some(), matches!(phase, Phase::Asking | Phase::Broken), "{phase:?}");
    }
}

#[test]
fn an_impossible_set_up_is_an_error() {
    let why = |change: fn(&mut SessionSetup)| {
        let host = FakeHost::new(NOW, Config::defaults(), None);
        host.set_up(setup(change)).expect_err("no session has this state").to_string()
    };
    assert!(why(|setup| setup.queued = 1).starts_with("queued=1: a session that is suspended has no queued messages"));
    assert!(why(|setup| setup.why = Some("x".to_owned())).starts_with("why=x: a session that is suspended"));
    let full = why(|setup| {
        setup.phase = Phase::Busy;
        setup.queued = 100_000;
    });
    assert!(full.starts_with("queued=100000: at most "), "{full}");
}

#[tokio::test]
async fn a_busy_session_refuses_to_stop_its_agent() {
    let host = host(|setup| setup.phase = Phase::Busy);
    for order in [SessionCommand::Suspend, SessionCommand::Fresh, SessionCommand::Archive] {
        assert_eq!(refusal(&host, order).await, "Session 'alpha' is busy. Use /stop first.");
    }
    assert!(host.actions().is_empty(), "a refused command is no action");
}

#[tokio::test]
async fn an_interrupt_ends_the_turn_and_sends_the_next_prompt() {
    let host = host(|setup| {
        setup.phase = Phase::Busy;
        setup.queued = 1;
    });
    let stop = |queued| SessionCommand::Interrupt { queued, from: None };
    let view = host.control(&ada(), &name(), stop(QueuedPrompts::Keep)).await.expect("a turn runs");
    assert_eq!((view.phase, view.queued), (Phase::Busy, 1), "the agent has not reacted yet");
    let view = host.session("alpha").expect("it exists");
    assert_eq!((view.phase, view.queued), (Phase::Busy, 0));
    host.control(&ada(), &name(), stop(QueuedPrompts::Drop)).await.expect("a turn runs");
    assert_eq!(host.session("alpha").map(|view| view.phase), Some(Phase::Idle));
    assert_eq!(refusal(&host, stop(QueuedPrompts::Drop)).await, "Nothing is running.");
}

#[test]
fn an_idle_session_is_suspended_at_its_timeout() {
    let host = host(|setup| {
        setup.phase = Phase::Idle;
        setup.record.idle_timeout = Some(Duration::from_secs(60));
    });
    host.set_now(NOW.after(Duration::from_secs(59)));
    assert_eq!(host.session("alpha").map(|view| view.phase), Some(Phase::Idle));
    host.set_now(NOW.after(Duration::from_secs(60)));
    assert_eq!(host.session("alpha").map(|view| view.phase), Some(Phase::Suspended));
}
