//! The state machine's data and its entry points for inputs and queries. The `job` module builds, tries and activates
//! versions, and `job_report` reports the outcome. `settings_trial` and `probation` supervise the active version, and
//! `commands` carries out admin commands. The machine never reads the clock.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tr::tr;

use super::{
    Effect, Facts, FileState, Grants, Input, RejectReason, RejectedVersion, RejectionText, RolloutSettings,
    RolloutState, Ticket, TrialError,
    job::{Job, Purpose},
    messages::{self, Cancellation},
};
use crate::types::Timestamp;

/// The time after which the machine announces a job that is still running. A cached version loads in 1 ms, and a small
/// plugin compiles in 60 ms.
const SLOW: Duration = Duration::from_secs(1);

/// The active version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    pub digest: String,
    /// The generation number.
    pub number: u32,
    /// Whether the settings have changed since the version was last tried.
    pub(super) stale: bool,
}

/// The rollout of one plugin. The caller passes inputs and commands, performs the effects in order, and passes
/// `Input::Timeout` at the time that `poll_timeout` returns.
#[derive(Debug, Clone)]
pub struct Machine {
    pub(super) name: String,
    pub(super) settings: RolloutSettings,
    pub(super) state: RolloutState,
    /// The state as of the last `Persist`.
    persisted: RolloutState,
    pub(super) grants: Grants,
    pub(super) file: FileState,
    pub(super) embedded: Option<String>,
    /// The stored versions, the latest first.
    pub(super) stored: Vec<String>,
    pub(super) folder_fault: Option<String>,
    pub(super) active: Option<Active>,
    /// The reason why the newest version isn't active, or why the active one can't use its new settings.
    pub(super) rejected: Option<RejectedVersion>,
    pub(super) job: Option<Job>,
    /// The trial of the active version under new settings. It runs only while no job is working on that version.
    pub(super) settings_trial: Option<Ticket>,
    /// Whether the newest version has to be tried once no job is running.
    pub(super) newest_untried: bool,
    /// Whether no version could be activated under the current settings.
    pub(super) fallbacks_exhausted: bool,
    /// The failing version that is being rolled back or can't be rolled back.
    pub(super) failing_version: Option<String>,
    /// The description of the last failed call.
    pub(super) last_failure: String,
    /// The versions that the owner has been asked about.
    pub(super) approval_requested: BTreeSet<String>,
    /// The text of each version's last reported rejection, by digest. The same text isn't reported again.
    pub(super) notified_rejections: BTreeMap<String, String>,
    last_ticket: Ticket,
    effects: Vec<Effect>,
}

