//! Tests which sessions are suspended if too many agents run.

use std::sync::Arc;

use super::{
    super::{Effect, Input, Machine, Run, SessionCommand, live_agents::excess},
    script::{record, settings},
};
use crate::{
    agent_event::{AgentEvent, BackgroundTask, PromptId},
    types::{AgentRequest, Place, RequestId, SessionName, SessionRecord, Timestamp},
};

/// A session with an idle agent, last used at `last_active`.
fn idle(name: &str, last_active: u64) -> Machine {
    let now = Timestamp(last_active);
    let record = SessionRecord { name: name.parse().unwrap(), ..record() };
    let mut machine = Machine::new(record, settings());
    drop(machine.command(SessionCommand::Start, now).unwrap());
    drop(machine.command(SessionCommand::Touch(Place::new("test", "home")), now).unwrap());
    feed(machine, AgentEvent::Ready { models: Vec::new() }, last_active)
}

fn feed(mut machine: Machine, event: AgentEvent, now: u64) -> Machine {
    drop(machine.handle(Input::Agent { run: Run(1), event }, Timestamp(now)));
    machine
}

/// Returns the number of running agents and the sessions to suspend.
fn excess_of(machines: &[Machine], limit: usize) -> Option<(usize, String)> {
    let views: Vec<_> = machines.iter().map(|machine| Arc::new(machine.view())).collect();
    let excess = excess(&views, limit)?;
    let names: Vec<_> = excess.suspend.iter().map(SessionName::as_str).collect();
    Some((excess.running, names.join(" ")))
}

#[test]
fn the_least_recently_used_idle_sessions_are_suspended() {
    let machines = [idle("b", 20), idle("c", 30), idle("a", 10)];
    assert_eq!(excess_of(&machines, 3), None);
    assert_eq!(excess_of(&machines, 2), Some((3, "a".to_owned())));
    assert_eq!(excess_of(&machines, 1), Some((3, "a b".to_owned())));
}

#[test]
fn sessions_with_work_or_questions_are_not_suspended() {
    let turn = AgentEvent::TurnStarted(PromptId("t".to_owned()));
    let task = BackgroundTask { about: "build".to_owned(), until: None };
    let request = AgentRequest::new(RequestId("q".to_owned()), "title".to_owned());
    let mut stopping = idle("d", 4);
    drop(stopping.command(SessionCommand::Suspend, Timestamp(5)).unwrap());
    let machines = [
        feed(idle("a", 1), turn, 5),
        feed(idle("b", 2), AgentEvent::Background(vec![task]), 5),
        feed(idle("c", 3), AgentEvent::Requested(request), 5),
        stopping,
    ];
    assert_eq!(excess_of(&machines, 1), Some((3, String::new())));
    // The machines decide the same, because the views may be outdated.
    for mut machine in machines {
        let effects = machine.handle(Input::SuspendIfUnused, Timestamp(9));
        assert!(effects.is_empty(), "{effects:?}");
    }
    let effects = idle("e", 5).handle(Input::SuspendIfUnused, Timestamp(9));
    assert_eq!(effects, [Effect::CloseInput { run: Run(1) }]);
}
