//! Stores the start times of operations until they end. Some never end, so only the latest operations are kept.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The maximum number of operations that have not ended. Fewer messages than this wait at the same time, except after
/// an outage.
const CAPACITY: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct StartTimes(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    started: HashMap<String, Start>,
    /// The keys in the order in which the operations began.
    order: BTreeMap<u64, String>,
    next: u64,
}

#[derive(Debug)]
struct Start {
    number: u64,
    at: Instant,
}

impl StartTimes {
    pub fn begin(&self, key: &str, at: Instant) {
        let mut entries = self.entries();
        entries.remove(key);
        if entries.order.len() >= CAPACITY
            && let Some((_, oldest)) = entries.order.pop_first()
        {
            entries.started.remove(&oldest);
        }
        let number = entries.next;
        entries.next += 1;
        entries.order.insert(number, key.to_owned());
        entries.started.insert(key.to_owned(), Start { number, at });
    }

    /// Returns the time since the operation began, or `None` if its start is unknown or it has already ended.
    pub fn end(&self, key: &str) -> Option<Duration> {
        self.entries().remove(key).map(|start| start.at.elapsed())
    }

    pub fn clear(&self) {
        *self.entries() = Entries::default();
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, key: &str) -> Option<Start> {
        let start = self.started.remove(key)?;
        self.order.remove(&start.number);
        Some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_pending_entries_are_kept() {
        let pending = StartTimes::default();
        for key in 0..=CAPACITY {
            pending.begin(&key.to_string(), Instant::now());
        }
        assert!(pending.end("0").is_none());
        assert!(pending.end("1").is_some() && pending.end("1").is_none());
        assert!(pending.end(&CAPACITY.to_string()).is_some());
    }

    #[test]
    fn ended_operations_displace_no_pending_one() {
        let pending = StartTimes::default();
        pending.begin("slow", Instant::now());
        for key in 0..2 * CAPACITY {
            pending.begin(&key.to_string(), Instant::now());
            pending.end(&key.to_string());
        }
        assert!(pending.end("slow").is_some());
    }

    #[test]
    fn an_operation_that_begins_again_counts_as_the_latest() {
        let pending = StartTimes::default();
        for key in ["again", "other", "again"] {
            pending.begin(key, Instant::now());
        }
        for key in 2..=CAPACITY {
            pending.begin(&key.to_string(), Instant::now());
        }
        assert!(pending.end("other").is_none() && pending.end("again").is_some());
    }
}
