//! The work on one version: it is built, tried and activated. If it is rejected and nothing else is active, the job
//! falls back to an earlier version, and then to the embedded one.

use std::{collections::BTreeSet, time::Duration};

use super::{Active, CommandId, Effect, File, Machine, Ticket, Trial, TrialError, TryMode, messages};
use crate::types::Timestamp;

/// The work on the newest version, or on the one to go back to.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The running build or trial.
    pub ticket: Ticket,
    pub purpose: Purpose,
    /// The version that the job is for.
    pub goal: String,
    /// The version that is being built or tried: the goal, or one to fall back to.
    pub candidate: String,
    pub stage: Stage,
    /// The reason why the goal was rejected.
    pub error: Option<TrialError>,
    /// The versions that were rejected.
    pub tried: BTreeSet<String>,
    pub since: Timestamp,
    /// Whether people know that the build takes long.
    pub announced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Building,
    Trying,
}

/// The reason for a job. It decides which notices follow.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    /// The host starts. Operators see the outcome in the status.
    Start,
    /// The newest version is new, or gets another chance.
    File,
    /// The active version gets new settings. Only a rejection is notified.
    Settings,
    /// Nothing is active because a version lost its grants. The outcome isn't notified.
    Recovery,
    /// The file is gone. Its generation was this one.
    Removal {
        before: Option<u32>,
    },
    Command {
        id: CommandId,
        order: Order,
    },
    /// The version `failing` is rolled back because its calls failed.
    Rollback {
        failing: String,
        how: String,
    },
}

/// The command that a job carries out.
#[derive(Debug, Clone)]
pub(super) enum Order {
    /// Goes back from this version.
    Rollback {
        left: String,
    },
    Reload,
    /// `not_admitted` says why the newest version isn't activated.
    Enable {
        not_admitted: Option<String>,
    },
    Grant,
    Revoke {
        revoked: String,
    },
}

impl Purpose {
    /// The version that a rollback leaves.
    pub fn leaves(&self) -> Option<&str> {
        match self {
            Self::Rollback { failing, .. } => Some(failing),
            Self::Command { order: Order::Rollback { left }, .. } => Some(left),
            Self::Start | Self::File | Self::Settings | Self::Recovery | Self::Removal { .. } => None,
            Self::Command {
                order: Order::Reload | Order::Enable { .. } | Order::Grant | Order::Revoke { .. }, ..
            } => None,
        }
    }

    /// Whether the version starts a new probation even if it is active.
    const fn starts_anew(&self) -> bool {
        matches!(self, Self::Command { order: Order::Reload | Order::Enable { .. } | Order::Grant, .. })
    }
}

impl Machine {
    /// Starts to work on a version, in place of the current job.
    pub(super) fn begin(&mut self, purpose: Purpose, goal: &str, now: Timestamp) {
        self.set_job(purpose, goal, now);
        self.pursue(goal.to_owned(), now);
    }

    /// Starts a job whose goal was rejected already.
    pub(super) fn begin_fallback(&mut self, purpose: Purpose, goal: &str, error: Option<TrialError>, now: Timestamp) {
        self.set_job(purpose, goal, now);
        if let Some(job) = &mut self.job {
            job.error = error;
        }
        self.skip_goal(now);
    }

    fn set_job(&mut self, purpose: Purpose, goal: &str, now: Timestamp) {
        self.cancel_job();
        self.job = Some(Job {
            ticket: Ticket(0),
            purpose,
            goal: goal.to_owned(),
            candidate: goal.to_owned(),
            stage: Stage::Building,
            error: None,
            tried: BTreeSet::new(),
            since: now,
            announced: false,
        });
    }

    /// Ends the current job without an outcome. A newest version that it was for is tried after the next job.
    pub(super) fn cancel_job(&mut self) {
        let Some(job) = self.job.take() else { return };
        self.emit(Effect::Cancel { ticket: job.ticket });
        if self.newest() == Some(&job.goal) && !self.is_active(&job.goal) && job.purpose.leaves().is_none() {
            self.untried = true;
        }
        if matches!(job.purpose, Purpose::Rollback { .. }) {
            // The failing version is rolled back after all if what comes instead leaves it active.
            self.reported = None;
        }
        if let Purpose::Command { id, .. } = job.purpose {
            let answer = Err(messages::superseded(&self.name));
            self.emit(Effect::Answer { command: id, answer });
        }
    }

