//! Keeps a value for each operation from its beginning to its end, such as the time of the beginning. Some operations
//! never end, so only the latest ones are kept.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The maximum number of operations that have not ended. Fewer messages than this wait at the same time, except after
/// an outage.
const CAPACITY: usize = 4096;

#[derive(Debug)]
pub(super) struct PendingOperations<T>(Mutex<Entries<T>>);

#[derive(Debug)]
struct Entries<T> {
    by_key: HashMap<String, Entry<T>>,
    /// The keys in the order in which the operations began.
    order: BTreeMap<u64, String>,
    next: u64,
}

#[derive(Debug)]
struct Entry<T> {
    number: u64,
    value: T,
}

impl<T> Default for PendingOperations<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> PendingOperations<T> {
    pub fn begin(&self, key: &str, value: T) {
        self.entries().insert(key, value);
    }

    /// Returns the value, or `None` if the operation is unknown or has already ended.
    pub fn end(&self, key: &str) -> Option<T> {
        self.entries().remove(key).map(|entry| entry.value)
    }

    pub fn clear(&self) {
        *self.entries() = Entries::default();
    }

    fn entries(&self) -> MutexGuard<'_, Entries<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "otlp")]
impl<T: Default> PendingOperations<T> {
    /// Changes the value of an operation, which begins now if it is unknown.
    pub fn change(&self, key: &str, change: impl FnOnce(&mut T)) {
        let mut entries = self.entries();
        if !entries.by_key.contains_key(key) {
            entries.insert(key, T::default());
        }
        if let Some(entry) = entries.by_key.get_mut(key) {
            change(&mut entry.value);
        }
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), order: BTreeMap::new(), next: 0 }
    }
}

impl<T> Entries<T> {
    fn insert(&mut self, key: &str, value: T) {
        self.remove(key);
        if self.order.len() >= CAPACITY
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.by_key.remove(&oldest);
        }
        let number = self.next;
        self.next += 1;
        self.order.insert(number, key.to_owned());
        self.by_key.insert(key.to_owned(), Entry { number, value });
    }

    fn remove(&mut self, key: &str) -> Option<Entry<T>> {
        let entry = self.by_key.remove(key)?;
        self.order.remove(&entry.number);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_pending_entries_are_kept() {
        let pending = PendingOperations::default();
        for key in 0..=CAPACITY {
            pending.begin(&key.to_string(), ());
        }
        assert!(pending.end("0").is_none());
        assert!(pending.end("1").is_some() && pending.end("1").is_none());
        assert!(pending.end(&CAPACITY.to_string()).is_some());
    }

    #[test]
    fn ended_operations_displace_no_pending_one() {
        let pending = PendingOperations::default();
        pending.begin("slow", ());
        for key in 0..2 * CAPACITY {
            pending.begin(&key.to_string(), ());
            pending.end(&key.to_string());
        }
        assert!(pending.end("slow").is_some());
    }

    #[test]
    fn an_operation_that_begins_again_counts_as_the_latest() {
        let pending = PendingOperations::default();
        for key in ["again", "other", "again"] {
            pending.begin(key, ());
        }
        for key in 2..=CAPACITY {
            pending.begin(&key.to_string(), ());
        }
        assert!(pending.end("other").is_none() && pending.end("again").is_some());
    }
}
