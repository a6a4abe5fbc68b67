//! A job builds, tries and activates one version. If that version is rejected and no version is active, the job tries
//! the other stored versions that were not rolled back, latest first, and then the embedded one. A rollback does the
//! same, although the version that it replaces is still active.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Active, CommandId, Effect, FileState, Machine, Ticket, TrialError, TrialOutcome, TryMode,
    messages::{self, Cancellation},
};
use crate::types::Timestamp;

/// The work on one version, such as the newest one or the target of a rollback.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The ticket of the running build or trial.
    pub ticket: Ticket,
    pub purpose: Purpose,
    /// The version that the job should activate.
    pub goal: String,
    /// The version that is being built or tried: the goal or a fallback.
    pub candidate: String,
    pub stage: JobStage,
    /// The reason why the goal was rejected.
    pub error: Option<TrialError>,
    /// The versions that were rejected during this job, and the goal if the job skips it.
    pub tried: BTreeSet<String>,
    pub since: Timestamp,
    /// Whether the job was announced as slow.
    pub announced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobStage {
    Building,
    Trying,
}

/// The reason for a job, which decides how its outcome is reported.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    /// The host starts. Operators see the outcome in the status.
    Start,
    /// The newest version has changed or is tried again.
    File,
    /// The active version's settings have changed. Operators are notified only of a rejection.
    Settings,
    /// No version is active, for example because the active one lost its grants. Operators are not notified of the
    /// outcome.
    Recovery,
    /// The file was removed. `before` is the generation that was active then, if any.
    Removal {
        before: Option<u32>,
    },
    Command {
        id: CommandId,
        command: JobCommand,
    },
    /// The version `failing` is rolled back because its calls failed.
    Rollback {
        failing: String,
        how: String,
    },
}

/// The command that a job carries out.
#[derive(Debug, Clone)]
pub(super) enum JobCommand {
    /// Activates the version before `from`.
    Rollback {
        from: String,
    },
    Reload,
    /// `not_admitted` says why the newest version isn't activated, or is `None` if the job activates it.
    Enable {
        not_admitted: Option<String>,
    },
    Grant,
    Revoke {
        revoked: String,
    },
}

impl Purpose {
    /// Returns the version that a rollback replaces, or `None` if the job isn't a rollback.
    pub fn version_to_leave(&self) -> Option<&str> {
        match self {
            Self::Rollback { failing, .. } => Some(failing),
            Self::Command { command: JobCommand::Rollback { from }, .. } => Some(from),
            Self::Start | Self::File | Self::Settings | Self::Recovery | Self::Removal { .. } => None,
            Self::Command {
                command: JobCommand::Reload | JobCommand::Enable { .. } | JobCommand::Grant | JobCommand::Revoke { .. },
                ..
            } => None,
        }
    }

    /// Returns whether the job starts a new probation of its goal even if the goal is already active.
    const fn restarts_probation(&self) -> bool {
        matches!(
            self,
            Self::Command { command: JobCommand::Reload | JobCommand::Enable { .. } | JobCommand::Grant, .. }
        )
    }
}

impl Machine {
    /// Starts a job that replaces the current one.
    pub(super) fn begin_job(&mut self, purpose: Purpose, goal: &str, now: Timestamp) {
        self.set_job(purpose, goal, now);
        self.work_on(goal.to_owned(), now);
    }

    /// Starts a job whose goal can't be activated. The job starts with the first fallback.
    pub(super) fn begin_fallback_job(
        &mut self,
        purpose: Purpose,
        goal: &str,
        error: Option<TrialError>,
        now: Timestamp,
    ) {
        self.set_job(purpose, goal, now);
        if let Some(job) = &mut self.job {
            job.error = error;
        }
        self.fall_back_from_goal(now);
    }

    fn set_job(&mut self, purpose: Purpose, goal: &str, now: Timestamp) {
        self.cancel_job(Cancellation::Replaced);
        self.job = Some(Job {
            ticket: Ticket(0),
            purpose,
            goal: goal.to_owned(),
            candidate: goal.to_owned(),
            stage: JobStage::Building,
            error: None,
            tried: BTreeSet::new(),
            since: now,
            announced: false,
        });
    }

    /// Ends the current job without an outcome. If the job was meant to activate the newest version, that version is
    /// tried after the next job.
    pub(super) fn cancel_job(&mut self, cancellation: Cancellation) {
        let Some(job) = self.job.take() else { return };
        self.emit(Effect::Cancel { ticket: job.ticket });
        if self.newest() == Some(&job.goal) && !self.is_active(&job.goal) && job.purpose.version_to_leave().is_none() {
            self.newest_untried = true;
        }
        if matches!(job.purpose, Purpose::Rollback { .. }) {
            // If the next job leaves the failing version active, `check_probation` starts the rollback again.
            self.failing_version = None;
        }
        if let Purpose::Command { id, .. } = job.purpose {
            let answer = Err(messages::canceled(&self.name, cancellation));
            self.emit(Effect::Answer { command: id, answer });
        }
    }

