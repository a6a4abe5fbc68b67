//! Rolls back versions that fail during probation, and tries them again after a growing backoff.

use cordboard_core::config::spell_duration;
use cordboard_runtime::{Activation, PluginError, PluginVersion, short};

use super::{
    ActivePlugin, Rollout,
    builds::{Purpose, Tell},
    notices::Kind,
};
use crate::plugin_sources::{Version, held_off, next_chance};

/// A version that failed its probation.
pub struct Fallen {
    digest: String,
    /// The number of calls that failed during probation, and the last failure.
    how: String,
    /// A newer file with other bytes, which is tried after the rollback.
    pub next: Option<Version>,
}

/// Returns the number of failed calls, including those before a restart, and the last failure.
fn mishaps(generation: &PluginVersion) -> (u32, String) {
    let counted = generation.probation.as_ref().map_or(0, |probation| probation.failed());
    let (seen, last) = generation.mishaps().unwrap_or_else(|| (0, "before the host's last restart".to_owned()));
    (seen.max(counted), last)
}

impl Rollout {
    /// Handles failed calls during probation. The failures are stored first, so that a restart doesn't reset them;
    /// then failed versions are rolled back.
    pub(super) async fn on_failed(&mut self) {
        for (name, digest, failed) in self.plugs().take_failed() {
            self.stand(&name, |standing| standing.on_failed(&digest, failed)).await;
        }
        self.on_fallen().await;
    }

    async fn on_fallen(&mut self) {
        for generation in self.plugs().take_due_rollbacks() {
            let (count, last) = mishaps(&generation);
            let probation = generation.terms.probation;
            let how = format!(
                "{count} call{} failed within {} of its activation, the last one {last}",
                if count == 1 { "" } else { "s" },
                spell_duration(probation)
            );
            let (name, digest) = (generation.name.as_str(), generation.digest.as_str());
            tracing::warn!(plugin = name, digest = short(digest), how, "version failed its probation");
            match self.supply.before(name, digest).await {
                Some(version) => {
                    let now = self.clock.now();
                    self.stand(name, |standing| standing.on_rolled_back(digest, &last, (now, probation))).await;
                    // Cancel the compilation of a newer file: nothing may delay the rollback.
                    let next = self.jobs.other_file(name, digest);
                    let fallen = Fallen { digest: digest.to_owned(), how, next };
                    self.start(name, version, Purpose::Rollback(fallen)).await;
                }
                None => {
                    let text = format!(
                        "Plugin '{name}', version {}: {how}. There is no earlier version, so it stays active. Use /plugins disable {name} to disable it.",
                        short(digest)
                    );
                    self.notify(name, Kind::Trouble, text);
                }
            }
        }
    }

    pub(super) async fn on_rolled_back(&mut self, plugged: ActivePlugin, mut fallen: Fallen) {
        let name = plugged.name.clone();
        let next = fallen.next.take();
        self.tell_rolled_back(plugged, fallen).await;
        if let Some(next) = next {
            self.offer(&name, next, Tell::All).await;
        }
    }

    async fn tell_rolled_back(&mut self, plugged: ActivePlugin, fallen: Fallen) {
        let ActivePlugin { name, outcome, .. } = plugged;
        let Fallen { digest, how, next: _ } = fallen;
        let (version, now) = (short(&digest).to_owned(), self.clock.now());
        if let Err(refused) = outcome
            && !self.fall_back_further(&name, &digest, &refused).await
        {
            let text = format!(
                "Plugin '{name}', version {version}: {how}. It could not be rolled back, because the previous version was rejected: {refused}.{}",
                self.goes_on(&name)
            );
            self.notify(&name, Kind::Trouble, text);
            return self.audience.changed(&name).await;
        }
        let admission = self.supply.decided.standing(&name).admits(&digest, now);
        let chance = next_chance(&name, &digest, (&admission, now));
        let why = held_off(&name, &digest, (&admission, now)).unwrap_or_else(|| chance.clone());
        self.plugs().record_rejection(&name, &digest, (&PluginError::NotAdmitted(why), now)).await;
        let serving = self.serving(&name).unwrap_or_default();
        tracing::warn!(plugin = name, serving, "version rolled back");
        let text =
            format!("Plugin '{name}', version {version}, is rolled back: {how}.\nActive now: {serving}; {chance}.");
        self.notify(&name, Kind::Trouble, text);
        self.audience.changed(&name).await;
    }

    /// Rolls back to an older or the built-in version, because the previous version was rejected, for example after it
    /// lost a grant. Returns whether the failing version is no longer active.
    async fn fall_back_further(&self, name: &str, failing: &str, refused: &PluginError) -> bool {
        let context = (&(self.settings)(name), self.clock.now());
        let _refused_still: Result<Activation, PluginError> =
            self.supply.go_back(name, failing, (refused.clone(), context)).await;
        self.plugs().table().generation(name).is_some_and(|serving| serving.digest != failing)
    }

    /// Handles the end of a version's backoff: the version is tried again if it is still the newest.
    pub(super) async fn on_due(&mut self, name: &str) {
        let (now, mut due) = (self.clock.now(), Vec::new());
        self.stand(name, |standing| due = standing.take_due(now)).await;
        if self.jobs.is_running(name) || self.supply.folder_fault().is_some() {
            return;
        }
        let serving = self.plugs().table().generation(name).map(|one| one.digest.clone());
        let is_due = |one: &Version| due.contains(&one.digest) && serving.as_deref() != Some(&one.digest);
        let Some(version) = self.supply.newest(name).await.filter(is_due) else { return };
        tracing::info!(plugin = name, digest = short(&version.digest), "trying a version again after its backoff");
        self.start(name, version, Purpose::File(Tell::All)).await;
    }
}
