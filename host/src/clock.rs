//! The one clock: wall time, carried on by tokio's, so that a paused clock in a test moves everything and a clock that is set back moves nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use cordboard_core::types::Moment;
use tokio::time::Instant;

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Moment,
    at: Instant,
}

impl Clock {
    /// A clock that agrees with the system's now.
    #[must_use]
    pub fn system() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Moment(0).after(since), at: Instant::now() }
    }

    #[must_use]
    pub fn now(&self) -> Moment {
        self.began.after(self.at.elapsed())
    }

    /// When `moment` will be, for a timer; now, where it has passed.
    #[must_use]
    pub fn instant(&self, moment: Moment) -> Instant {
        self.at + moment.since(self.began)
    }
}
