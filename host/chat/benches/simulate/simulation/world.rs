//! Everything outside of the host's process: the clock, the store, the chat server, and the counts.

use std::{
    hash::{DefaultHasher, Hash, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{chat_server::ChatServer, people::DAY, store::Store};
use crate::{random_worlds::Dice, types::Timestamp};

/// The first simulated day, 2026-01-05, in days since 1970.
const FIRST_DAY: u64 = 20_458;
/// The time at which the simulation begins, 07:00.
pub const BEGIN: Timestamp = Timestamp(FIRST_DAY * DAY + 7 * DAY / 24);

pub struct World {
    pub store: Store,
    pub server: ChatServer,
    pub tally: Tally,
    /// The number of the running host. Each host has its own.
    pub host: u64,
    /// The first violation that a task of the outbox has found. A panic there would only end the task.
    pub violation: Option<String>,
    pub dice: Dice,
    began: Instant,
}

/// A handle to the world.
#[derive(Clone)]
pub struct SharedWorld(Arc<Mutex<World>>);

impl SharedWorld {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(World {
            store: Store::default(),
            server: ChatServer::default(),
            tally: Tally::default(),
            host: 0,
            violation: None,
            dice: Dice(seed),
            began: Instant::now(),
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    pub fn now(&self) -> Timestamp {
        BEGIN.after(self.began.elapsed())
    }

    /// Returns the instant at which the clock shows `at`.
    pub fn instant(&self, at: Timestamp) -> Instant {
        self.began + at.since(BEGIN)
    }

    pub fn violate(&mut self, why: impl Into<String>) {
        self.violation.get_or_insert_with(|| why.into());
    }

    /// Counts a step, and makes it a part of the digest.
    pub fn step(&mut self, what: impl Hash) {
        let now = self.now();
        self.tally.steps += 1;
        (now, what).hash(&mut self.tally.hasher);
    }
}

/// The counts of the summary.
#[derive(Default)]
pub struct Tally {
    pub steps: u64,
    pub messages: u64,
    pub prompts: u64,
    pub answers: u64,
    pub posts: u64,
    pub kills: u64,
    pub failed_calls: u64,
    /// The messages that the chat shows in addition to the posts, because a response was lost or the host was killed.
    pub copies: u64,
    pub activations: u64,
    pub rollbacks: u64,
    hasher: DefaultHasher,
}

impl Tally {
    /// Returns the digest of all steps, which is the same for each run with the same seed.
    pub fn digest(&self) -> u64 {
        self.hasher.finish()
    }
}

/// Returns the number of the day, beginning with 1, and the time of day.
pub fn clock_time(at: Timestamp) -> String {
    let seconds = (at.0 / 1000).saturating_sub((FIRST_DAY - 1) * 86_400);
    let (days, rest) = (seconds / 86_400, Duration::from_secs(seconds % 86_400));
    format!("day {days}, {:02}:{:02}:{:02}", rest.as_secs() / 3600, rest.as_secs() / 60 % 60, rest.as_secs() % 60)
}
