//! Tests which sessions are suspended when the running agents exceed a limit.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    super::{
        Effect, Input, Machine, Run, SessionCommand,
        limit_suspensions::{MemoryUsage, suspensions},
    },
    script::{record, settings},
};
use crate::{
    agent_event::{AgentEvent, BackgroundTask, PromptId},
    config::Limits,
    types::{AgentRequest, Place, RequestId, SessionName, SessionRecord, Timestamp},
};

/// Returns a session with an idle agent, last used at `last_active`.
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

/// Returns the sessions to suspend and the reason for each, and the limit that remains exceeded.
fn decide(machines: &[Machine], limits: Limits, memory: &MemoryUsage) -> (Vec<String>, Option<String>) {
    let views: Vec<_> = machines.iter().map(|machine| Arc::new(machine.view())).collect();
    let suspensions = suspensions(&views, &limits, memory);
    let sessions = suspensions.sessions.iter().map(|(name, limit)| format!("{name}: {limit}")).collect();
    (sessions, suspensions.unresolved.map(|limit| limit.to_string()))
}

fn at_most(live_agents: usize) -> Limits {
    Limits { live_agents: Some(live_agents), ..Limits::default() }
}

const MIB: u64 = 1 << 20;

/// Returns the memory usage of a machine with `free` MiB available, whose agents use the given amounts in MiB.
fn memory(free: u64, agents: &[(&str, u64)]) -> MemoryUsage {
    let agents = agents.iter().map(|(name, used)| (name.parse().unwrap(), used * MIB));
    MemoryUsage { agents: agents.collect::<BTreeMap<SessionName, u64>>(), free: free * MIB }
}

#[test]
fn the_least_recently_used_idle_sessions_are_suspended() {
    let machines = [idle("b", 20), idle("c", 30), idle("a", 10)];
    let unlimited = MemoryUsage::default();
    assert_eq!(decide(&machines, at_most(3), &unlimited), (vec![], None));
    assert_eq!(decide(&machines, at_most(2), &unlimited).0, ["a: 3 agents are running, but live_agents is 2"]);
    let two = ["a: 3 agents are running, but live_agents is 1", "b: 2 agents are running, but live_agents is 1"];
    assert_eq!(decide(&machines, at_most(1), &unlimited).0, two);
}

#[test]
fn agents_are_suspended_until_the_memory_is_within_its_limit() {
    let machines = [idle("b", 20), idle("c", 30), idle("a", 10)];
    let used = memory(1000, &[("a", 100), ("b", 300), ("c", 50)]);
    let limits = |mib: u64| Limits { agent_memory: Some(mib * MIB), ..Limits::default() };
    assert_eq!(decide(&machines, limits(450), &used), (vec![], None));
    assert_eq!(decide(&machines, limits(400), &used).0, ["a: the agents use 450 MiB, but agent_memory is 400 MiB"]);
    let two = [
        "a: the agents use 450 MiB, but agent_memory is 60 MiB".to_owned(),
        "b: the agents use 350 MiB, but agent_memory is 60 MiB".to_owned(),
    ];
    assert_eq!(decide(&machines, limits(60), &used), (two.to_vec(), None));
}

#[test]
fn agents_are_suspended_until_enough_memory_is_free() {
    let limits = |mib: u64| Limits { free_memory: Some(mib * MIB), ..Limits::default() };
    let used = memory(100, &[("a", 100), ("b", 300), ("c", 50)]);
    let machines = [idle("b", 20), idle("c", 30), idle("a", 10)];
    let first = "a: only 100 MiB of memory is free, but free_memory is 150 MiB".to_owned();
    assert_eq!(decide(&machines, limits(150), &used), (vec![first], None));
    let (all, unresolved) = decide(&machines, limits(9000), &used);
    assert_eq!((all.len(), unresolved), (3, None), "without agents, other programs use the memory");
    let mut stopping = idle("a", 10);
    drop(stopping.command(SessionCommand::Suspend, Timestamp(11)).unwrap());
    let machines = [idle("b", 20), stopping];
    assert_eq!(decide(&machines, limits(200), &used), (vec![], None), "the memory of a stopping agent is free soon");
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
    let unresolved = "3 agents are running, but live_agents is 1".to_owned();
    assert_eq!(decide(&machines, at_most(1), &MemoryUsage::default()), (vec![], Some(unresolved)));
    // Each machine makes the same decision again, because the views may be outdated.
    for mut machine in machines {
        let effects = machine.handle(Input::SuspendIfUnused, Timestamp(9));
        assert!(effects.is_empty(), "{effects:?}");
    }
    let effects = idle("e", 5).handle(Input::SuspendIfUnused, Timestamp(9));
    assert_eq!(effects, [Effect::CloseInput { run: Run(1) }]);
}
