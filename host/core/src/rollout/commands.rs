//! Admin commands. A refusal says what to do instead.

use super::{
    Command, CommandId, Decision, Effect, File, GrantAnswer, Machine, Offered, RejectReason, TrialError,
    job::{Order, Purpose},
    messages::{self, invalid},
    short,
};
use crate::{session::ApiError, types::Timestamp};

/// The next step of a command.
enum Step {
    /// The command is done, with this answer.
    Done(String),
    /// The job answers.
    Started,
}

type Planned = Result<Step, ApiError>;

impl Machine {
    /// Carries out a command. Its answer is an effect, now or later. If a `Persist` or `PersistAnswer` of these effects
    /// fails, the caller must continue with the machine as it was before.
    #[must_use]
    pub fn command(&mut self, command: Command, id: CommandId, word: Decision) -> Vec<Effect> {
        let now = word.at;
        let planned = match command {
            Command::Rollback => self.roll_back(id, now),
            Command::Reload => self.reload(id, now),
            Command::Disable(offered) => self.disable(&offered, word),
            Command::Enable => self.enable(id, now),
            Command::Grant { digest, config_only_names } => self.grant(&digest, &config_only_names, (id, word)),
            Command::Refuse(digest) => self.refuse(&digest, word),
            Command::Revoke => self.revoke(id, word),
        };
        match planned {
            Ok(Step::Started) => {}
            Ok(Step::Done(text)) => self.emit(Effect::Answer { command: id, answer: Ok(text) }),
            Err(refusal) => self.emit(Effect::Answer { command: id, answer: Err(refusal) }),
        }
        self.finish(now)
    }

    fn check_enabled(&self) -> Result<(), ApiError> {
        let name = &self.name;
        match self.state.disabled {
            Some(_) => Err(invalid(format!("Plugin '{name}' is disabled. Use /plugins enable {name} first."))),
            None => Ok(()),
        }
    }

    /// Refuses if the plugin folder is unusable: the newest file is unknown, and an older version must not pass for it.
    fn check_folder(&self) -> Result<(), ApiError> {
        self.folder_fault
            .as_ref()
            .map_or(Ok(()), |why| Err(invalid(format!("The plugin folder can't be used: Cordboard failed to {why}."))))
    }

    fn start(&mut self, id: CommandId, order: Order, goal: &str, now: Timestamp) -> Step {
        self.exhausted = false;
        self.begin(Purpose::Command { id, order }, goal, now);
        Step::Started
    }

    fn roll_back(&mut self, id: CommandId, now: Timestamp) -> Planned {
        self.check_enabled()?;
        let none = || invalid(format!("No version of plugin '{}' is active.", self.name));
        let left = self.active.as_ref().ok_or_else(none)?.digest.clone();
        let none = || invalid(format!("Plugin '{}' has no version before {}.", self.name, short(&left)));
        let target = self.before(&left).ok_or_else(none)?;
        Ok(self.start(id, Order::Rollback { left }, &target, now))
    }

    fn reload(&mut self, id: CommandId, now: Timestamp) -> Planned {
        self.check_enabled()?;
        self.check_folder()?;
        let none = || invalid(format!("Plugin '{}' has no file any more, and is not built in.", self.name));
        let newest = self.newest().ok_or_else(none)?.to_owned();
        self.state.clear_rollbacks();
        Ok(self.start(id, Order::Reload, &newest, now))
    }

    /// Refuses to disable the plugin that offers /plugins, because no other command could enable it again.
    fn disable(&mut self, offered: &Offered, word: Decision) -> Planned {
        let name = self.name.clone();
        if offered.controls_plugins {
            return Err(invalid(format!(
                "Plugin '{name}' provides /plugins, and without it no plugin can be enabled again. \
                 Replace it with another version instead."
            )));
        }
        if self.state.disabled.is_some() {
            return Ok(Step::Done(format!("Plugin '{name}' is already disabled.")));
        }
        self.state.disabled = Some(word);
        self.cancel_job();
        self.deactivate(self.terms.limits.drain);
        (self.rejected, self.untried) = (None, false);
        let mut text = format!("Plugin '{name}' is disabled. Use /plugins enable {name} to enable it again.");
        if !offered.commands.is_empty() {
            text.push_str(&format!(" Commands removed with it: {}.", offered.commands.join(", ")));
        }
        if offered.has_lifecycle {
            text.push_str(" If it was the lifecycle plugin, idle agents are now suspended at their idle timeout.");
        }
        Ok(Step::Done(text))
    }

