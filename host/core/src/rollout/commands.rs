//! Executes admin commands, or rejects them with a reason.

use tr::tr;

use super::{
    Command, CommandId, Decision, Effect, FileState, GrantAnswer, Machine, Offers, RejectReason, TrialError,
    job::{JobCommand, Purpose},
    messages::{self, Cancellation, invalid},
    short,
};
use crate::{session::ApiError, types::Timestamp};

/// The id of the admin command that is being carried out, with the admin's decision.
struct Issued {
    id: CommandId,
    decision: Decision,
}

enum CommandStep {
    /// The command is done. Contains the answer.
    Done(String),
    /// A job is carrying out the command. The command is answered when the job ends.
    Started,
}

type StepResult = Result<CommandStep, ApiError>;

impl Machine {
    /// Carries out a command. The answer is among the effects of this call or a later one. If a `Persist` or
    /// `PersistAnswer` among the effects of this call fails, the caller must continue with the machine as it was before
    /// the call.
    #[must_use]
    pub fn command(&mut self, command: Command, id: CommandId, decision: Decision) -> Vec<Effect> {
        let now = decision.at;
        let issued = Issued { id, decision };
        let step = match command {
            Command::Rollback => self.roll_back(id, now),
            Command::Reload => self.reload(id, now),
            Command::Disable(offers) => self.disable(&offers, issued.decision),
            Command::Enable => self.enable(id, now),
            Command::Grant { digest, config_only_names } => self.grant(&digest, &config_only_names, issued),
            Command::Refuse(digest) => self.refuse(&digest, issued.decision),
            Command::Revoke => self.revoke(issued),
        };
        match step {
            Ok(CommandStep::Started) => {}
            Ok(CommandStep::Done(text)) => self.emit(Effect::Answer { command: id, answer: Ok(text) }),
            Err(refusal) => self.emit(Effect::Answer { command: id, answer: Err(refusal) }),
        }
        self.finish(now)
    }

    fn check_enabled(&self) -> Result<(), ApiError> {
        let name = &self.name;
        match self.state.disabled {
            Some(_) => Err(invalid(tr!("Plugin '{name}' is disabled. Use /plugins enable {name} first.", name))),
            None => Ok(()),
        }
    }

    /// Refuses the command if the plugin folder can't be used. The newest file is then unknown, and an older version
    /// must not be activated instead.
    fn check_folder(&self) -> Result<(), ApiError> {
        self.folder_fault
            .as_ref()
            .map_or(Ok(()), |why| Err(invalid(tr!("The plugin folder can't be used: Cordboard failed to {why}.", why))))
    }

    fn start(&mut self, id: CommandId, command: JobCommand, goal: &str, now: Timestamp) -> CommandStep {
        self.fallbacks_exhausted = false;
        self.begin_job(Purpose::Command { id, command }, goal, now);
        CommandStep::Started
    }

    fn roll_back(&mut self, id: CommandId, now: Timestamp) -> StepResult {
        self.check_enabled()?;
        let not_active = || invalid(tr!("No version of plugin '{}' is active.", self.name));
        let from = self.active.as_ref().ok_or_else(not_active)?.digest.clone();
        let no_earlier = || invalid(tr!("Plugin '{}' has no version before {}.", self.name, short(&from)));
        let target = self.version_before(&from).ok_or_else(no_earlier)?;
        Ok(self.start(id, JobCommand::Rollback { from }, &target, now))
    }

    fn reload(&mut self, id: CommandId, now: Timestamp) -> StepResult {
        self.check_enabled()?;
        self.check_folder()?;
        let no_file = || invalid(tr!("Plugin '{}' no longer has a file and is not built in.", self.name));
        let newest = self.newest().ok_or_else(no_file)?.to_owned();
        self.state.clear_rollbacks();
        Ok(self.start(id, JobCommand::Reload, &newest, now))
    }

    /// Disables the plugin, unless it offers `/plugins`: without that command, no plugin could be enabled again.
    fn disable(&mut self, offers: &Offers, decision: Decision) -> StepResult {
        let name = self.name.clone();
        if offers.controls_plugins {
            return Err(invalid(tr!(
                "Plugin '{name}' provides /plugins, which you need to enable plugins again. \
                 Replace it with another version instead.",
                name
            )));
        }
        if self.state.disabled.is_some() {
            return Ok(CommandStep::Done(tr!("Plugin '{name}' is already disabled.", name)));
        }
        self.state.disabled = Some(decision);
        self.cancel_job(Cancellation::Disabled);
        self.deactivate(self.settings.limits.drain);
        (self.rejected, self.newest_untried) = (None, false);
        let mut text = tr!("Plugin '{name}' is disabled. Use /plugins enable {name} to enable it again.", name);
        if !offers.commands.is_empty() {
            text.push_str(&tr!(" Commands removed with it: {}.", offers.commands.join(", ")));
        }
        if offers.has_lifecycle {
            text.push_str(&tr!(
                " If it was the lifecycle plugin, idle agents are now suspended at their idle timeout."
            ));
        }
        if offers.has_approval {
            text.push_str(&tr!(" If it was the approval plugin, a user is now asked about each permission."));
        }
        Ok(CommandStep::Done(text))
    }

