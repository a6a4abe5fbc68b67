//! The active version under new settings: it is tried again, and keeps its old settings if it doesn't fit the new ones,
//! unless those grant less.

use std::time::Duration;

use super::{Effect, Machine, Ticket, Trial, TrialError, TryMode, job::Purpose};
use crate::types::Timestamp;

impl Machine {
    /// Records that the settings of the active version changed.
    pub(super) fn mark_stale(&mut self) {
        self.cancel_refit();
        if let Some(active) = &mut self.active {
            active.stale = true;
        }
    }

    pub(super) fn cancel_refit(&mut self) {
        if let Some(ticket) = self.refit.take() {
            self.emit(Effect::Cancel { ticket });
        }
    }

    /// Applies new settings to the active version, unless the current job does.
    pub(super) fn start_refit(&mut self, now: Timestamp) {
        let is_pursued = |digest: &str| self.job.as_ref().is_some_and(|job| job.candidate == digest);
        let Some(active) = self.active.as_ref().filter(|one| one.stale && !is_pursued(&one.digest)) else { return };
        let digest = active.digest.clone();
        if self.refit.is_some() {
            return;
        }
        if let Some(error) = self.pinned(&digest) {
            return self.on_refit_rejected(error, now);
        }
        let ticket = self.next_ticket();
        self.refit = Some(ticket);
        self.emit(Effect::Try { ticket, digest, mode: TryMode::IfChanged });
    }

    pub(super) fn handle_refitted(&mut self, ticket: Ticket, result: Result<Trial, TrialError>, now: Timestamp) {
        match result {
            Ok(Trial::Ready) => self.emit(Effect::Activate { ticket, drain: self.terms.limits.drain }),
            Ok(Trial::Unchanged) => self.on_refitted(None),
            Err(error) => self.on_refit_rejected(error, now),
        }
    }

    pub(super) fn handle_refit_activated(&mut self, result: Result<u32, TrialError>, now: Timestamp) {
        match result {
            Ok(number) => self.on_refitted(Some(number)),
            Err(error) => self.on_refit_rejected(error, now),
        }
    }

    fn on_refitted(&mut self, number: Option<u32>) {
        self.refit = None;
        if let Some(active) = &mut self.active {
            active.stale = false;
            active.number = number.unwrap_or(active.number);
        }
    }

    /// The active version keeps its old settings, unless those exceed the current ones.
    fn on_refit_rejected(&mut self, error: TrialError, now: Timestamp) {
        self.on_refitted(None);
        let Some(digest) = self.active.as_ref().map(|active| active.digest.clone()) else { return };
        if error.exceeds {
            self.deactivate(Duration::ZERO);
        }
        self.reject_version(&digest, &error, now);
        if self.active.is_none() && self.job.is_none() {
            self.begin_fallback(Purpose::Settings, &digest, Some(error), now);
        } else {
            self.tell_rejection(&digest, &error);
        }
    }
}
