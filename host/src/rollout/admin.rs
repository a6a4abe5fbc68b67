//! Carries out admin commands about plugins. The caller's rights were checked before. A refusal says what to do
//! instead.

use cordboard_core::{
    rollout::{Admission, Decision},
    route,
    session::{ApiError, RefusalCode},
};
use cordboard_runtime::{
    Activation, AdminCommand, AuthorizedCommand, Outcome, PluginError, RejectReason, RejectedVersion, config_only,
    refuse, short,
};
use cordboard_store::{GrantAnswer, StoreError};

use super::{
    ActivePlugin, Rollout,
    builds::{Given, Purpose},
};
use crate::plugin_sources::{Version, disabled, held_off};

/// The result of planning a command.
enum AdminPlan {
    /// The command is done, with this answer.
    Done(String),
    /// This version has to be activated.
    PlugIn(Version),
}

type Planned = Result<AdminPlan, ApiError>;

fn invalid(text: impl Into<String>) -> ApiError {
    refuse(RefusalCode::Invalid, text)
}

fn not_stored(error: StoreError) -> ApiError {
    refuse(RefusalCode::Failed, format!("Cordboard could not store the change: {error}"))
}

impl Rollout {
    pub async fn on_order(&mut self, ordered: AuthorizedCommand) {
        let AuthorizedCommand { by, plugin: name, order, answer } = ordered;
        tracing::info!(plugin = name, order = order.as_str(), by = %by.id, "admin command received");
        let word = Decision { who: by.id.clone(), at: self.clock.now() };
        let served = self.plugs().table().generation(&name).map(|one| one.digest.clone());
        let waited = self.waits(&name);
        let given = Given { order, by, served, waited, answer: Some(answer) };
        match self.plan(&name, &given.order, word).await {
            Ok(AdminPlan::PlugIn(version)) => self.start(&name, version, Purpose::SessionCommand(given)).await,
            Ok(AdminPlan::Done(text)) => {
                self.answer(given, Ok(text)).await;
                self.audience.changed(&name).await;
            }
            Err(refusal) => self.answer(given, Err(refusal)).await,
        }
    }

    async fn plan(&mut self, name: &str, order: &AdminCommand, word: Decision) -> Planned {
        self.check_known(name)?;
        match order {
            AdminCommand::Rollback => self.rollback(name).await,
            AdminCommand::Reload => self.reload(name).await,
            AdminCommand::Disable => self.disable(name, word).await,
            AdminCommand::Enable => self.enable(name).await,
            AdminCommand::Grant(digest) => self.grant(name, digest, word).await,
            AdminCommand::Refuse(digest) => self.refuse(name, digest, word).await,
            AdminCommand::Revoke => self.revoke(name, word).await,
        }
    }

    fn check_known(&self, name: &str) -> Result<(), ApiError> {
        let table = self.plugs().table();
        if table.entry(name).is_some() {
            return Ok(());
        }
        let near = route::nearest(name, table.names());
        let near = near.map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
        Err(refuse(RefusalCode::Unknown, format!("There is no plugin '{name}'.{near} /plugins lists them.")))
    }

    fn check_enabled(&self, name: &str) -> Result<(), ApiError> {
        match self.supply.decided.standing(name).disabled {
            Some(_) => Err(invalid(format!("Plugin '{name}' is disabled. Use /plugins enable {name} first."))),
            None => Ok(()),
        }
    }

    /// Refuses if the plugin folder is unusable: the newest file can't be read, and an older version must not pass
    /// for it.
    fn check_folder(&self) -> Result<(), ApiError> {
        self.supply
            .folder_fault()
            .map_or(Ok(()), |why| Err(invalid(format!("The plugin folder can't be used: Cordboard failed to {why}."))))
    }

    async fn rollback(&mut self, name: &str) -> Planned {
        self.check_enabled(name)?;
        let serving = self.plugs().table().generation(name).map(|one| one.digest.clone());
        let serving = serving.ok_or_else(|| invalid(format!("No version of plugin '{name}' is active.")))?;
        let before = self.supply.before(name, &serving).await;
        let none = || invalid(format!("Plugin '{name}' has no version before {}.", short(&serving)));
        before.map(AdminPlan::PlugIn).ok_or_else(none)
    }

    async fn reload(&mut self, name: &str) -> Planned {
        self.check_enabled(name)?;
        self.check_folder()?;
        self.supply.decided.change(name, |standing| standing.clear_rollbacks()).await.map_err(not_stored)?;
        let none = || invalid(format!("Plugin '{name}' has no file any more, and is not built in."));
        self.supply.newest(name).await.map(AdminPlan::PlugIn).ok_or_else(none)
    }

