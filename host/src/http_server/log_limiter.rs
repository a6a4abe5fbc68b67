//! Limits how often rejected requests are logged, so that strangers can't fill the log.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The minimum interval between log records about the same subject.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The time of the last log record for each subject. Entries are never removed, so subjects must come from a fixed set
/// and not from unauthenticated requests.
#[derive(Debug, Default)]
pub struct LogLimiter(Mutex<HashMap<String, Instant>>);

impl LogLimiter {
    /// Returns whether a record about `subject` may be logged now. If so, the next one may be logged after a minute.
    pub fn try_log(&self, subject: &str) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.get(subject).is_some_and(|at| at.elapsed() < LOG_INTERVAL) {
            return false;
        }
        logged.insert(subject.to_owned(), Instant::now());
        true
    }
}
