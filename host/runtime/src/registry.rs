//! The plugin registry: owns the active snapshot and activates new versions in it. Calls don't wait for an activation,
//! and an activation doesn't wait for calls.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use cordboard_core::types::Timestamp;
use tokio::sync::Mutex;

use super::{
    cache::Cache,
    compile::Compiler,
    component_info::ComponentInfo,
    digest::{digest, short},
    engine::{SharedEngine, linker::Linkers},
    error::PluginError,
    exports::Invoker,
    probation::Probation,
    settings::PluginSettings,
    trial,
};

mod active_snapshot;
mod calls;
pub mod snapshot;
pub mod version;

use active_snapshot::ActiveSnapshot;
use snapshot::{ActivePlugin, Offers, RejectReason, RejectedVersion, Snapshot};
use version::{Artifact, PluginVersion, VersionMeta};

pub struct Registry {
    table: ActiveSnapshot,
    compiler: Compiler,
    caller: Invoker,
    linkers: Linkers,
    /// Serializes updates. Each builds the next snapshot from the current one, so concurrent updates would lose
    /// changes.
    swapping: Mutex<()>,
}

/// A compiled version that is ready to be linked, or the reason why it was rejected.
pub struct Compiled {
    pub name: String,
    pub digest: String,
    pub artifact: Result<Artifact, PluginError>,
    tried: Option<Tried>,
}

/// The result of a trial that ran before the activation. It is valid for these settings only.
struct Tried {
    settings: PluginSettings,
    offers: Result<Offers, PluginError>,
}

impl Compiled {
    pub const fn new(name: String, digest: String, artifact: Result<Artifact, PluginError>) -> Self {
        Self { name, digest, artifact, tried: None }
    }
}

/// The reason for an activation, which decides about the probation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationMode {
    /// A version that becomes active starts a probation. An active version with new settings keeps its probation.
    New,
    /// Like `New`, but activates the version again and restarts its probation even if it is already active.
    Forced,
    /// A version that was active before. It is trusted and has no probation.
    Previous,
    /// The version that was active when the previous host process ended, with the rest of its probation and its failed
    /// calls.
    Resumed { left: Duration, failed: u32 },
}

/// The result of an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The same bytes with the same settings are already active.
    Unchanged,
    New,
}

impl Registry {
    /// `cache` stores compiled artifacts, `program` is this binary for the compiling child, and `parallel` is the
    /// number of concurrent calls from `[plugins] parallel`.
    pub fn start(cache: impl Into<Cache>, program: PathBuf, parallel: u32) -> io::Result<Self> {
        let engine = SharedEngine::start(parallel).map_err(io::Error::other)?;
        let compiler = Compiler::new(engine.clone(), cache.into(), program)?;
        let table = ActiveSnapshot::new(Snapshot::default());
        let linkers = Linkers::new(engine.clone());
        Ok(Self { table, compiler, linkers, caller: Invoker::new(engine, parallel), swapping: Mutex::new(()) })
    }

    /// The current snapshot.
    pub fn table(&self) -> Arc<Snapshot> {
        self.table.load_full()
    }

    /// Fixes the wall clock of guests at `at`, until the next call of this function.
    pub fn stop_clock(&self, at: Timestamp) {
        self.caller.engine().time().stop(at);
    }

    /// Compiles, links, tries and activates a version. If any step fails, the previous version stays active and
    /// `/plugins` shows the reason.
    pub async fn activate_wasm(
        &self,
        name: &str,
        wasm: &[u8],
        context: (&PluginSettings, Timestamp),
    ) -> Result<Activation, PluginError> {
        let digest = digest(wasm);
        let compiled = match context.0.check_pin(name, &digest) {
            Ok(()) => self.compile(name, digest, wasm).await,
            Err(refused) => Compiled::new(name.to_owned(), digest, Err(refused)),
        };
        self.activate(compiled, context, ActivationMode::New).await
    }

    pub(super) const fn engine(&self) -> &SharedEngine {
        self.caller.engine()
    }

    /// Whether the cache has an artifact for these bytes.
    pub fn is_compiled(&self, name: &str, digest: &str) -> bool {
        self.compiler.cached(name, digest).is_some()
    }

    /// Compiles a component and returns its imports and exports, without activating it.
    pub async fn look(&self, name: &str, wasm: &[u8]) -> Result<ComponentInfo, PluginError> {
        let artifact = self.compiler.artifact(name, digest(wasm), wasm).await?;
        Ok(ComponentInfo::at(self.caller.engine(), &artifact))
    }

    /// The first half of an activation: compiles a version. It may take seconds. It changes no state, so its future can
    /// be dropped.
    pub async fn compile(&self, name: &str, digest: String, wasm: &[u8]) -> Compiled {
        let artifact = match self.compiler.cached(name, &digest) {
            Some(artifact) => Ok(artifact),
            None => self.compiler.artifact(name, digest.clone(), wasm).await,
        };
        Compiled::new(name.to_owned(), digest, artifact)
    }