impl Machine {
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        let Facts { name, file, embedded, stored, state, grants, settings } = facts;
        Self {
            name,
            settings,
            persisted: state.clone(),
            state,
            grants,
            file,
            embedded,
            stored,
            folder_fault: None,
            active: None,
            rejected: None,
            job: None,
            settings_trial: None,
            newest_untried: false,
            fallbacks_exhausted: false,
            failing_version: None,
            // The failure's description isn't stored, and the host may exit between the last failed call and the
            // rollback.
            last_failure: "before the host's last restart".to_owned(),
            approval_requested: BTreeSet::new(),
            notified_rejections: BTreeMap::new(),
            last_ticket: Ticket(0),
            effects: Vec::new(),
        }
    }

    #[must_use]
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Effect> {
        match input {
            Input::Start => self.handle_start(now),
            Input::File(file) => self.handle_file(file, now),
            Input::Folder(fault) => self.handle_folder(fault, now),
            Input::Settings(settings) => self.handle_settings(settings, now),
            Input::Built { ticket, result } => self.handle_built(ticket, result, now),
            Input::Tried { ticket, result } => self.handle_tried(ticket, result, now),
            Input::Activated { ticket, result } => self.handle_activated(ticket, result, now),
            Input::Failed { digest, calls, last } => self.handle_failed_calls(&digest, calls, &last, now),
            Input::Timeout => self.handle_timeout(now),
        }
        self.finish(now)
    }

    // ---- Queries ----

    #[must_use]
    pub const fn state(&self) -> &RolloutState {
        &self.state
    }

    #[must_use]
    pub const fn grants(&self) -> &Grants {
        &self.grants
    }

    #[must_use]
    pub const fn active(&self) -> Option<&Active> {
        self.active.as_ref()
    }

    #[must_use]
    pub const fn rejected(&self) -> Option<&RejectedVersion> {
        self.rejected.as_ref()
    }

    /// Returns the digests of the stored versions, the latest first.
    #[must_use]
    pub fn stored(&self) -> &[String] {
        &self.stored
    }

    /// Returns the version that the current job is building or trying, and the time at which the job began. Returns
    /// `None` if the job has not been announced as slow.
    #[must_use]
    pub fn compiling(&self) -> Option<(&str, Timestamp)> {
        let job = self.job.as_ref().filter(|job| job.announced)?;
        Some((&job.candidate, job.since))
    }

    /// Returns whether a version is being built or tried.
    #[must_use]
    pub const fn is_working(&self) -> bool {
        self.job.is_some() || self.settings_trial.is_some()
    }

    /// Returns whether the plugin is enabled but has no active version, or has a version that was rejected or whose
    /// settings were rejected.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.state.disabled.is_none() && (self.rejected.is_some() || self.active.is_none())
    }

    /// Returns the time at which `Input::Timeout` is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let slow = self.job.as_ref().filter(|job| !job.announced).map(|job| job.since.after(SLOW));
        slow.into_iter().chain(self.retry().map(|(at, _)| at)).min()
    }

    /// Returns the time at which the newest version is tried again after its backoff, and that version's digest.
    fn retry(&self) -> Option<(Timestamp, String)> {
        let newest = self.usable_newest().filter(|newest| self.job.is_none() && !self.is_active(newest))?;
        let is_not_admitted = self.rejected.as_ref().is_some_and(|one| one.reason == RejectReason::NotAdmitted);
        let at = self.state.retry_at(newest).filter(|_| is_not_admitted)?;
        Some((at, newest.to_owned()))
    }

    /// Returns the version that should be active: that of the plugin's file, else the embedded one.
    pub(super) fn newest(&self) -> Option<&str> {
        match &self.file {
            FileState::Settled(digest) => Some(digest),
            FileState::Absent | FileState::Unusable(_) => self.embedded.as_deref(),
        }
    }

    /// Returns the newest version, or `None` if its file or the folder can't be used.
    pub(super) fn usable_newest(&self) -> Option<&str> {
        let is_usable = self.folder_fault.is_none() && !matches!(self.file, FileState::Unusable(_));
        self.newest().filter(|_| is_usable)
    }

    /// Returns whether `digest` is that of the newest version. A file that can't be used has an empty digest.
    pub(super) fn is_newest(&self, digest: &str) -> bool {
        match &self.file {
            FileState::Unusable(_) => digest.is_empty(),
            FileState::Settled(_) | FileState::Absent => self.newest() == Some(digest),
        }
    }

    pub(super) fn is_active(&self, digest: &str) -> bool {
        self.active.as_ref().is_some_and(|active| active.digest == digest)
    }

    pub(super) fn is_admitted(&self, digest: &str, now: Timestamp) -> bool {
        self.not_admitted(digest, now).is_none()
    }

    pub(super) fn not_admitted(&self, digest: &str, now: Timestamp) -> Option<String> {
        messages::not_admitted(&self.name, digest, &self.state.admits(digest, now), now)
    }

    /// Returns the error that rejects the version `digest`, if another version is pinned.
    pub(super) fn pinned(&self, digest: &str) -> Option<TrialError> {
        let only = self.settings.pin.as_deref().filter(|only| *only != digest)?;
        let reason = RejectionText::new(messages::pinned(&self.name, digest, only));
        Some(TrialError { exceeds: true, ..TrialError::invalid(reason) })
    }

    // ---- Inputs ----

    fn handle_start(&mut self, now: Timestamp) {
        if self.state.disabled.is_some() {
            return;
        }
        match self.file.clone() {
            FileState::Unusable(reason) => {
                self.reject_version("", &TrialError::invalid(reason), now);
                self.begin_fallback_job(Purpose::Start, "", None, now);
            }
            FileState::Settled(digest) => match self.not_admitted(&digest, now) {
                Some(why) => {
                    self.reject_not_admitted(&digest, why, now);
                    self.begin_fallback_job(Purpose::Start, &digest, None, now);
                }
                None => self.begin_job(Purpose::Start, &digest, now),
            },
            FileState::Absent => {
                if let Some(embedded) = self.embedded.clone() {
                    self.begin_job(Purpose::Start, &embedded, now);
                }
            }
        }
    }

    fn handle_file(&mut self, file: FileState, now: Timestamp) {
        self.fallbacks_exhausted = false;
        self.file = file;
        match self.file.clone() {
            FileState::Absent => self.handle_removed_file(now),
            FileState::Settled(digest) => self.roll_out(&digest, now),
            FileState::Unusable(reason) => {
                self.cancel_file_job();
                let error = TrialError::invalid(reason);
                self.reject_version("", &error, now);
                self.notify_rejected(&error.reason.operator_text);
            }
        }
    }

    /// Starts the rollout of the newest version, unless the pin or the state forbids it. If an automatic rollback is in
    /// progress, the rollout waits for it to finish.
    fn roll_out(&mut self, digest: &str, now: Timestamp) {
        if let Some(error) = self.pinned(digest) {
            self.cancel_file_job();
            self.reject_version(digest, &error, now);
            return self.notify_rejected(&error.reason.operator_text);
        }
        let is_disabled = self.state.disabled.is_some();
        match self.not_admitted(digest, now) {
            Some(why) if is_disabled || !self.is_active(digest) || self.is_rolling_back() => {
                self.cancel_file_job();
                self.notify_not_admitted(digest, why, now);
            }
            Some(_) | None if self.is_rolling_back() => self.newest_untried = true,
            Some(_) | None => self.begin_job(Purpose::File, digest, now),
        }
    }

    fn handle_removed_file(&mut self, now: Timestamp) {
        self.cancel_job(Cancellation::FileRemoved);
        self.newest_untried = false;
        self.stored.clear();
        self.emit(Effect::DeleteStored);
        self.rejected = None;
        if self.state.disabled.is_some() {
            return;
        }
        self.state.clear_rollbacks();
        let before = self.active.as_ref().map(|active| active.number);
        match self.embedded.clone() {
            Some(embedded) if self.is_active(&embedded) => {}
            Some(embedded) => self.begin_job(Purpose::Removal { before }, &embedded, now),
            None => {
                self.deactivate(self.settings.limits.drain);
                if before.is_some() {
                    self.notify_done(tr!("Plugin '{}' is no longer active: its file was removed.", self.name));
                }
            }
        }
    }

    fn handle_folder(&mut self, fault: Option<String>, now: Timestamp) {
        self.folder_fault = fault;
        if self.folder_fault.is_none() && self.is_waiting() && self.job.is_none() {
            self.fallbacks_exhausted = false;
            self.retry_newest(now);
        }
    }

    fn handle_settings(&mut self, settings: RolloutSettings, now: Timestamp) {
        self.settings = settings;
        if self.state.disabled.is_some() {
            return;
        }
        self.fallbacks_exhausted = false;
        self.mark_settings_changed();
        if self.job.is_some() { self.restart_trial(now) } else { self.retry_newest(now) }
    }

    /// Tries the newest version under the current settings.
    fn retry_newest(&mut self, now: Timestamp) {
        let Some(newest) = self.usable_newest().map(str::to_owned) else { return };
        let is_active = self.is_active(&newest);
        if is_active || self.is_admitted(&newest, now) {
            let purpose = if is_active && self.rejected.is_none() { Purpose::Settings } else { Purpose::File };
            self.begin_job(purpose, &newest, now);
        }
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        if self.job.as_ref().is_some_and(|job| !job.announced && job.since.after(SLOW) <= now) {
            self.announce_slow_build();
        }
        if let Some((_, newest)) = self.retry().filter(|(at, _)| *at <= now) {
            self.begin_job(Purpose::File, &newest, now);
        }
    }

    // ---- Helpers ----

    /// Starts pending work, such as a due rollback or a trial of changed settings. Returns all effects of the input or
    /// command.
    pub(super) fn finish(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.state.disabled.is_none() {
            if self.job.is_none() {
                self.check_probation(now);
            }
            if let Some(newest) =
                self.usable_newest().filter(|_| self.job.is_none() && self.newest_untried).map(str::to_owned)
            {
                self.newest_untried = false;
                self.roll_out(&newest, now);
            }
            self.start_settings_trial(now);
            if self.job.is_none() && self.active.is_none() && !self.fallbacks_exhausted && self.rejected.is_some() {
                self.begin_fallback_job(Purpose::Recovery, "", None, now);
            }
        }
        if self.job.is_none() {
            self.drop_obsolete_rejection();
            self.request_approval();
        }
        if self.state != self.persisted {
            self.persisted.clone_from(&self.state);
            self.effects.insert(0, Effect::Persist);
        }
        std::mem::take(&mut self.effects)
    }

    pub(super) fn deactivate(&mut self, drain: Duration) {
        self.cancel_settings_trial();
        if self.active.take().is_some() {
            self.emit(Effect::Deactivate { drain });
        }
    }

    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.last_ticket = Ticket(self.last_ticket.0 + 1);
        self.last_ticket
    }

    pub(super) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }
}
