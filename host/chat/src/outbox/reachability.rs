//! Whether a place can be written to, and when to try again if it can't.

use std::time::Duration;

use crate::backoff::Pauses;

/// The minimum and maximum delay for a place that can't be written to. Rights return within minutes, or not at all.
const BLOCKED: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(60 * 60));

/// Whether a place can be written to. Shutdown doesn't wait for the posts of a blocked place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reachability {
    #[default]
    Open,
    Blocked,
}

/// The state of a place that can't be written to: the topic is closed, or the bot lost its rights or was blocked.
pub(super) struct Blocked {
    pub pauses: Pauses,
}

impl Default for Blocked {
    fn default() -> Self {
        Self { pauses: Pauses::between(BLOCKED.0, BLOCKED.1) }
    }
}
