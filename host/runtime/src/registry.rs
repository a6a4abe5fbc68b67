//! The plugin registry: owns the active snapshot, compiles and tries versions, and activates them. It must not decide
//! which version should be active. Calls don't wait for an activation, and an activation doesn't wait for calls.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use cordboard_core::{
    rollout::{RejectReason, RejectedVersion, TryMode, short},
    types::Timestamp,
};
use tokio::sync::Mutex;

use super::{
    cache::Cache,
    compile::Compiler,
    component_info::ComponentInfo,
    digest::digest,
    engine::{SharedEngine, linker::Linkers},
    error::PluginError,
    exports::Invoker,
    settings::PluginSettings,
    trial,
};

mod active_snapshot;
mod calls;
pub mod snapshot;
pub mod version;

use active_snapshot::ActiveSnapshot;
use snapshot::{ActivePlugin, Offers, RolloutStatus, Snapshot};
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

/// A version that has passed its trial. The trial is valid for these settings only.
pub struct Candidate {
    artifact: Artifact,
    settings: PluginSettings,
    offers: Arc<Offers>,
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

    /// Compiles, tries and activates a version at once, without the rules of a rollout. If any step fails, the previous
    /// version stays active and the status shows the reason.
    pub async fn activate_wasm(
        &self,
        name: &str,
        wasm: &[u8],
        (settings, now): (&PluginSettings, Timestamp),
    ) -> Result<Activation, PluginError> {
        let digest = digest(wasm);
        let compiled = match settings.check_pin(name, &digest) {
            Ok(()) => self.compile(name, digest.clone(), wasm).await,
            Err(refused) => Err(refused),
        };
        let activated = match compiled {
            Ok(artifact) => self.activate(&artifact, (settings, now)).await,
            Err(refused) => Err(refused),
        };
        self.show_outcome(name, &digest, (activated, now)).await
    }

    /// Applies new settings to the active version, without the rules of a rollout. If they don't fit, the old settings
    /// stay in effect, unless those exceed the new ones.
    pub async fn reconfigure(
        &self,
        name: &str,
        (settings, now): (&PluginSettings, Timestamp),
    ) -> Result<Activation, PluginError> {
        let Some(artifact) = self.artifact(name) else { return Ok(Activation::Unchanged) };
        let activated = self.activate(&artifact, (settings, now)).await;
        if activated.is_err() && self.exceeds(name, settings) {
            self.remove_plugin(name, Duration::ZERO).await;
        }
        self.show_outcome(name, &artifact.digest, (activated, now)).await
    }

    async fn activate(
        &self,
        artifact: &Artifact,
        (settings, now): (&PluginSettings, Timestamp),
    ) -> Result<Activation, PluginError> {
        match self.try_version(artifact, settings, TryMode::IfChanged).await? {
            Some(candidate) => self.publish(candidate, settings.terms.drain, now).await.map(|_| Activation::New),
            None => Ok(Activation::Unchanged),
        }
    }