    /// Runs the trial of a version before its activation with these settings. It may take as long as a call. It changes
    /// nothing but `compiled`, so its future can be dropped.
    pub async fn run_trial(&self, compiled: &mut Compiled, settings: PluginSettings, entrance: ActivationMode) {
        let Ok(artifact) = &compiled.artifact else { return };
        let table = self.table();
        let serving = table.generation(&compiled.name);
        if settings.check_pin(&compiled.name, &compiled.digest).is_err()
            || serves(serving, (artifact, &settings), entrance)
        {
            return;
        }
        // A version with missing grants fails to link. The activation then reports that.
        let birth = VersionMeta { number: 0, since: Timestamp(0), probation: None };
        if let Ok(generation) = PluginVersion::link(&self.linkers, artifact, &settings, birth) {
            let offers = trial::offers(self.caller.engine(), &Arc::new(generation)).await;
            compiled.tried = Some(Tried { settings, offers });
        }
    }

    /// The second half of an activation: links the version, runs its trial unless one ran with these settings, and
    /// publishes it. The future must run to completion, otherwise a rejection may not be recorded.
    pub async fn activate(
        &self,
        compiled: Compiled,
        (settings, now): (&PluginSettings, Timestamp),
        entrance: ActivationMode,
    ) -> Result<Activation, PluginError> {
        let Compiled { name, digest, artifact, tried } = compiled;
        let plugged = match artifact {
            Ok(artifact) => self.link_and_publish((&artifact, tried), (settings, now), entrance).await,
            Err(refused) => Err(refused),
        };
        if let Err(why) = &plugged {
            self.follow(&name, &digest, (settings, now)).await;
            let serves = self.table().generation(&name).map(|generation| generation.number);
            match why {
                // This isn't a warning, because the owner gets an approval request.
                PluginError::NotGranted { .. } => {
                    tracing::info!(plugin = name, digest = short(&digest), serves, %why, "version pending approval");
                }
                _ => tracing::warn!(plugin = name, digest = short(&digest), serves, %why, "version rejected"),
            }
            self.record_rejection(&name, &digest, (why, now)).await;
        }
        plugged
    }

    /// Applies new settings to the active version. If they don't fit, the old settings stay in effect.
    pub async fn reconfigure(
        &self,
        name: &str,
        (settings, now): (&PluginSettings, Timestamp),
    ) -> Result<Activation, PluginError> {
        let Some(artifact) = self.table().generation(name).map(|generation| generation.artifact.clone()) else {
            return Ok(Activation::Unchanged);
        };
        let compiled = Compiled::new(name.to_owned(), artifact.digest.clone(), Ok(artifact));
        self.activate(compiled, (settings, now), ActivationMode::New).await
    }

