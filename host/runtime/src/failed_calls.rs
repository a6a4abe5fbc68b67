//! Counts the failed calls of a version for its probation. This module must not decide whether to roll back.

use std::sync::{Mutex, PoisonError};

/// The number of failed calls not yet reported to the rollout, and the reason for the last failure. A generation shares
/// this value with its predecessor if both have the same digest, so that an activation with new settings loses no
/// failures.
#[derive(Debug, Default)]
pub struct FailedCalls(Mutex<(u32, String)>);

impl FailedCalls {
    pub fn add(&self, why: &str) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.0 = failed.0.saturating_add(1);
        why.clone_into(&mut failed.1);
    }

    /// Returns the number of failed calls since the last `take` and the reason for the last failure, or `None` if no
    /// call failed.
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
