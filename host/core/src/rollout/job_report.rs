//! Ends a job: notifies the operators, or answers the admin whose command the job carried out.

use tr::tr;

use super::{
    Effect, Machine,
    job::{Job, JobCommand, JobOutcome, Purpose},
    messages, short,
};
use crate::{session::ApiError, types::Timestamp};

impl Machine {
    /// Ends the current job and reports its outcome.
    pub(super) fn finish_job(&mut self, outcome: JobOutcome, now: Timestamp) {
        let Some(job) = self.job.take() else { return };
        // A rollback never tries the version that it replaces, so another job may still activate that version.
        self.fallbacks_exhausted = self.active.is_none() && job.purpose.version_to_leave().is_none();
        if self.newest() == Some(&job.goal) {
            self.newest_untried = false;
        }
        match job.purpose.clone() {
            // The status shows the outcome of these jobs; operators aren't notified.
            Purpose::Start | Purpose::Recovery => {}
            Purpose::File | Purpose::Settings => self.finish_file(&job, outcome),
            Purpose::Removal { before } => self.finish_removal(&job, before),
            Purpose::Command { id, command } => {
                let answer = self.finish_command(&job, command, now);
                self.emit(Effect::Answer { command: id, answer });
            }
            Purpose::Rollback { failing, how } => self.finish_rollback(&job, &failing, &how, now),
        }
    }

    fn finish_file(&mut self, job: &Job, outcome: JobOutcome) {
        match &job.error {
            Some(error) => self.notify_rejection_once(&job.goal, error),
            None if outcome == JobOutcome::New && matches!(job.purpose, Purpose::File) => {
                if let Some(active) = &self.active {
                    let text = tr!("Plugin '{}' is active: {}.", self.name, messages::active_version(active));
                    self.notify_done(text);
                }
            }
            None => {}
        }
    }

    fn finish_removal(&mut self, job: &Job, before: Option<u32>) {
        if let Some(error) = &job.error {
            return self.notify_rejection_once(&job.goal, error);
        }
        let number = self.active.as_ref().map(|active| active.number);
        if let Some(number) = number.filter(|_| number != before) {
            self.notify_done(tr!(
                "Plugin '{}' uses its built-in version again: generation {number}.",
                self.name,
                number
            ));
        }
    }

    fn finish_command(&mut self, job: &Job, command: JobCommand, now: Timestamp) -> Result<String, ApiError> {
        let (name, stays_active) = (self.name.clone(), messages::stays_active(self.active.as_ref()));
        if let JobCommand::Revoke { revoked } = command {
            return Ok(messages::revoked(&name, &revoked, self.active.as_ref()));
        }
        if matches!(command, JobCommand::Grant) && job.error.is_some() {
            // The active version stays active and receives the new grants too, so it has to be tried again.
            self.mark_settings_changed();
        }
        let has_left =
            job.purpose.version_to_leave().is_some_and(|from| self.active.is_some() && !self.is_active(from));
        if let Some(error) = job.error.as_ref().filter(|_| !has_left) {
            return Err(messages::not_rolled_out(&name, &job.goal, error, &stays_active));
        }
        let active_now = self.active.as_ref().map(messages::active_version);
        Ok(match command {
            JobCommand::Enable { not_admitted: Some(why) } => active_now.map_or_else(
                || tr!("Plugin '{name}' is enabled, but no version is active: {why}.", name, why),
                |active_now| tr!("Plugin '{name}' is enabled. Active now: {active_now}; {why}.", name, active_now, why),
            ),
            JobCommand::Enable { not_admitted: None } => {
                tr!("Plugin '{name}' is enabled: {}.", active_now.unwrap_or_default(), name)
            }
            JobCommand::Rollback { from } => {
                self.state.record_admin_rollback(&from);
                let why = self.not_admitted(&from, now).unwrap_or_default();
                self.reject_not_admitted(&from, why, now);
                // A reload activates the newest version.
                let is_newest = self.newest() == Some(&from);
                messages::rolled_back(&name, short(&from), active_now.as_deref(), is_newest.then_some(name.as_str()))
            }
            JobCommand::Grant => {
                let granted = self.grants.granted().into_iter().collect::<Vec<_>>().join(", ");
                tr!(
                    "Plugin '{name}' is granted {granted}, and is active: {}.",
                    active_now.unwrap_or_default(),
                    name,
                    granted
                )
            }
            JobCommand::Reload | JobCommand::Revoke { .. } => {
                tr!("Plugin '{name}' is reloaded: {}.", active_now.unwrap_or_default(), name)
            }
        })
    }

    fn finish_rollback(&mut self, job: &Job, failing: &str, how: &str, now: Timestamp) {
        let (name, version) = (self.name.clone(), short(failing));
        let Some(active) = self.active.clone().filter(|active| active.digest != failing) else {
            let why = job.error.as_ref().map_or("", |error| &error.reason.why);
            let stays_active = messages::stays_active(self.active.as_ref());
            return self.notify_trouble(tr!("Plugin '{name}', version {version}: {how}. It could not be rolled back, because the previous version was \
                 rejected: {why}.{stays_active}", name, version, how, why, stays_active));
        };
        let next_attempt = messages::next_attempt(&name, failing, &self.state.admits(failing, now), now);
        let why = self.not_admitted(failing, now).unwrap_or_else(|| next_attempt.clone());
        self.reject_not_admitted(failing, why, now);
        let active_now = messages::active_version(&active);
        self.notify_trouble(tr!(
            "Plugin '{name}', version {version}, is rolled back: {how}.\nActive now: {active_now}; {next_attempt}.",
            name,
            version,
            how,
            active_now,
            next_attempt
        ));
    }
}
