//! Counts the failed calls of the active version during its probation, and rolls the version back if there are too
//! many.

use super::{Machine, job::Purpose, messages};
use crate::types::Timestamp;

impl Machine {
    pub(super) fn handle_failed_calls(&mut self, digest: &str, calls: u32, last: &str, now: Timestamp) {
        let probation = self.settings.limits.probation;
        // Failures are ignored if the version is already being rolled back or can't be rolled back.
        let is_failing = self.failing_version.as_deref() == Some(digest);
        if !is_failing && self.is_active(digest) && self.state.remaining_probation(digest, now, probation).is_some() {
            self.state.count_failed_calls(digest, calls);
            last.clone_into(&mut self.last_failure);
            self.check_probation(now);
        }
    }

    /// Rolls the active version back if too many of its calls failed.
    pub(super) fn check_probation(&mut self, now: Timestamp) {
        let limits = self.settings.limits;
        let Some(digest) = self.active.as_ref().map(|active| active.digest.clone()) else { return };
        let Some((_, failed)) = self.state.remaining_probation(&digest, now, limits.probation) else { return };
        if failed < limits.probation_traps || self.failing_version.as_ref() == Some(&digest) {
            return;
        }
        self.failing_version = Some(digest.clone());
        let last = self.last_failure.clone();
        let how = messages::failed_calls(failed, limits.probation, &last);
        match self.version_before(&digest) {
            Some(target) => {
                if !self.state.was_rolled_back(&digest) {
                    self.state.record_automatic_rollback(&digest, &last, now, limits.probation);
                }
                self.begin_job(Purpose::Rollback { failing: digest, how }, &target, now);
            }
            None => self.notify_trouble(messages::no_version_before(&self.name, &digest, &how)),
        }
    }
}