    /// Cancels the job because the newest file won't be rolled out. An automatic rollback continues, because it
    /// replaces a failing version.
    pub(super) fn cancel_file_job(&mut self) {
        if !self.is_rolling_back() {
            self.cancel_job(Cancellation::FileNotUsed);
        }
        self.newest_untried = false;
    }

    pub(super) fn is_rolling_back(&self) -> bool {
        self.job.as_ref().is_some_and(|job| matches!(job.purpose, Purpose::Rollback { .. }))
    }

    /// Builds and tries `candidate`. If it is already active, skips the build. If the pin excludes it, rejects it.
    fn work_on(&mut self, candidate: String, now: Timestamp) {
        if let Some(error) = self.pinned(&candidate) {
            if let Some(job) = &mut self.job {
                job.candidate = candidate;
            }
            return self.on_candidate_rejected(error, now);
        }
        let is_active = self.is_active(&candidate);
        let ticket = self.next_ticket();
        let Some(job) = &mut self.job else { return };
        job.candidate.clone_from(&candidate);
        if is_active {
            self.cancel_settings_trial();
            return self.try_candidate();
        }
        (job.ticket, job.stage) = (ticket, JobStage::Building);
        self.emit(Effect::Build { ticket, digest: candidate });
    }

    fn try_candidate(&mut self) {
        let ticket = self.next_ticket();
        let Some(job) = &mut self.job else { return };
        (job.ticket, job.stage) = (ticket, JobStage::Trying);
        let restarts = job.purpose.restarts_probation() && job.candidate == job.goal;
        let (mode, digest) = (if restarts { TryMode::Always } else { TryMode::IfChanged }, job.candidate.clone());
        self.emit(Effect::Try { ticket, digest, mode });
    }

    /// Restarts the trial, because its result under outdated settings would be useless. A job that has fallen back
    /// returns to its goal, or to its first fallback if its goal was never tried.
    pub(super) fn restart_trial(&mut self, now: Timestamp) {
        let Some(job) = &mut self.job else { return };
        let (ticket, goal) = (job.ticket, job.goal.clone());
        if job.candidate != goal {
            job.tried.clear();
            let had_error = job.error.take().is_some();
            self.emit(Effect::Cancel { ticket });
            return if had_error { self.work_on(goal, now) } else { self.fall_back_from_goal(now) };
        }
        let is_trying = job.stage == JobStage::Trying;
        if let Some(error) = self.pinned(&goal) {
            self.emit(Effect::Cancel { ticket });
            self.on_candidate_rejected(error, now);
        } else if is_trying {
            self.emit(Effect::Cancel { ticket });
            self.try_candidate();
        }
    }

    fn fall_back_from_goal(&mut self, now: Timestamp) {
        if let Some(job) = &mut self.job {
            job.tried.insert(job.goal.clone());
        }
        self.fall_back(now);
    }

    pub(super) fn handle_built(&mut self, ticket: Ticket, result: Result<(), TrialError>, now: Timestamp) {
        if !self.job.as_ref().is_some_and(|job| job.ticket == ticket && job.stage == JobStage::Building) {
            return;
        }
        match result {
            Ok(()) => self.try_candidate(),
            Err(error) => self.on_candidate_rejected(error, now),
        }
    }

    pub(super) fn handle_tried(&mut self, ticket: Ticket, result: Result<TrialOutcome, TrialError>, now: Timestamp) {
        if self.settings_trial == Some(ticket) {
            return self.handle_settings_tried(ticket, result, now);
        }
        if !self.job.as_ref().is_some_and(|job| job.ticket == ticket && job.stage == JobStage::Trying) {
            return;
        }
        match result {
            Ok(TrialOutcome::Ready) => self.emit(Effect::Activate { ticket, drain: self.settings.limits.drain }),
            Ok(TrialOutcome::Unchanged) => self.on_unchanged(now),
            Err(error) => self.on_candidate_rejected(error, now),
        }
    }

    pub(super) fn handle_activated(&mut self, ticket: Ticket, result: Result<u32, TrialError>, now: Timestamp) {
        if self.settings_trial == Some(ticket) {
            return self.handle_settings_activated(result, now);
        }
        if self.job.as_ref().is_none_or(|job| job.ticket != ticket) {
            return;
        }
        match result {
            Ok(number) => self.on_candidate_activated(number, now),
            Err(error) => self.on_candidate_rejected(error, now),
        }
    }

    /// Ends the job, because its version is already active with the current settings.
    fn on_unchanged(&mut self, now: Timestamp) {
        if let Some(active) = &mut self.active {
            active.stale = false;
        }
        self.on_newest_active();
        self.finish_job(JobOutcome::Unchanged, now);
    }

