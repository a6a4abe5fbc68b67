//! Handles plugin files that appear, change or disappear, and changes of the configuration.

use std::collections::BTreeSet;

use cordboard_core::types::is_plugin_name;
use cordboard_runtime::{Activation, Health, PluginError, PluginSettings, short};

use super::{
    ActivePlugin, Rollout,
    builds::{Purpose, Tell},
    notices::Kind,
};
use crate::plugin_sources::{Version, held_off};

/// The key of the plugin folder among plugin names. No plugin can have this name.
const FOLDER: &str = "";

impl Rollout {
    /// Handles a plugin file that is new or has changed.
    pub async fn on_file(&mut self, name: &str, wasm: Vec<u8>) {
        let refused = PluginError::Name(name.to_owned());
        if !is_plugin_name(name) {
            return self.tell_refused(name, &refused);
        }
        self.offer(name, Version::new(wasm), Tell::All).await;
    }

    /// Starts the rollout of a version unless the pin or the rollout state forbids it.
    pub(super) async fn offer(&mut self, name: &str, version: Version, tell: Tell) {
        // A version that doesn't match the operator's pin isn't compiled.
        if let Err(refused) = (self.settings)(name).check_pin(name, &version.digest) {
            tracing::warn!(plugin = name, why = %refused, "version rejected");
            self.give_up_file(name).await;
            self.plugs().record_rejection(name, &version.digest, (&refused, self.clock.now())).await;
            return self.tell_refused(name, &refused);
        }
        let (standing, now) = (self.supply.decided.standing(name), self.clock.now());
        let admission = standing.admits(&version.digest, now);
        let serves = self.plugs().table().generation(name).is_some_and(|one| one.digest == version.digest);
        match held_off(name, &version.digest, (&admission, now)) {
            Some(why) if standing.disabled.is_some() || !serves || self.jobs.is_fall(name) => {
                self.give_up_file(name).await;
                self.put_off(name, &version.digest, why).await;
            }
            Some(_) | None if self.jobs.is_fall(name) => self.jobs.follow_fall(name, Some(version)),
            Some(_) | None => {
                tracing::info!(plugin = name, digest = short(&version.digest), "compiling");
                self.start(name, version, Purpose::File(tell)).await;
            }
        }
    }

    pub(super) async fn start(&mut self, name: &str, version: Version, purpose: Purpose) {
        self.cancel(name).await;
        self.jobs.start((&self.supply.plugs, self.settings_of(name)), name, (version, purpose));
    }

    /// Returns the plugin's settings, with the capabilities that the owner granted in the chat.
    fn settings_of(&self, name: &str) -> PluginSettings {
        self.supply.granting(name, &(self.settings)(name))
    }

    pub(super) async fn cancel(&mut self, name: &str) {
        if self.jobs.is_running(name) {
            self.jobs.cancel(name);
            self.plugs().show_compiling(name, None).await;
        }
    }

    /// Cancels the plugin's job because a newer version arrived that isn't rolled out. A rollback continues, because
    /// it replaces a failing version.
    async fn give_up_file(&mut self, name: &str) {
        if self.jobs.is_fall(name) {
            self.jobs.follow_fall(name, None);
        } else {
            self.cancel(name).await;
        }
    }

    async fn put_off(&mut self, name: &str, digest: &str, why: String) {
        tracing::warn!(plugin = name, digest = short(digest), why, "version not admitted");
        let standing = self.supply.decided.standing(name);
        if standing.disabled.is_some() {
            let text = format!("Plugin '{name}' has a new file, {}, and stays {why}.", short(digest));
            return self.notify(name, Kind::Done, text);
        }
        let refused = PluginError::NotAdmitted(why.clone());
        self.plugs().record_rejection(name, digest, (&refused, self.clock.now())).await;
        let text = format!("Plugin '{name}': {why}.{}", self.goes_on(name));
        self.notify(name, Kind::Trouble, text);
    }

    pub(super) async fn on_file_plugged(&mut self, plugged: ActivePlugin, tell: Tell) {
        let ActivePlugin { name, digest, outcome } = plugged;
        match outcome {
            Ok(Activation::Unchanged) => {}
            Ok(Activation::New) => {
                if tell == Tell::All
                    && let Some(serving) = self.serving(&name)
                {
                    self.notify(&name, Kind::Done, format!("Plugin '{name}' is active: {serving}."));
                }
                self.audience.changed(&name).await;
            }
            Err(refused) => {
                self.tell_of(&name, &digest, &refused).await;
                self.audience.changed(&name).await;
            }
        }
    }

    /// Notifies a rejection, or asks the owner about a version that only needs approval.
    pub(super) async fn tell_of(&mut self, name: &str, digest: &str, refused: &PluginError) {
        match refused {
            PluginError::NotGranted { missing, .. } => self.park(name, digest, missing).await,
            // A configuration change tries the version again. The same rejection isn't notified twice.
            refused => {
                let told = (digest.to_owned(), refused.to_string());
                if self.refused.insert(name.to_owned(), told.clone()) != Some(told) {
                    self.tell_refused(name, refused);
                }
            }
        }
    }

    fn tell_refused(&mut self, name: &str, refused: &PluginError) {
        let why = self.told(refused);
        let text = format!("Plugin '{name}' was rejected: {why}.{}", self.goes_on(name));
        self.notify(name, Kind::Trouble, text);
    }

