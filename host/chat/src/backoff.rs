//! Provides an exponential backoff with jitter.

use std::{
    hash::{DefaultHasher, Hash, Hasher as _},
    time::Duration,
};

use uuid::Uuid;

const FIRST: Duration = Duration::from_secs(1);

/// The default maximum delay, before jitter. It limits how long it takes to notice that the network is back.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// Computes the growing delays between failed attempts.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
    /// The jitter in units of 1/1024 of the delay, or `None` for a random one.
    jitter: Option<u8>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::starting_at(FIRST)
    }
}

impl Backoff {
    pub const fn starting_at(first: Duration) -> Self {
        Self::new(first, MAX_DELAY)
    }

    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first, jitter: None }
    }

    /// Derives the jitter from `key`, so that clients with different keys don't retry together, and a simulation can
    /// repeat the delays.
    #[must_use]
    pub fn with_jitter_of(self, key: &impl Hash) -> Self {
        // This hasher has fixed keys, unlike the one of a `HashMap`.
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self { jitter: Some(hasher.finish().to_le_bytes()[0]), ..self }
    }

    /// Returns the delay before the next attempt. Adds up to 25 % jitter, so that clients that failed together don't
    /// retry together.
    pub fn next_delay(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        let jitter = self.jitter.unwrap_or_else(|| Uuid::new_v4().as_bytes()[0]);
        pause + pause * u32::from(jitter) / 1024
    }

    /// Resets the delay to its initial value. Call this after a success.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_limit_and_reset() {
        let mut backoff = Backoff::default();
        for least in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = backoff.next_delay();
            let least = Duration::from_secs(least);
            assert!(pause >= least && pause <= least * 5 / 4, "{pause:?} is about {least:?}");
        }
        backoff.reset();
        assert!(backoff.next_delay() < Duration::from_secs(2));
    }

    #[test]
    fn jitter_of_a_key_repeats_and_differs_between_keys() {
        let first = |key: u8| Backoff::default().with_jitter_of(&key).next_delay();
        assert!((0..50).all(|key| first(key) == first(key)));
        assert!((0..50).any(|key| first(key) != first(0)));
    }
}
