//! Records rejections of versions, and notifies the operators about them and about slow builds.

use tr::tr;

use super::{
    Effect, Machine, NoticeKind, RejectReason, RejectedVersion, RejectionText, TrialError, job::Purpose, messages,
};
use crate::types::Timestamp;

impl Machine {
    /// Reports a slow build to the operators. If an admin's command is waiting for the build, the report also answers
    /// that command.
    pub(super) fn announce_slow_build(&mut self) {
        let Some(job) = &mut self.job else { return };
        job.announced = true;
        let text = messages::compiling(&self.name, &job.candidate);
        let effect = match &job.purpose {
            Purpose::Command { id, .. } => Effect::Progress { command: *id, text },
            Purpose::Start
            | Purpose::File
            | Purpose::Settings
            | Purpose::Recovery
            | Purpose::Removal { .. }
            | Purpose::Rollback { .. } => Effect::Notify { kind: NoticeKind::Progress, text },
        };
        self.emit(effect);
    }

    /// Records the rejection of the newest version. The rejection of another version is recorded only if no other
    /// rejection is recorded and the newest version isn't active.
    fn set_rejection(&mut self, rejected: RejectedVersion) {
        let is_newest = self.is_newest(&rejected.digest);
        let is_newest_active = self.newest().is_some_and(|newest| self.is_active(newest));
        if is_newest || (self.rejected.is_none() && !is_newest_active) {
            self.rejected = Some(rejected);
        }
    }

    pub(super) fn reject_version(&mut self, digest: &str, error: &TrialError, now: Timestamp) {
        let reason = match &error.missing {
            missing if missing.is_empty() => RejectReason::Rejected,
            missing if self.grants.are_refused(missing) => RejectReason::Denied(missing.clone()),
            missing => RejectReason::PendingApproval(missing.clone()),
        };
        let (digest, RejectionText { why, operator_text }) = (digest.to_owned(), error.reason.clone());
        self.set_rejection(RejectedVersion { digest, why, operator_text, at: now, reason });
    }

    pub(super) fn reject_not_admitted(&mut self, digest: &str, why: String, now: Timestamp) {
        let reason = RejectReason::NotAdmitted;
        let operator_text = why.clone();
        self.set_rejection(RejectedVersion { digest: digest.to_owned(), why, operator_text, at: now, reason });
    }

    /// Notifies the operators that the newest version isn't activated, because the plugin is disabled or the version
    /// was rolled back.
    pub(super) fn notify_not_admitted(&mut self, digest: &str, why: String, now: Timestamp) {
        if let Some(decision) = &self.state.disabled {
            let text = messages::new_file_while_disabled(&self.name, digest, decision);
            return self.notify_done(text);
        }
        let stays_active = messages::stays_active(self.active.as_ref());
        let text = format!("Plugin '{}': {why}.{stays_active}", self.name);
        self.reject_not_admitted(digest, why, now);
        self.notify_trouble(text);
    }

    /// Notifies the operators about a rejection, unless the version only needs approval. The same rejection is reported
    /// only once, although every configuration change retries the version.
    pub(super) fn notify_rejection_once(&mut self, digest: &str, error: &TrialError) {
        if !error.missing.is_empty() {
            return;
        }
        let text = error.reason.operator_text.clone();
        if self.notified_rejections.insert(digest.to_owned(), text.clone()).as_ref() != Some(&text) {
            self.notify_rejected(&text);
        }
    }

    /// Drops a rejection that no longer applies, if the newest version is active.
    pub(super) fn drop_obsolete_rejection(&mut self) {
        let Some(newest) = self.usable_newest().filter(|newest| self.is_active(newest)).map(str::to_owned) else {
            return;
        };
        self.rejected.take_if(|one| one.digest != newest || one.reason == RejectReason::NotAdmitted);
    }

    /// Asks the owner about a version that only needs approval, once per version.
    pub(super) fn request_approval(&mut self) {
        let Some(RejectedVersion { digest, reason: RejectReason::PendingApproval(missing), .. }) =
            self.rejected.clone()
        else {
            return;
        };
        if self.approval_requested.insert(digest.clone()) {
            self.emit(Effect::RequestApproval { digest, missing });
        }
    }

    pub(super) fn notify_rejected(&mut self, why: &str) {
        let stays_active = messages::stays_active(self.active.as_ref());
        self.notify_trouble(tr!("Plugin '{}' was rejected: {why}.{stays_active}", self.name, why, stays_active));
    }

    pub(super) fn notify_done(&mut self, text: String) {
        self.emit(Effect::Notify { kind: NoticeKind::Done, text });
    }

    pub(super) fn notify_trouble(&mut self, text: String) {
        self.emit(Effect::Notify { kind: NoticeKind::Trouble, text });
    }
}
