//! The background work of an agent process: tasks that outlive their turn, and scheduled wake-ups.

use crate::{agent_event::BackgroundTask, types::Timestamp};

/// The background work of one agent process, which ends with the process.
#[derive(Debug, Default)]
pub(super) struct BackgroundWork(pub Vec<BackgroundTask>);

impl BackgroundWork {
    pub const fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a description of each piece of work, for users.
    pub fn list(&self) -> Vec<String> {
        self.0.iter().map(|task| task.about.clone()).collect()
    }

    /// Returns the time at which the next piece of work is known to end, or `None` if no end is known.
    pub fn next_end(&self) -> Option<Timestamp> {
        self.0.iter().filter_map(|task| task.until).min()
    }

    /// Removes the work that has ended. A wake-up ends at its scheduled time, because the agent then starts a turn.
    pub fn forget_past(&mut self, now: Timestamp) {
        self.0.retain(|task| task.until.is_none_or(|until| until > now));
    }
}