    /// Handles a change of the plugin folder: a fault, or the end of one.
    pub async fn on_folder(&mut self, fault: Option<String>) {
        let text = match &fault {
            Some(why) => {
                tracing::warn!(why, "the plugin folder cannot be used");
                format!("The plugin folder can't be used, and the active versions stay active: failed to {why}.")
            }
            None => "The plugin folder can be used again.".to_owned(),
        };
        let is_well = fault.is_none();
        self.plugs().show_folder(fault.map(|why| (why, self.clock.now()))).await;
        let kind = if is_well { Kind::Done } else { Kind::Trouble };
        self.notify(FOLDER, kind, text);
        if is_well {
            // Versions may have become due or been granted while their files weren't usable.
            self.resettle(BTreeSet::new()).await;
        }
    }

    pub async fn on_unreadable(&mut self, name: &str, why: String) {
        // With the wording of `cordboard plugin check`, which doesn't use the watcher.
        let refused = if is_plugin_name(name) {
            PluginError::Read(self.supply.unusable(name, &why))
        } else {
            PluginError::Name(name.to_owned())
        };
        tracing::warn!(plugin = name, serves = self.generation(name), why = %refused, "version rejected");
        self.give_up_file(name).await;
        self.plugs().record_rejection(name, "", (&refused, self.clock.now())).await;
        self.tell_refused(name, &refused);
    }

    /// Handles the removal of a plugin's file.
    pub async fn on_gone(&mut self, name: &str) {
        tracing::info!(plugin = name, "plugin file removed");
        self.cancel(name).await;
        self.supply.forget(name).await;
        if self.supply.decided.standing(name).disabled.is_some() {
            return;
        }
        self.stand(name, |standing| standing.clear_rollbacks()).await;
        let before = self.generation(name);
        match self.supply.remove_plugin(name, (&(self.settings)(name), self.clock.now())).await {
            Ok(()) => self.tell_gone(name, before),
            Err(refused) => self.tell_refused(name, &refused),
        }
        self.audience.changed(name).await;
    }

    /// Notifies the removal, unless no version of the file was active.
    fn tell_gone(&mut self, name: &str, before: Option<u32>) {
        match self.generation(name) {
            None if before.is_some() => {
                self.notify(name, Kind::Done, format!("Plugin '{name}' is no longer active: its file was removed."));
            }
            Some(number) if before != Some(number) => {
                let text = format!("Plugin '{name}' is the built-in version again: generation {number}.");
                self.notify(name, Kind::Done, text);
            }
            Some(_) | None => {}
        }
    }

    /// Returns the generation number of the active version.
    fn generation(&self, name: &str) -> Option<u32> {
        self.plugs().table().generation(name).map(|generation| generation.number)
    }

    /// Applies new settings to these plugins, and tries the versions again that wait for other settings.
    pub async fn resettle(&mut self, mut names: BTreeSet<String>) {
        for name in names.iter().filter(|name| self.jobs.is_running(name)) {
            let settings = self.settings_of(name);
            // A revocation takes effect at once and doesn't wait for the outcome of the running job.
            self.plugs().follow(name, "", (&settings, self.clock.now())).await;
            self.jobs.resettle(name, settings);
        }
        let table = self.plugs().table();
        let waits = |health| {
            matches!(health, Health::UpdateRejected | Health::RolledBack | Health::Rejected | Health::PendingApproval)
        };
        let waiting = table.statuses().filter(|status| waits(status.health));
        let waiting: BTreeSet<String> = waiting.map(|status| status.name).collect();
        names.extend(waiting.iter().cloned());
        for name in names {
            if self.jobs.is_running(&name) || self.supply.decided.standing(&name).disabled.is_some() {
                continue;
            }
            let fresh = waiting.contains(&name) || table.generation(&name).is_none();
            let tell = if fresh { Tell::All } else { Tell::RefusalAlone };
            match self.supply.file_of(&name).await {
                Some(version) if self.is_admitted(&name, &version.digest) => {
                    self.start(&name, version, Purpose::File(tell)).await;
                }
                Some(_) | None => self.reconfigure(name, tell).await,
            }
        }
    }

    fn is_admitted(&self, name: &str, digest: &str) -> bool {
        let admission = self.supply.decided.standing(name).admits(digest, self.clock.now());
        admission == cordboard_core::rollout::Admission::Admitted
    }

    async fn reconfigure(&mut self, name: String, tell: Tell) {
        let table = self.plugs().table();
        let held = table.entry(&name).and_then(|entry| entry.turned.clone());
        // An embedded plugin without an active version may be activated under the new settings.
        let Some(digest) = table.generation(&name).map(|one| one.digest.clone()) else {
            if let Some(version) = self.supply.newest(&name).await.filter(|one| self.is_admitted(&name, &one.digest)) {
                self.start(&name, version, Purpose::File(tell)).await;
            }
            return;
        };
        let outcome = self.supply.reconfigure(&name, (&(self.settings)(&name), self.clock.now())).await;
        let outcome = self.or_the_one_before(&name, &digest, outcome).await;
        if let (Ok(_), Some(turned)) = (&outcome, held.filter(|turned| turned.digest != digest)) {
            // The reason against the newest version still applies.
            self.plugs().restore_rejection(&name, turned).await;
        }
        self.on_file_plugged(ActivePlugin { name, digest, outcome }, tell).await;
    }
}