    /// Refuses to disable the plugin that offers /plugins, because no other command could enable it again.
    async fn disable(&mut self, name: &str, word: Decision) -> Planned {
        let table = self.plugs().table();
        if table.command("plugins").is_some_and(|offer| offer.generation.name == name) {
            let text = format!(
                "Plugin '{name}' provides /plugins, and without it no plugin can be enabled again. Replace it with another version instead."
            );
            return Err(invalid(text));
        }
        if self.supply.decided.standing(name).disabled.is_some() {
            return Ok(AdminPlan::Done(format!("Plugin '{name}' is already disabled.")));
        }
        let gone =
            table.commands().filter(|offer| offer.generation.name == name).map(|offer| format!("/{}", offer.spec.name));
        let gone: Vec<String> = gone.collect();
        let offers_policy = table.generation(name).is_some_and(|one| one.trades.lifecycle.is_some());
        let off = (disabled(name, &word), word.at);
        self.supply.decided.change(name, |standing| standing.disabled = Some(word)).await.map_err(not_stored)?;
        self.cancel(name).await;
        self.plugs().disable(name, off).await;
        let mut text = format!("Plugin '{name}' is disabled. Use /plugins enable {name} to enable it again.");
        if !gone.is_empty() {
            text.push_str(&format!(" Commands removed with it: {}.", gone.join(", ")));
        }
        if offers_policy {
            text.push_str(" If it was the lifecycle plugin, idle agents are now suspended at their idle timeout.");
        }
        Ok(AdminPlan::Done(text))
    }

    async fn enable(&mut self, name: &str) -> Planned {
        if self.supply.decided.standing(name).disabled.is_none() {
            return Ok(AdminPlan::Done(format!("Plugin '{name}' is not disabled.")));
        }
        self.check_folder()?;
        self.supply.decided.change(name, |standing| standing.disabled = None).await.map_err(not_stored)?;
        self.plugs().remove_plugin(name).await;
        // Ask again about versions that are pending approval.
        self.asked.retain(|(asked, _)| asked != name);
        let Some(version) = self.supply.newest(name).await else {
            return Ok(AdminPlan::Done(format!("Plugin '{name}' is enabled, but it has no file.")));
        };
        let now = self.clock.now();
        let admission = self.supply.decided.standing(name).admits(&version.digest, now);
        if admission == Admission::Admitted {
            return Ok(AdminPlan::PlugIn(version));
        }
        let why = held_off(name, &version.digest, (&admission, now)).unwrap_or_default();
        let context = (&(self.settings)(name), now);
        let held = (PluginError::NotAdmitted(why.clone()), context);
        let _held: Result<Activation, PluginError> = self.supply.go_back(name, &version.digest, held).await;
        let serving = self.serving(name).unwrap_or_else(|| "nothing".to_owned());
        Ok(AdminPlan::Done(format!("Plugin '{name}' is enabled. Active: {serving}; {why}.")))
    }

    /// Returns the version that is pending approval or was denied.
    fn waits(&self, name: &str) -> Option<RejectedVersion> {
        let turned = self.plugs().table().entry(name)?.turned.clone()?;
        matches!(turned.hold, RejectReason::PendingApproval(_) | RejectReason::Denied(_)).then_some(turned)
    }

    /// Returns the capabilities that the pending version requests, if its digest starts with `digest`.
    fn waiting(&self, name: &str, digest: &str) -> Result<Vec<String>, ApiError> {
        let table = self.plugs().table();
        let turned = table.entry(name).and_then(|entry| entry.turned.as_ref());
        let asked = turned.and_then(|turned| match &turned.hold {
            RejectReason::PendingApproval(missing) | RejectReason::Denied(missing) => Some((&turned.digest, missing)),
            RejectReason::Rejected | RejectReason::NotAdmitted => None,
        });
        match asked {
            Some((waiting, missing)) if waiting.starts_with(digest) => Ok(missing.clone()),
            Some((waiting, _)) => {
                let text = format!(
                    "Version {} of plugin '{name}' is no longer pending approval; version {} is.",
                    short(digest),
                    short(waiting)
                );
                Err(invalid(text))
            }
            None => Err(invalid(format!("No version of plugin '{name}' is pending approval."))),
        }
    }

    async fn grant(&mut self, name: &str, digest: &str, word: Decision) -> Planned {
        self.check_enabled(name)?;
        let missing = self.waiting(name, digest)?;
        self.check_folder()?;
        let by_line = config_only(&missing);
        if !by_line.is_empty() {
            let text = format!(
                "{} can't be granted in the chat. Add the lines that /plugins shows to [plugins.{name}].",
                by_line.join(", ")
            );
            return Err(invalid(text));
        }
        let newest = self.supply.newest(name).await.filter(|version| version.digest.starts_with(digest));
        let version = newest.ok_or_else(|| {
            invalid(format!("Version {} of plugin '{name}' is not in the plugin folder any more.", short(digest)))
        })?;
        let answer = GrantAnswer { plugin: name.to_owned(), capabilities: missing, granted: true, word };
        self.supply.decided.answer(answer).await.map_err(not_stored)?;
        Ok(AdminPlan::PlugIn(version))
    }

