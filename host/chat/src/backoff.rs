//! Exponential backoff with jitter.

use std::time::Duration;

use uuid::Uuid;

const FIRST: Duration = Duration::from_secs(1);

/// The longest wait. A restored network is noticed within this time.
const LONGEST: Duration = Duration::from_secs(60);

/// The delays between failing attempts.
#[derive(Debug, Clone)]
pub struct Pauses {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self::beginning_with(FIRST)
    }
}

impl Pauses {
    pub const fn beginning_with(first: Duration) -> Self {
        Self::between(first, LONGEST)
    }

    pub const fn between(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// Returns the delay after one more failure. Adds up to 25 % of jitter, so that clients that failed together
    /// don't retry together.
    pub fn grow(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        let jitter = u32::from(Uuid::new_v4().as_bytes()[0]);
        pause + pause * jitter / 1024
    }

    /// Starts again at the first delay, after a success.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_limit_and_reset() {
        let mut pauses = Pauses::default();
        for least in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = pauses.grow();
            let least = Duration::from_secs(least);
            assert!(pause >= least && pause <= least * 5 / 4, "{pause:?} is about {least:?}");
        }
        pauses.reset();
        assert!(pauses.grow() < Duration::from_secs(2));
    }
}