    async fn show_outcome(
        &self,
        name: &str,
        digest: &str,
        (activated, now): (Result<Activation, PluginError>, Timestamp),
    ) -> Result<Activation, PluginError> {
        let rejected = activated.as_ref().err().map(|why| {
            let missing = why.missing();
            let reason = if missing.is_empty() {
                RejectReason::Rejected
            } else {
                RejectReason::PendingApproval(missing.to_vec())
            };
            let (why, operator_text) = (why.to_string(), why.to_string());
            RejectedVersion { digest: digest.to_owned(), why, operator_text, at: now, reason }
        });
        self.show(name, RolloutStatus { rejected, ..RolloutStatus::default() }).await;
        activated
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

    /// Compiles a version. It may take seconds. It changes no state, so its future can be dropped.
    pub async fn compile(&self, name: &str, digest: String, wasm: &[u8]) -> Result<Artifact, PluginError> {
        match self.compiler.cached(name, &digest) {
            Some(artifact) => Ok(artifact),
            None => self.compiler.artifact(name, digest, wasm).await,
        }
    }

    /// The compiled code of the version, if it is in the cache.
    pub fn cached(&self, name: &str, digest: &str) -> Option<Artifact> {
        self.compiler.cached(name, digest)
    }

    /// The compiled code of the active version.
    pub fn artifact(&self, name: &str) -> Option<Artifact> {
        self.table().generation(name).map(|generation| generation.artifact.clone())
    }

    /// Links the version with these settings, and asks it for its offers. `None` if it is active with these settings. It
    /// may take as long as a call. It changes no state, so its future can be dropped.
    pub async fn try_version(
        &self,
        artifact: &Artifact,
        settings: &PluginSettings,
        mode: TryMode,
    ) -> Result<Option<Box<Candidate>>, PluginError> {
        settings.check_pin(&artifact.name, &artifact.digest)?;
        let is_same = |one: &Arc<PluginVersion>| one.digest == artifact.digest && one.is_set(settings);
        if mode == TryMode::IfChanged && self.table().generation(&artifact.name).is_some_and(is_same) {
            return Ok(None);
        }
        let generation = PluginVersion::link(&self.linkers, artifact, settings, VersionMeta::default())?;
        let offers = Arc::new(trial::offers(self.caller.engine(), &Arc::new(generation)).await?);
        Ok(Some(Box::new(Candidate { artifact: artifact.clone(), settings: settings.clone(), offers })))
    }

    /// Activates the version, and returns the number of its generation. Running calls of the version that it replaces
    /// get `drain`.
    pub async fn publish(
        &self,
        candidate: Box<Candidate>,
        drain: Duration,
        now: Timestamp,
    ) -> Result<u32, PluginError> {
        let _swapping = self.swapping.lock().await;
        let Candidate { artifact, settings, offers } = *candidate;
        let table = self.table();
        let (serving, number) = (table.generation(&artifact.name), table.next_number(&artifact.name));
        let same = serving.filter(|serving| serving.digest == artifact.digest);
        let failed_calls = same.map(|serving| Arc::clone(&serving.failed_calls)).unwrap_or_default();
        let birth = VersionMeta { number, since: now, failed_calls };
        let generation = Arc::new(PluginVersion::link(&self.linkers, &artifact, &settings, birth)?);
        self.table.store(Arc::new(table.with(ActivePlugin { generation, offers })?));
        if let Some(replaced) = serving {
            replaced.profile.retirement.begin(drain);
        }
        tracing::info!(
            plugin = artifact.name,
            digest = short(&artifact.digest),
            generation = number,
            "version activated"
        );
        Ok(number)
    }

    /// Whether the active version uses what `settings` no longer grants.
    pub fn exceeds(&self, name: &str, settings: &PluginSettings) -> bool {
        self.table().generation(name).is_some_and(|serving| serving.exceeds(settings))
    }

    /// Shows the state of a plugin's rollout.
    pub async fn show(&self, name: &str, status: RolloutStatus) {
        let _swapping = self.swapping.lock().await;
        let table = self.table();
        if table.entry(name).map_or_else(RolloutStatus::default, |entry| entry.rollout.clone()) != status {
            self.table.store(Arc::new(table.with_status(name, status)));
        }
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

    /// Deactivates a plugin. Its running calls get `drain`.
    pub async fn remove_plugin(&self, name: &str, drain: Duration) {
        let _swapping = self.swapping.lock().await;
        let table = self.table();
        self.table.store(Arc::new(table.without(name)));
        if let Some(serving) = table.generation(name) {
            serving.profile.retirement.begin(drain);
            tracing::info!(plugin = name, generation = serving.number, "version deactivated");
        }
    }

    /// Waits for a failed call. It may also complete spuriously.
    pub async fn failed(&self) {
        self.caller.failed.notified().await;
    }

    /// Returns the failed calls of active versions since the last call of this function: name, digest, number of calls
    /// and the reason of the last one.
    pub fn take_failed(&self) -> Vec<(String, String, u32, String)> {
        let table = self.table();
        let serving = table.names().filter_map(|name| table.generation(name));
        let failed = serving.filter_map(|one| {
            let (calls, last) = one.failed_calls.take()?;
            Some((one.name.clone(), one.digest.clone(), calls, last))
        });
        failed.collect()
    }
}