    fn enable(&mut self, id: CommandId, now: Timestamp) -> StepResult {
        if self.state.disabled.is_none() {
            return Ok(CommandStep::Done(tr!("Plugin '{}' is not disabled.", self.name)));
        }
        self.check_folder()?;
        self.state.disabled = None;
        // The owner is asked again about a version that is pending approval.
        self.approval_requested.clear();
        if let FileState::Unusable(reason) = self.file.clone() {
            let why = reason.why.clone();
            self.reject_version("", &TrialError::invalid(reason), now);
            return Ok(self.start_fallback(id, why, "", now));
        }
        let Some(newest) = self.newest().map(str::to_owned) else {
            return Ok(CommandStep::Done(tr!("Plugin '{}' is enabled, but it has no file.", self.name)));
        };
        let Some(why) = self.not_admitted(&newest, now) else {
            return Ok(self.start(id, JobCommand::Enable { not_admitted: None }, &newest, now));
        };
        self.reject_not_admitted(&newest, why.clone(), now);
        Ok(self.start_fallback(id, why, &newest, now))
    }

    /// Enables the plugin with a fallback version, because the newest one can't be activated.
    fn start_fallback(&mut self, id: CommandId, why: String, goal: &str, now: Timestamp) -> CommandStep {
        self.fallbacks_exhausted = false;
        let command = JobCommand::Enable { not_admitted: Some(why) };
        self.begin_fallback_job(Purpose::Command { id, command }, goal, None, now);
        CommandStep::Started
    }

    /// Returns the missing capabilities of the version that is pending approval or was denied, if its digest starts
    /// with `digest`.
    fn requested(&self, digest: &str) -> Result<Vec<String>, ApiError> {
        let name = &self.name;
        let pending = self.rejected.as_ref().and_then(|rejected| match &rejected.reason {
            RejectReason::PendingApproval(missing) | RejectReason::Denied(missing) => Some((&rejected.digest, missing)),
            RejectReason::Rejected | RejectReason::NotAdmitted => None,
        });
        match pending {
            Some((version, missing)) if version.starts_with(digest) => Ok(missing.clone()),
            Some((version, _)) => Err(invalid(tr!(
                "Version {} of plugin '{name}' is no longer pending approval; the latest request is for version {}.",
                short(digest),
                short(version),
                name
            ))),
            None => Err(invalid(tr!("No version of plugin '{name}' is pending approval.", name))),
        }
    }

    fn grant(&mut self, digest: &str, config_only_names: &[String], issued: Issued) -> StepResult {
        self.check_enabled()?;
        let missing = self.requested(digest)?;
        self.check_folder()?;
        let (name, now) = (self.name.clone(), issued.decision.at);
        if !config_only_names.is_empty() {
            let config_only_names = config_only_names.join(", ");
            let text = tr!(
                "{config_only_names} can't be granted in the chat. Add the lines that /plugins shows to [plugins.{name}].",
                config_only_names,
                name
            );
            return Err(invalid(text));
        }
        let newest = self.newest().filter(|newest| newest.starts_with(digest)).map(str::to_owned);
        let newest = newest.ok_or_else(|| {
            invalid(tr!("Version {} of plugin '{name}' is no longer in the plugin folder.", short(digest), name))
        })?;
        self.record_answer(GrantAnswer {
            plugin: name.clone(),
            capabilities: missing,
            granted: true,
            decision: issued.decision,
        });
        if self.settings_trial.is_some() {
            // The running trial started without the new grants, so its result would be outdated.
            self.mark_settings_changed();
        }
        Ok(self.start(issued.id, JobCommand::Grant, &newest, now))
    }

    fn refuse(&mut self, digest: &str, decision: Decision) -> StepResult {
        let missing = self.requested(digest)?;
        let listed = missing.join(", ");
        let now = decision.at;
        self.record_answer(GrantAnswer {
            plugin: self.name.clone(),
            capabilities: missing.clone(),
            granted: false,
            decision,
        });
        // An earlier answer may have granted these capabilities to the active version.
        self.mark_settings_changed();
        self.restart_trial(now);
        if let Some(rejected) = &mut self.rejected {
            rejected.reason = RejectReason::Denied(missing);
        }
        let stays_active = messages::stays_active(self.active.as_ref());
        Ok(CommandStep::Done(tr!(
            "Plugin '{}' is not granted {listed}. You won't be asked again about versions that request only these capabilities.{stays_active}",
            self.name,
            listed,
            stays_active
        )))
    }

    /// Replaces every grant that was given in the chat with a refusal, so that the owner isn't asked again.
    fn revoke(&mut self, issued: Issued) -> StepResult {
        let (name, now) = (self.name.clone(), issued.decision.at);
        let revoked = self.grants.granted().into_iter().collect::<Vec<_>>().join(", ");
        let given: Vec<Vec<String>> = self.grants.granted_answers().map(|one| one.capabilities.clone()).collect();
        if given.is_empty() {
            let text = tr!(
                "Plugin '{name}' was granted nothing in the chat. To revoke what the configuration grants, change [plugins.{name}].",
                name
            );
            return Err(invalid(text));
        }
        for capabilities in given {
            let (plugin, decision) = (name.clone(), issued.decision.clone());
            self.record_answer(GrantAnswer { plugin, capabilities, granted: false, decision });
        }
        // The active version must lose the grants even if a newer version or command replaces this command.
        self.mark_settings_changed();
        match self.active.as_ref().map(|active| active.digest.clone()) {
            Some(active) => Ok(self.start(issued.id, JobCommand::Revoke { revoked }, &active, now)),
            None => {
                self.restart_trial(now);
                Ok(CommandStep::Done(messages::revoked(&name, &revoked, None)))
            }
        }
    }

    fn record_answer(&mut self, mut answer: GrantAnswer) {
        answer.capabilities.sort();
        self.grants.add(answer.clone());
        self.emit(Effect::PersistAnswer(answer));
    }
}