    fn on_candidate_activated(&mut self, number: u32, now: Timestamp) {
        self.cancel_settings_trial();
        let Some(Job { goal, candidate, purpose, .. }) = self.job.clone() else { return };
        let active = Active { digest: candidate.clone(), number, stale: false };
        let replaced = self.active.replace(active).map(|one| one.digest);
        let is_other = replaced.as_ref() != Some(&candidate);
        if is_other {
            self.failing_version = None;
        }
        let is_new = candidate == goal && !self.is_trusted(&purpose, &candidate);
        if is_new && (is_other || purpose.restarts_probation()) {
            self.state.begin_probation(&candidate, now, self.settings.limits.probation);
            self.failing_version = None;
            self.store_version(&candidate, replaced.filter(|_| is_other));
        }
        self.on_newest_active();
        self.finish_job(JobOutcome::New, now);
    }

    /// Returns whether a version can skip probation. The target of a rollback can. At host startup, so can the latest
    /// stored version unless it was rolled back, and the embedded version unless a file replaces it.
    fn is_trusted(&self, purpose: &Purpose, digest: &str) -> bool {
        if !matches!(purpose, Purpose::Start) {
            return purpose.version_to_leave().is_some();
        }
        let was_active = self.stored.first().is_some_and(|latest| latest == digest);
        let is_default = self.file == FileState::Absent && self.embedded.as_deref() == Some(digest);
        is_default || (was_active && !self.state.was_rolled_back(digest))
    }

    /// Stores the version, and keeps the version that it replaced as the next candidate for a rollback.
    fn store_version(&mut self, digest: &str, replaced: Option<String>) {
        for one in replaced.iter().map(String::as_str).chain([digest]) {
            self.stored.retain(|stored| stored != one);
            self.stored.insert(0, one.to_owned());
        }
        self.stored.truncate(MAX_STORED);
        self.emit(Effect::Store { digest: digest.to_owned(), replaced });
    }

    /// If the newest version is active, clears the recorded rejection, all admin rollbacks and the records of earlier
    /// notices.
    fn on_newest_active(&mut self) {
        let newest = self.newest().filter(|newest| self.is_active(newest));
        if newest.is_some() && !matches!(self.file, FileState::Unusable(_)) {
            self.state.clear_admin_rollbacks();
            (self.rejected, self.newest_untried) = (None, false);
            self.approval_requested.clear();
            self.notified_rejections.clear();
        }
    }

    fn on_candidate_rejected(&mut self, error: TrialError, now: Timestamp) {
        let Some(job) = &mut self.job else { return };
        let candidate = job.candidate.clone();
        job.tried.insert(candidate.clone());
        let is_goal = candidate == job.goal;
        if is_goal {
            job.error = Some(error.clone());
        }
        let is_rollback = job.purpose.version_to_leave().is_some();
        if let Some(active) = self.active.as_mut().filter(|active| active.digest == candidate) {
            active.stale = false;
            if error.exceeds {
                self.deactivate(Duration::ZERO);
            }
        }
        // The status shows the newest version, not the target of a rollback.
        if (is_goal && !is_rollback) || self.is_newest(&candidate) {
            self.reject_version(&candidate, &error, now);
        }
        if self.active.is_none() || is_rollback {
            self.fall_back(now)
        } else {
            self.finish_job(JobOutcome::Rejected, now)
        }
    }

    /// Works on the next fallback version, or ends the job if there is none.
    fn fall_back(&mut self, now: Timestamp) {
        match self.next_fallback() {
            Some(next) => self.work_on(next, now),
            None => self.finish_job(JobOutcome::Rejected, now),
        }
    }

    fn next_fallback(&self) -> Option<String> {
        let job = self.job.as_ref()?;
        let is_candidate = |digest: &str| !job.tried.contains(digest) && job.purpose.version_to_leave() != Some(digest);
        let stored = self.stored.iter().find(|digest| is_candidate(digest) && self.state.is_rollback_target(digest));
        stored.or_else(|| self.embedded.as_ref().filter(|digest| is_candidate(digest))).cloned()
    }

    /// Returns the version to roll back to: the latest stored version before `active` that was not itself rolled back,
    /// else the embedded version. Returns `None` if there is neither, or if the embedded version is active.
    pub(super) fn version_before(&self, active: &str) -> Option<String> {
        if self.embedded.as_deref() == Some(active) {
            return None;
        }
        let newer = self.stored.iter().position(|digest| digest == active).map_or(0, |at| at + 1);
        let earlier = self.stored.iter().skip(newer).find(|digest| self.state.is_rollback_target(digest));
        earlier.or(self.embedded.as_ref()).cloned()
    }
}

/// The outcome of a job: its version was already active, a version was activated, or no version was activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobOutcome {
    Unchanged,
    New,
    Rejected,
}

/// The maximum number of versions that the store keeps per plugin.
const MAX_STORED: usize = 3;