    fn enable(&mut self, id: CommandId, now: Timestamp) -> Planned {
        if self.state.disabled.is_none() {
            return Ok(Step::Done(format!("Plugin '{}' is not disabled.", self.name)));
        }
        self.check_folder()?;
        self.state.disabled = None;
        // The owner is asked again about a version that is pending approval.
        self.asked.clear();
        if let File::Unusable(reason) = self.file.clone() {
            let why = reason.why.clone();
            self.reject_version("", &TrialError::invalid(reason), now);
            return Ok(self.start_fallback(id, why, "", now));
        }
        let Some(newest) = self.newest().map(str::to_owned) else {
            return Ok(Step::Done(format!("Plugin '{}' is enabled, but it has no file.", self.name)));
        };
        let Some(why) = self.not_admitted(&newest, now) else {
            return Ok(self.start(id, Order::Enable { not_admitted: None }, &newest, now));
        };
        self.reject_not_admitted(&newest, why.clone(), now);
        Ok(self.start_fallback(id, why, &newest, now))
    }

    /// Enables an earlier version, because the newest one can't be activated.
    fn start_fallback(&mut self, id: CommandId, why: String, goal: &str, now: Timestamp) -> Step {
        self.exhausted = false;
        let order = Order::Enable { not_admitted: Some(why) };
        self.begin_fallback(Purpose::Command { id, order }, goal, None, now);
        Step::Started
    }

    /// Returns the capabilities that the pending version requests, if its digest starts with `digest`.
    fn requested(&self, digest: &str) -> Result<Vec<String>, ApiError> {
        let name = &self.name;
        let asked = self.rejected.as_ref().and_then(|rejected| match &rejected.hold {
            RejectReason::PendingApproval(missing) | RejectReason::Denied(missing) => Some((&rejected.digest, missing)),
            RejectReason::Rejected | RejectReason::NotAdmitted => None,
        });
        match asked {
            Some((waiting, missing)) if waiting.starts_with(digest) => Ok(missing.clone()),
            Some((waiting, _)) => Err(invalid(format!(
                "Version {} of plugin '{name}' is no longer pending approval; version {} is.",
                short(digest),
                short(waiting)
            ))),
            None => Err(invalid(format!("No version of plugin '{name}' is pending approval."))),
        }
    }

    fn grant(&mut self, digest: &str, config_only_names: &[String], (id, word): (CommandId, Decision)) -> Planned {
        self.check_enabled()?;
        let missing = self.requested(digest)?;
        self.check_folder()?;
        let (name, now) = (self.name.clone(), word.at);
        if !config_only_names.is_empty() {
            let config_only_names = config_only_names.join(", ");
            let text = format!(
                "{config_only_names} can't be granted in the chat. Add the lines that /plugins shows to [plugins.{name}]."
            );
            return Err(invalid(text));
        }
        let newest = self.newest().filter(|newest| newest.starts_with(digest)).map(str::to_owned);
        let newest = newest.ok_or_else(|| {
            invalid(format!("Version {} of plugin '{name}' is not in the plugin folder any more.", short(digest)))
        })?;
        self.answer(missing, true, word);
        if self.refit.is_some() {
            // A trial without the new grants says nothing.
            self.mark_stale();
        }
        Ok(self.start(id, Order::Grant, &newest, now))
    }

    fn refuse(&mut self, digest: &str, word: Decision) -> Planned {
        let missing = self.requested(digest)?;
        let listed = missing.join(", ");
        let now = word.at;
        self.answer(missing.clone(), false, word);
        // An earlier answer may have granted them.
        self.mark_stale();
        self.restart_trial(now);
        if let Some(rejected) = &mut self.rejected {
            rejected.hold = RejectReason::Denied(missing);
        }
        let stays_active = messages::stays_active(self.active.as_ref());
        Ok(Step::Done(format!(
            "Plugin '{}' is not granted {listed}. You are not asked again about versions that request no more than that.{stays_active}",
            self.name
        )))
    }

    /// Turns every grant into a refusal, so that the owner isn't asked again.
    fn revoke(&mut self, id: CommandId, word: Decision) -> Planned {
        let (name, now) = (self.name.clone(), word.at);
        let revoked = self.grants.granted().into_iter().collect::<Vec<_>>().join(", ");
        let given: Vec<Vec<String>> = self.grants.granted_answers().map(|one| one.capabilities.clone()).collect();
        if given.is_empty() {
            let text = format!(
                "Plugin '{name}' was granted nothing in the chat. To revoke what the configuration grants, change [plugins.{name}]."
            );
            return Err(invalid(text));
        }
        for capabilities in given {
            self.answer(capabilities, false, word.clone());
        }
        // Even if something newer replaces this command, the active version loses the grants.
        self.mark_stale();
        match self.active.as_ref().map(|active| active.digest.clone()) {
            Some(active) => Ok(self.start(id, Order::Revoke { revoked }, &active, now)),
            None => {
                self.restart_trial(now);
                Ok(Step::Done(messages::revoked(&name, &revoked, None)))
            }
        }
    }

    fn answer(&mut self, mut capabilities: Vec<String>, granted: bool, word: Decision) {
        capabilities.sort();
        let answer = GrantAnswer { plugin: self.name.clone(), capabilities, granted, word };
        self.grants.add(answer.clone());
        self.emit(Effect::PersistAnswer(answer));
    }
}