    async fn refuse(&mut self, name: &str, digest: &str, word: Decision) -> Planned {
        let missing = self.waiting(name, digest)?;
        let listed = missing.join(", ");
        let answer = GrantAnswer { plugin: name.to_owned(), capabilities: missing.clone(), granted: false, word };
        self.supply.decided.answer(answer).await.map_err(not_stored)?;
        self.plugs().hold(name, RejectReason::Denied(missing)).await;
        let text = format!(
            "Plugin '{name}' is not granted {listed}. You are not asked again about versions that request no more than that."
        );
        Ok(AdminPlan::Done(format!("{text}{}", self.goes_on(name))))
    }

    async fn revoke(&mut self, name: &str, word: Decision) -> Planned {
        let waited = self.waits(name);
        let taken = self.supply.decided.revoke(name, &word).await.map_err(not_stored)?;
        if taken.is_empty() {
            let text = format!(
                "Plugin '{name}' was granted nothing in the chat. To revoke what the configuration grants, change [plugins.{name}]."
            );
            return Err(invalid(text));
        }
        let taken = taken.into_iter().collect::<Vec<_>>().join(", ");
        let digest = self.plugs().table().generation(name).map(|one| one.digest.clone());
        if let Some(digest) = digest {
            let outcome = self.supply.reconfigure(name, (&(self.settings)(name), self.clock.now())).await;
            let _told_below: Result<Activation, PluginError> = self.or_the_one_before(name, &digest, outcome).await;
        }
        if let Some(turned) = waited {
            self.plugs().restore_rejection(name, turned).await;
        }
        let serves = match self.serving(name) {
            Some(serving) => format!("Active now: {serving}."),
            None => "No version is active without it.".to_owned(),
        };
        Ok(AdminPlan::Done(format!("Plugin '{name}' is no longer granted {taken}. {serves}")))
    }

    pub(super) async fn on_order_plugged(&mut self, plugged: ActivePlugin, given: Given) {
        let ActivePlugin { name, digest, outcome } = plugged;
        let said = match outcome {
            Ok(Activation::New | Activation::Unchanged) => Ok(self.carried_out(&name, &given).await),
            Err(ref refused @ PluginError::NotGranted { ref missing, .. }) => {
                self.park(&name, &digest, missing).await;
                let goes_on = self.goes_on(&name);
                Err(invalid(format!(
                    "Plugin '{name}', version {}, is pending approval: {refused}.{goes_on}",
                    short(&digest)
                )))
            }
            Err(refused) => {
                let text = format!("Plugin '{name}' was rejected: {}.{}", self.told(&refused), self.goes_on(&name));
                Err(refuse(RefusalCode::Failed, text))
            }
        };
        self.answer(given, said).await;
        self.audience.changed(&name).await;
    }

    async fn carried_out(&self, name: &str, given: &Given) -> String {
        let serving = self.serving(name).unwrap_or_default();
        match (&given.order, &given.served) {
            (AdminCommand::Rollback, Some(left)) => {
                self.stand(name, |standing| standing.on_rollback(left)).await;
                let now = self.clock.now();
                let why = held_off(name, left, (&Admission::RolledBack, now)).unwrap_or_default();
                match given.waited.clone() {
                    // The pending version is newer than both and stays pending.
                    Some(turned) => self.plugs().restore_rejection(name, turned).await,
                    None => {
                        self.plugs().record_rejection(name, left, (&PluginError::NotAdmitted(why.clone()), now)).await
                    }
                }
                format!("Plugin '{name}' is rolled back: {serving}; {why}.")
            }
            (AdminCommand::Enable, _) => format!("Plugin '{name}' is enabled: {serving}."),
            (AdminCommand::Grant(_), _) => {
                let granted = self.supply.decided.granted(name).into_iter().collect::<Vec<_>>().join(", ");
                format!("Plugin '{name}' is granted {granted}, and is active: {serving}.")
            }
            (
                AdminCommand::Rollback
                | AdminCommand::Reload
                | AdminCommand::Disable
                | AdminCommand::Refuse(_)
                | AdminCommand::Revoke,
                _,
            ) => format!("Plugin '{name}' is reloaded: {serving}."),
        }
    }

    /// Answers the caller, and notifies the other operators of a successful command.
    async fn answer(&mut self, given: Given, said: Outcome) {
        // Send earlier notices first, so that messages keep their order.
        self.tell_notices().await;
        let text = match &said {
            Ok(text) => text.clone(),
            Err(refusal) => refusal.text.clone(),
        };
        let done = said.is_ok();
        match given.answer {
            Some(answer) => {
                // The caller may be gone.
                let _: Result<(), _> = answer.send(said);
                if done {
                    self.audience.tell(text, Some(&given.by)).await;
                }
            }
            None => self.audience.tell(text, None).await,
        }
    }
}
