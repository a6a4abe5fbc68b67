//! Counts the failed calls of a version for its probation. It must not decide about a rollback.

use std::sync::{Mutex, PoisonError};

/// The number of failed calls that were not yet reported to the rollout, and the reason of the last one. Generations
/// with the same bytes share this value, because new settings don't make a new version.
#[derive(Debug, Default)]
pub struct FailedCalls(Mutex<(u32, String)>);

impl FailedCalls {
    pub fn add(&self, why: &str) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.0 = failed.0.saturating_add(1);
        why.clone_into(&mut failed.1);
    }

    /// Returns the number of failed calls since the last `take` and the reason of the last one, or `None` if there are
    /// none.
    pub fn take(&self) -> Option<(u32, String)> {
        let failed = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        (failed.0 > 0).then_some(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_calls_are_taken_once() {
        let failed = FailedCalls::default();
        assert_eq!(failed.take(), None);
        failed.add("trapped");
        failed.add("took too long");
        assert_eq!((failed.take(), failed.take()), (Some((2, "took too long".to_owned())), None));
    }
}
