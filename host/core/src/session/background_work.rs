//! The background work of an agent process: tasks that outlive their turn, and a scheduled wake-up.

use crate::{messages, types::Timestamp};

/// The work of one agent process. It ends with the process.
#[derive(Debug, Default)]
pub(super) struct BackgroundWork {
    /// The running tasks, as the agent describes them.
    pub tasks: Vec<String>,
    pub wakes_at: Option<Timestamp>,
}

impl BackgroundWork {
    pub fn is_none(&self) -> bool {
        self.tasks.is_empty() && self.wakes_at.is_none()
    }

    /// Lists the work for users.
    pub fn list(&self) -> Vec<String> {
        let wake_up = self.wakes_at.map(|_| messages::WAKE_UP.to_owned());
        self.tasks.iter().cloned().chain(wake_up).collect()
    }

    /// The time when the work is over, if only a wake-up is left. `None` while tasks run: the agent reports their end.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.wakes_at.filter(|_| self.tasks.is_empty())
    }

    /// Removes a wake-up that is due. Either the agent starts a turn now, or no work is left.
    pub fn forget_wake_up(&mut self, now: Timestamp) {
        self.wakes_at.take_if(|at| *at <= now);
    }
}
