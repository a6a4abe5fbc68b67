//! Performs a plan: starts the host, delivers the messages, kills the host, and records what happened.

use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use tokio::{process::Child, time::sleep};

use super::{
    host::{End, Home, Process, until_killed},
    oracle::{self, Record, Verdict, Violation},
    plan::{CHATS, Faults, Injected, Kill, PluginChange, Round},
    telegram::Telegram,
};

/// The time limit for answering everything after a start without failures.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// The time within which a host ends the agents that a killed host has left.
const ORPHANS_WITHIN: Duration = Duration::from_secs(10);

/// The interval for polling a condition.
const LOOK: Duration = Duration::from_millis(50);

pub struct World {
    pub home: Home,
    telegram: Telegram,
    record: Record,
    /// The number of starts of the host.
    runs: usize,
    killed: HashSet<usize>,
    /// The processes that each killed run left behind, with the run's number.
    left: Vec<(usize, Process)>,
    found: Vec<(Violation, usize, Option<u64>)>,
}

impl World {
    /// Creates a session for each chat.
    pub async fn create() -> Self {
        let telegram = Telegram::start().await;
        let home = Home::create(&telegram.api.url);
        let mut world = Self {
            home,
            telegram,
            record: Record::default(),
            runs: 0,
            killed: HashSet::new(),
            left: Vec::new(),
            found: Vec::new(),
        };
        let mut child = world.start(None, None);
        for chat in CHATS {
            world.telegram.says(chat, &format!("/new {}", session(chat)));
        }
        let telegram = &world.telegram;
        let created =
            |chat| telegram.api.shown_texts().into_iter().any(|((of, _), text)| of == chat && text.contains("created"));
        let all = until(SETTLED_WITHIN, || CHATS.into_iter().all(created)).await;
        assert!(
            all,
            "the sessions can't be created: {:?}; see {}",
            telegram.api.shown_texts(),
            world.home.log(world.runs).display()
        );
        child.kill().await.unwrap();
        world
    }

    fn start(&mut self, failpoint: Option<&str>, faults: Option<Faults>) -> Child {
        self.runs += 1;
        self.telegram.begin(self.runs, faults);
        self.home.start(self.runs, failpoint)
    }

    /// Runs the host until it is killed. Returns the number of the run and how it ended.
    pub async fn round(&mut self, round: &Round) -> (usize, End) {
        let failpoint = match round.kill {
            Kill::At { point, nth } => Some(point.variable_value(nth)),
            Kill::After(_) => None,
        };
        let run = self.runs + 1;
        for message in round.arrivals.iter().flat_map(|arrival| &arrival.messages) {
            self.record.messages.push((run, *message));
        }
        let late = round.arrivals.partition_point(|arrival| arrival.delay.is_none());
        let (early, late) = round.arrivals.split_at(late);
        early.iter().for_each(|arrival| self.telegram.deliver(arrival));
        let mut child = self.start(failpoint.as_deref(), Some(Faults::new(round.faults)));
        let delivered = AtomicUsize::new(0);
        let end = tokio::select! {
            end = until_killed(&mut child, round.kill) => end,
            never = deliver_late(&self.telegram, &mut self.home, round, &delivered) => match never {},
        };
        // The remaining messages arrive while no host is running.
        late[delivered.into_inner()..].iter().for_each(|arrival| self.telegram.deliver(arrival));
        self.after_kill(run, end);
        (run, end)
    }

    fn after_kill(&mut self, run: usize, end: End) {
        self.killed.insert(run);
        self.left.extend(self.home.agents().into_iter().map(|process| (run, process)));
        if end == End::Exited {
            self.found.push((Violation::Exited, run, None));
        }
        if !self.home.is_database_sound() {
            self.found.push((Violation::Damaged, run, None));
        }
    }

    /// Runs the host without failures until every message is answered or reported and every process that a killed host
    /// has left is gone.
    pub async fn settle(&mut self) {
        let mut child = self.start(None, None);
        let started = Instant::now();
        until(SETTLED_WITHIN, || self.telegram.is_confirmed() && self.missing().is_empty()).await;
        self.left.retain(|(_, process)| process.is_running());
        let time = ORPHANS_WITHIN.saturating_sub(started.elapsed());
        until(time, || self.left.iter().all(|(_, process)| !process.is_running())).await;
        let orphans = self.left.drain(..).filter(|(_, process)| process.is_running());
        self.found.extend(orphans.map(|(run, _)| (Violation::Orphan, run, None)));
        // The last answers are shown, but the host may not have stored that.
        child.kill().await.unwrap();
        self.killed.insert(self.runs);
        self.left.extend(self.home.agents().into_iter().map(|process| (self.runs, process)));
    }

    fn missing(&self) -> Vec<u64> {
        oracle::missing(&self.record.messages, &self.telegram.api.shown_texts())
    }

    pub fn injected(&self) -> BTreeMap<Injected, usize> {
        self.telegram.journal().injected.clone()
    }

    pub fn messages(&self) -> usize {
        self.record.messages.len()
    }

    pub fn judge(&mut self) -> Verdict {
        self.record.shown = self.telegram.api.shown_texts();
        self.record.sends = std::mem::take(&mut self.telegram.journal().sends);
        self.record.prompts = self.home.prompts();
        let mut verdict = self.record.judge(&self.killed);
        verdict.violations.append(&mut self.found);
        verdict
    }
}

/// Delivers the late arrivals at their times after the first poll, and counts them in `delivered`.
async fn deliver_late(
    telegram: &Telegram,
    home: &mut Home,
    round: &Round,
    delivered: &AtomicUsize,
) -> std::convert::Infallible {
    telegram.until_polled().await;
    if round.plugin == PluginChange::Replaced {
        home.replace_plugin();
    }
    let mut passed = Duration::ZERO;
    for (arrival, delay) in round.arrivals.iter().filter_map(|arrival| Some((arrival, arrival.delay?))) {
        sleep(delay.saturating_sub(passed)).await;
        passed = delay;
        delivered.fetch_add(1, Ordering::Relaxed);
        telegram.deliver(arrival);
    }
    std::future::pending().await
}

/// Returns the name of a chat's session.
fn session(chat: i64) -> String {
    format!("chat-{chat}")
}

/// Waits until `holds` returns true. Returns false on timeout.
async fn until(time: Duration, holds: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !holds() {
        if began.elapsed() > time {
            return false;
        }
        sleep(LOOK).await;
    }
    true
}
