//! The reachability of a place, and the delays before the next attempt if it can't be written to.

use std::time::Duration;

use crate::backoff::Backoff;

/// Whether a place can be written to. Shutdown doesn't wait for the posts of a blocked place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reachability {
    #[default]
    Open,
    Blocked,
}

/// Returns the delays for a place that can't be written to: the topic is closed, or the bot lost its rights or was
/// blocked. Such a place is usually restored within minutes or not at all, so the delays grow from a minute to an hour.
pub(super) const fn blocked_backoff() -> Backoff {
    Backoff::new(Duration::from_mins(1), Duration::from_hours(1))
}
