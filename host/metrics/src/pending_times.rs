//! Stores the start times of operations until they end. Some never end, so only the latest entries are kept.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The number of latest operations to remember, including those that have ended. Fewer messages than this arrive while
/// one waits, except after an outage.
const CAPACITY: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct PendingTimes(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    times: HashMap<String, Instant>,
    /// The keys in the order in which they began, including those that have ended.
    order: VecDeque<String>,
}

impl PendingTimes {
    pub fn begin(&self, key: &str, at: Instant) {
        let mut entries = self.entries();
        if entries.order.len() >= CAPACITY
            && let Some(oldest) = entries.order.pop_front()
        {
            entries.times.remove(&oldest);
        }
        entries.order.push_back(key.to_owned());
        entries.times.insert(key.to_owned(), at);
    }

    /// Returns the time since the operation began, or `None` if its start is unknown or it has already ended.
    pub fn end(&self, key: &str) -> Option<Duration> {
        self.entries().times.remove(key).map(|at| at.elapsed())
    }

    pub fn clear(&self) {
        *self.entries() = Entries::default();
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_entries_are_kept() {
        let pending = PendingTimes::default();
        for key in 0..=CAPACITY {
            pending.begin(&key.to_string(), Instant::now());
        }
        assert!(pending.end("0").is_none());
        assert!(pending.end("1").is_some() && pending.end("1").is_none());
        assert!(pending.end(&CAPACITY.to_string()).is_some());
        let entries = pending.entries();
        assert!(entries.order.len() <= CAPACITY && entries.times.len() <= CAPACITY);
    }
}