    /// Records the reason why a version was rejected, also for one that could not be read.
    pub async fn record_rejection(&self, name: &str, digest: &str, (why, now): (&PluginError, Timestamp)) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().turning(name, RejectedVersion::new(digest, why, now))));
    }

    /// Records an earlier rejection again, after the active version got new settings.
    pub async fn restore_rejection(&self, name: &str, turned: RejectedVersion) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().turning(name, turned)));
    }

    /// Replaces the reason for which the newest version is rejected.
    pub async fn hold(&self, name: &str, hold: RejectReason) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().holding(name, hold)));
    }

    /// Shows that a version is being compiled, or with `None` that no compilation is running.
    pub async fn show_compiling(&self, name: &str, version: Option<(String, Timestamp)>) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().compiling(name, version)));
    }

    /// Sets the plugin that decides when idle agents are stopped.
    pub async fn set_lifecycle(&self, policy: &str) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().with_lifecycle(policy)));
    }

    /// Shows what is wrong with the plugin folder, and since when.
    pub async fn show_folder(&self, fault: Option<(String, Timestamp)>) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().with_folder_fault(fault)));
    }

    pub async fn remove_plugin(&self, name: &str) {
        let _swapping = self.swapping.lock().await;
        let table = self.table();
        self.table.store(Arc::new(table.without(name)));
        retire(&table, name);
    }

    /// Deactivates a plugin, and shows why and since when.
    pub async fn disable(&self, name: &str, off: (String, Timestamp)) {
        let _swapping = self.swapping.lock().await;
        let table = self.table();
        self.table.store(Arc::new(table.disabling(name, off)));
        retire(&table, name);
    }

    /// Waits for a failed call of a version on probation. It may also complete spuriously.
    pub async fn fallen(&self) {
        self.caller.fallen.notified().await;
    }

    /// Returns the changed counts of failed calls for active versions on probation: name, digest and count.
    pub fn take_failed(&self) -> Vec<(String, String, u32)> {
        let table = self.table();
        let serving = table.names().filter_map(|name| table.generation(name));
        let failed = |one: &Arc<PluginVersion>| {
            Some((one.name.clone(), one.digest.clone(), one.probation.as_ref()?.take_failed()?))
        };
        serving.filter_map(failed).collect()
    }

    /// Returns the active versions that are due for a rollback. Each is returned only once.
    pub fn take_due_rollbacks(&self) -> Vec<Arc<PluginVersion>> {
        let table = self.table();
        let serving = table.names().filter_map(|name| table.generation(name));
        let fell =
            |generation: &&Arc<PluginVersion>| generation.probation.as_ref().is_some_and(|one| one.take_due_rollback());
        serving.filter(fell).cloned().collect()
    }

    /// Applies the current settings to the active version after another version was rejected or isn't available. If
    /// they don't fit, the active version keeps its old settings, unless those exceed the current ones.
    pub async fn follow(&self, name: &str, refused: &str, context: (&PluginSettings, Timestamp)) {
        let table = self.table();
        let behind = |one: &&Arc<PluginVersion>| one.digest != refused && !one.is_set(context.0);
        if let Some(serving) = table.generation(name).filter(behind) {
            match self.link_and_publish((&serving.artifact, None), context, ActivationMode::New).await {
                Ok(_) => return,
                Err(why) => tracing::warn!(plugin = name, %why, "the active version cannot use the current settings"),
            }
        }
        self.withdraw(name, context.0).await;
    }

    /// Deactivates the active version if it uses something that `settings` no longer grants. A revoked grant takes
    /// effect immediately, even if no other version can replace this one.
    async fn withdraw(&self, name: &str, settings: &PluginSettings) {
        let _swapping = self.swapping.lock().await;
        let table = self.table();
        if table.generation(name).is_some_and(|serving| serving.exceeds(settings)) {
            tracing::warn!(plugin = name, "version deactivated: the current configuration does not allow it");
            self.table.store(Arc::new(table.without(name)));
            if let Some(serving) = table.generation(name) {
                serving.profile.retirement.begin(Duration::ZERO);
            }
        }
    }

    async fn link_and_publish(
        &self,
        (artifact, tried): (&Artifact, Option<Tried>),
        (settings, now): (&PluginSettings, Timestamp),
        entrance: ActivationMode,
    ) -> Result<Activation, PluginError> {
        let _swapping = self.swapping.lock().await;
        settings.check_pin(&artifact.name, &artifact.digest)?;
        let table = self.table();
        let entry = table.entry(&artifact.name);
        let serving = entry.and_then(|entry| entry.plugged.as_ref()).map(|plugged| &plugged.generation);
        if serves(serving, (artifact, settings), entrance) {
            // The active version is the newest one again, so the rejected version no longer exists.
            if entry.is_some_and(|entry| entry.turned.is_some()) {
                self.table.store(Arc::new(table.kept(&artifact.name)));
            }
            return Ok(Activation::Unchanged);
        }
        let number = table.next_number(&artifact.name);
        let birth = VersionMeta { number, since: now, probation: probation(entrance, serving, (artifact, settings)) };
        let generation = Arc::new(PluginVersion::link(&self.linkers, artifact, settings, birth)?);
        let offers = match tried.filter(|tried| tried.settings == *settings) {
            Some(tried) => tried.offers?,
            None => trial::offers(self.caller.engine(), &generation).await?,
        };
        let offers = Arc::new(offers);
        let has_fallen = generation.probation.as_ref().is_some_and(|probation| probation.rollback_is_due());
        self.table.store(Arc::new(table.with(ActivePlugin { generation, offers })?));
        if has_fallen {
            self.caller.fallen.notify_one();
        }
        if let Some(replaced) = serving {
            replaced.profile.retirement.begin(settings.terms.drain);
        }
        tracing::info!(
            plugin = artifact.name,
            digest = short(&artifact.digest),
            generation = number,
            "version activated"
        );
        Ok(Activation::New)
    }
}

/// Whether the version is already active with these settings.
fn serves(
    serving: Option<&Arc<PluginVersion>>,
    (artifact, settings): (&Artifact, &PluginSettings),
    entrance: ActivationMode,
) -> bool {
    let same = |one: &&Arc<PluginVersion>| one.digest == artifact.digest && one.is_set(settings);
    entrance != ActivationMode::Forced && serving.filter(same).is_some()
}

/// Returns the probation of the activated version. New bytes start one, and new settings keep that of the active
/// version.
fn probation(
    entrance: ActivationMode,
    serving: Option<&Arc<PluginVersion>>,
    (artifact, settings): (&Artifact, &PluginSettings),
) -> Option<Arc<Probation>> {
    let same = serving.filter(|serving| serving.digest == artifact.digest);
    match (entrance, same) {
        (ActivationMode::Previous, _) => None,
        (ActivationMode::Resumed { left, failed }, _) => {
            Some(Arc::new(Probation::resume(settings.terms, (left, failed))))
        }
        (ActivationMode::New, Some(serving)) => serving.probation.clone(),
        (ActivationMode::New, None) | (ActivationMode::Forced, _) => Some(Arc::new(Probation::begin(settings.terms))),
    }
}

/// Starts draining the running calls of the active version, which is being removed from the snapshot.
fn retire(table: &Snapshot, name: &str) {
    if let Some(serving) = table.generation(name) {
        serving.profile.retirement.begin(serving.terms.drain);
    }
}
