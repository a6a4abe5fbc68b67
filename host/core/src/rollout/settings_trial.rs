//! Tries the active version again when its settings have changed. If the trial fails, the version keeps its old
//! settings, or is deactivated if the new settings no longer allow it.

use std::time::Duration;

use super::{Effect, Machine, Ticket, TrialError, TrialOutcome, TryMode, job::Purpose};
use crate::types::Timestamp;

impl Machine {
    /// Records that the settings of the active version changed.
    pub(super) fn mark_settings_changed(&mut self) {
        self.cancel_settings_trial();
        if let Some(active) = &mut self.active {
            active.stale = true;
        }
    }

    pub(super) fn cancel_settings_trial(&mut self) {
        if let Some(ticket) = self.settings_trial.take() {
            self.emit(Effect::Cancel { ticket });
        }
    }

    /// Starts a trial of the active version under its new settings, unless the current job is working on that version.
    pub(super) fn start_settings_trial(&mut self, now: Timestamp) {
        let is_pursued = |digest: &str| self.job.as_ref().is_some_and(|job| job.candidate == digest);
        let Some(active) = self.active.as_ref().filter(|one| one.stale && !is_pursued(&one.digest)) else { return };
        let digest = active.digest.clone();
        if self.settings_trial.is_some() {
            return;
        }
        if let Some(error) = self.pinned(&digest) {
            return self.on_settings_rejected(error, now);
        }
        let ticket = self.next_ticket();
        self.settings_trial = Some(ticket);
        self.emit(Effect::Try { ticket, digest, mode: TryMode::IfChanged });
    }

    pub(super) fn handle_settings_tried(
        &mut self,
        ticket: Ticket,
        result: Result<TrialOutcome, TrialError>,
        now: Timestamp,
    ) {
        match result {
            Ok(TrialOutcome::Ready) => self.emit(Effect::Activate { ticket, drain: self.settings.limits.drain }),
            Ok(TrialOutcome::Unchanged) => self.finish_settings_trial(None),
            Err(error) => self.on_settings_rejected(error, now),
        }
    }

    pub(super) fn handle_settings_activated(&mut self, result: Result<u32, TrialError>, now: Timestamp) {
        match result {
            Ok(number) => self.finish_settings_trial(Some(number)),
            Err(error) => self.on_settings_rejected(error, now),
        }
    }

    fn finish_settings_trial(&mut self, number: Option<u32>) {
        self.settings_trial = None;
        if let Some(active) = &mut self.active {
            active.stale = false;
            active.number = number.unwrap_or(active.number);
        }
    }

    /// Handles a failed trial: the active version keeps its old settings, unless the new ones no longer allow it.
    fn on_settings_rejected(&mut self, error: TrialError, now: Timestamp) {
        self.finish_settings_trial(None);
        let Some(digest) = self.active.as_ref().map(|active| active.digest.clone()) else { return };
        if error.exceeds {
            self.deactivate(Duration::ZERO);
        }
        self.reject_version(&digest, &error, now);
        if self.active.is_none() && self.job.is_none() {
            self.begin_fallback_job(Purpose::Settings, &digest, Some(error), now);
        } else {
            self.notify_rejection_once(&digest, &error);
        }
    }
}
