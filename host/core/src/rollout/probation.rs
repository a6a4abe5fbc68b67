//! The probation of the active version: too many failed calls roll it back.

use super::{Machine, job::Purpose, messages};
use crate::types::Timestamp;

impl Machine {
    pub(super) fn handle_failed(&mut self, digest: &str, calls: u32, last: &str, now: Timestamp) {
        let probation = self.terms.limits.probation;
        // Failures after the last one that mattered would only be stored.
        let is_settled = self.reported.as_deref() == Some(digest);
        if !is_settled && self.is_active(digest) && self.state.left_of(digest, now, probation).is_some() {
            self.state.on_failed(digest, calls);
            last.clone_into(&mut self.last_failure);
            self.check_probation(now);
        }
    }

    /// Rolls the active version back if too many of its calls failed.
    pub(super) fn check_probation(&mut self, now: Timestamp) {
        let limits = self.terms.limits;
        let Some(digest) = self.active.as_ref().map(|active| active.digest.clone()) else { return };
        let Some((_, failed)) = self.state.left_of(&digest, now, limits.probation) else { return };
        if failed < limits.probation_traps || self.reported.as_ref() == Some(&digest) {
            return;
        }
        self.reported = Some(digest.clone());
        let last = self.last_failure.clone();
        let how = messages::failures(failed, limits.probation, &last);
        match self.before(&digest) {
            Some(target) => {
                if !self.state.was_rolled_back(&digest) {
                    self.state.on_rolled_back(&digest, &last, now, limits.probation);
                }
                self.begin(Purpose::Rollback { failing: digest, how }, &target, now);
            }
            None => self.notify_trouble(messages::no_version_before(&self.name, &digest, &how)),
        }
    }
}