    /// Cancels the job because the newest file isn't rolled out. A rollback continues, because it replaces a failing
    /// version.
    pub(super) fn cancel_file_job(&mut self) {
        if !self.is_rolling_back() {
            self.cancel_job();
        }
        self.untried = false;
    }

    pub(super) fn is_rolling_back(&self) -> bool {
        self.job.as_ref().is_some_and(|job| matches!(job.purpose, Purpose::Rollback { .. }))
    }

    /// Builds and tries `candidate`, unless the pin excludes it.
    fn pursue(&mut self, candidate: String, now: Timestamp) {
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
            self.cancel_refit();
            return self.try_candidate();
        }
        (job.ticket, job.stage) = (ticket, Stage::Building);
        self.emit(Effect::Build { ticket, digest: candidate });
    }

    fn try_candidate(&mut self) {
        let ticket = self.next_ticket();
        let Some(job) = &mut self.job else { return };
        (job.ticket, job.stage) = (ticket, Stage::Trying);
        let anew = job.purpose.starts_anew() && job.candidate == job.goal;
        let (mode, digest) = (if anew { TryMode::Always } else { TryMode::IfChanged }, job.candidate.clone());
        self.emit(Effect::Try { ticket, digest, mode });
    }

    /// Begins the trial anew, because a trial under other settings says nothing. If the job is falling back, it returns to
    /// its goal.
    pub(super) fn restart_trial(&mut self, now: Timestamp) {
        let Some(job) = &mut self.job else { return };
        let (ticket, goal) = (job.ticket, job.goal.clone());
        if job.candidate != goal {
            job.tried.clear();
            let is_open = job.error.take().is_some();
            self.emit(Effect::Cancel { ticket });
            return if is_open { self.pursue(goal, now) } else { self.skip_goal(now) };
        }
        let is_trying = job.stage == Stage::Trying;
        if let Some(error) = self.pinned(&goal) {
            self.emit(Effect::Cancel { ticket });
            self.on_candidate_rejected(error, now);
        } else if is_trying {
            self.emit(Effect::Cancel { ticket });
            self.try_candidate();
        }
    }

    fn skip_goal(&mut self, now: Timestamp) {
        if let Some(job) = &mut self.job {
            job.tried.insert(job.goal.clone());
        }
        self.fall_back(now);
    }

    pub(super) fn handle_built(&mut self, ticket: Ticket, result: Result<(), TrialError>, now: Timestamp) {
        if !self.job.as_ref().is_some_and(|job| job.ticket == ticket && job.stage == Stage::Building) {
            return;
        }
        match result {
            Ok(()) => self.try_candidate(),
            Err(error) => self.on_candidate_rejected(error, now),
        }
    }

    pub(super) fn handle_tried(&mut self, ticket: Ticket, result: Result<Trial, TrialError>, now: Timestamp) {
        if self.refit == Some(ticket) {
            return self.handle_refitted(ticket, result, now);
        }
        if !self.job.as_ref().is_some_and(|job| job.ticket == ticket && job.stage == Stage::Trying) {
            return;
        }
        match result {
            Ok(Trial::Ready) => self.emit(Effect::Activate { ticket, drain: self.terms.limits.drain }),
            Ok(Trial::Unchanged) => self.on_unchanged(now),
            Err(error) => self.on_candidate_rejected(error, now),
        }
    }

    pub(super) fn handle_activated(&mut self, ticket: Ticket, result: Result<u32, TrialError>, now: Timestamp) {
        if self.refit == Some(ticket) {
            return self.handle_refit_activated(result, now);
        }
        if self.job.as_ref().is_none_or(|job| job.ticket != ticket) {
            return;
        }
        match result {
            Ok(number) => self.on_candidate_activated(number, now),
            Err(error) => self.on_candidate_rejected(error, now),
        }
    }

    /// The active version is the newest one again, with the current settings.
    fn on_unchanged(&mut self, now: Timestamp) {
        if let Some(active) = &mut self.active {
            active.stale = false;
        }
        self.on_newest_active();
        self.conclude(Activation::Unchanged, now);
    }

    fn on_candidate_activated(&mut self, number: u32, now: Timestamp) {
        self.cancel_refit();
        let Some(Job { goal, candidate, purpose, .. }) = self.job.clone() else { return };
        let active = Active { digest: candidate.clone(), number, stale: false };
        let replaced = self.active.replace(active).map(|one| one.digest);
        let is_other = replaced.as_ref() != Some(&candidate);
        if is_other {
            self.reported = None;
        }
        let is_new = candidate == goal && !self.is_trusted(&purpose, &candidate);
        if is_new && (is_other || purpose.starts_anew()) {
            self.state.on_activation(&candidate, now, self.terms.limits.probation);
            self.reported = None;
            self.keep(&candidate, replaced.filter(|_| is_other));
        }
        self.on_newest_active();
        self.conclude(Activation::New, now);
    }

    /// Whether a version keeps the trust that it earned before: it was rolled back to, or a restart interrupted its
    /// rest of a probation.
    fn is_trusted(&self, purpose: &Purpose, digest: &str) -> bool {
        match purpose {
            Purpose::Start => {
                let was_active = self.kept.first().is_some_and(|kept| kept == digest);
                let is_default = self.file == File::Absent && self.embedded.as_deref() == Some(digest);
                is_default || (was_active && !self.state.was_rolled_back(digest))
            }
            purpose => purpose.leaves().is_some(),
        }
    }

    /// Stores the version, and the one that it replaced as the next candidate for a rollback.
    fn keep(&mut self, digest: &str, replaced: Option<String>) {
        for one in replaced.iter().map(String::as_str).chain([digest]) {
            self.kept.retain(|kept| kept != one);
            self.kept.insert(0, one.to_owned());
        }
        self.kept.truncate(KEPT);
        self.emit(Effect::Keep { digest: digest.to_owned(), replaced });
    }

    /// Clears what stood against the newest version, if that is active.
    fn on_newest_active(&mut self) {
        let newest = self.newest().filter(|newest| self.is_active(newest));
        if newest.is_some() && !matches!(self.file, File::Unusable(_)) {
            self.state.on_activated();
            (self.rejected, self.untried) = (None, false);
            self.asked.clear();
            self.notified.clear();
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
        let leaves = job.purpose.leaves().is_some();
        if let Some(active) = self.active.as_mut().filter(|active| active.digest == candidate) {
            active.stale = false;
            if error.exceeds {
                self.deactivate(Duration::ZERO);
            }
        }
        // The status shows the newest version, not the target of a rollback.
        if (is_goal && !leaves) || self.is_newest(&candidate) {
            self.reject_version(&candidate, &error, now);
        }
        if self.active.is_none() || leaves { self.fall_back(now) } else { self.conclude(Activation::Rejected, now) }
    }

    /// Works on the next version to fall back to, if there is one.
    fn fall_back(&mut self, now: Timestamp) {
        match self.next_fallback() {
            Some(next) => self.pursue(next, now),
            None => self.conclude(Activation::Rejected, now),
        }
    }

    fn next_fallback(&self) -> Option<String> {
        let job = self.job.as_ref()?;
        let is_left = |digest: &str| !job.tried.contains(digest) && job.purpose.leaves() != Some(digest);
        let kept = self.kept.iter().find(|digest| is_left(digest) && self.state.is_good(digest));
        kept.or_else(|| self.embedded.as_ref().filter(|digest| is_left(digest))).cloned()
    }

    /// The version to roll back to: the last good one that was stored before the active one, else the embedded one.
    pub(super) fn before(&self, active: &str) -> Option<String> {
        if self.embedded.as_deref() == Some(active) {
            return None;
        }
        let newer = self.kept.iter().position(|digest| digest == active).map_or(0, |at| at + 1);
        let earlier = self.kept.iter().skip(newer).find(|digest| self.state.is_good(digest));
        earlier.or(self.embedded.as_ref()).cloned()
    }
}

/// The outcome of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    Unchanged,
    New,
    Rejected,
}

/// The number of versions that the store keeps of each plugin.
const KEPT: usize = 3;
