//! Tests a lifecycle policy that changes often, for example while its author edits it: no change may shorten the idle
//! time.

use std::{collections::VecDeque, time::Duration};

use super::{
    super::{Effect, Input, Machine, Run, SessionCommand, Settings, Ticket, Verdict},
    script::{record, settings},
};
use crate::{
    agent_event::AgentEvent,
    types::{Phase, Timestamp},
};

const TIMEOUT: Duration = Duration::from_secs(4);

/// A policy: returns the verdict on a session that has been idle for this long.
type Policy = fn(Duration) -> Verdict;

fn suspends_after(idle_for: Duration) -> Verdict {
    match TIMEOUT.saturating_sub(idle_for) {
        Duration::ZERO => Verdict::Suspend,
        remaining => Verdict::SuspendAfter(remaining),
    }
}

fn asks_again(idle_for: Duration) -> Verdict {
    match TIMEOUT.saturating_sub(idle_for) {
        Duration::ZERO => Verdict::Suspend,
        remaining => Verdict::ReviewIn(remaining.min(Duration::from_secs(3))),
    }
}

/// The times at which the policy changes, and the time that each of its answers takes.
#[derive(Debug, Clone, Copy)]
struct PolicyChanges {
    first: Duration,
    every: Duration,
    count: u32,
    latency: Duration,
}

impl PolicyChanges {
    fn at(&self, change: u32) -> Duration {
        self.first + self.every * change
    }
}

/// An idle session and the policy's answers that haven't reached it yet.
struct Idler {
    machine: Machine,
    policy: Policy,
    latency: Duration,
    answers: VecDeque<(Timestamp, Ticket, Verdict)>,
}

impl Idler {
    fn feed(&mut self, input: Input, now: Timestamp) {
        for effect in self.machine.handle(input, now) {
            if let Effect::Review { ticket, idle_for } = effect {
                self.answers.push_back((now.after(self.latency), ticket, (self.policy)(idle_for)));
            }
        }
    }
}

/// Returns the idle time after which the agent is stopped under these changes.
fn idle_time(policy: Policy, changes: PolicyChanges) -> Duration {
    let idle_since = record().created;
    let machine = Machine::new(record(), Settings { idle_timeout: TIMEOUT, ..settings() });
    let mut idler = Idler { machine, policy, latency: changes.latency, answers: VecDeque::new() };
    drop(idler.machine.command(SessionCommand::Start, idle_since).expect("a new session can start"));
    idler.feed(Input::Agent { run: Run(1), event: AgentEvent::Ready { models: Vec::new() } }, idle_since);
    let mut times = (0..changes.count).map(|change| idle_since.after(changes.at(change))).peekable();
    while idler.machine.phase() == Phase::Idle {
        let answer = idler.answers.front().map(|(at, ..)| *at);
        let timer = idler.machine.poll_timeout().map(|(at, _)| at);
        let now = [answer, times.peek().copied(), timer].into_iter().flatten().min().expect("something happens");
        let input = if answer == Some(now) {
            let (_, ticket, verdict) = idler.answers.pop_front().expect("an answer is due");
            Input::Verdict { ticket, verdict }
        } else if times.next_if_eq(&now).is_some() {
            Input::PolicyChanged
        } else {
            Input::Timeout
        };
        idler.feed(input, now);
        if idler.machine.phase() != Phase::Idle {
            return now.since(idle_since);
        }
    }
    panic!("the session never idled: {changes:?}")
}

#[test]
fn changing_policies_suspend_neither_early_nor_never() {
    let milliseconds = Duration::from_millis;
    for policy in [suspends_after as Policy, asks_again] {
        // With these latencies, an answer arrives before, with or after the next change of the policy. An answer after
        // the change is outdated.
        for latency in [0, 1, 149, 150, 151, 400].map(milliseconds) {
            for first in (0..1000).step_by(37).map(milliseconds) {
                let changes = PolicyChanges { first, every: milliseconds(150), count: 40, latency };
                let idle = idle_time(policy, changes);
                let case = format!("{changes:?}: suspended after {idle:?}");
                assert!(idle >= TIMEOUT, "{case}");
                // After a change, the policy is queried at once. Otherwise, queries are at least a second apart.
                let last = changes.at(changes.count - 1).max(TIMEOUT);
                assert!(idle <= last + latency * 2 + Duration::from_secs(1), "{case}");
            }
        }
    }
}
