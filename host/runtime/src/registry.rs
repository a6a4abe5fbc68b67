//! The plugin registry: owns the active snapshot, compiles and tries versions, and activates them. It must not decide
//! which version should be active. Calls don't wait for an activation, and an activation doesn't wait for calls.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use cordboard_core::{
    rollout::{RejectReason, RejectedVersion, TryMode, short},
    type_erased::TypeErased,
    types::Timestamp,
};
use tokio::sync::{Mutex, Notify, Semaphore, watch};

use super::{
    cache::Cache,
    compile::Compiler,
    component_info::ComponentInfo,
    digest::digest,
    engine::{AT_ONCE_CALLS, FILTER_CALLS, SharedEngine, linker::Linkers},
    error::PluginError,
    plugin_settings::PluginSettings,
    trial,
};

pub mod snapshot;
pub mod version;

use snapshot::{ActivePlugin, FolderFault, Offers, RolloutStatus, Snapshot};
use version::{Artifact, PluginVersion};

pub struct Registry {
    /// The active snapshot. Calls load it without a lock.
    active: TypeErased<ArcSwap<Snapshot>>,
    changed: watch::Sender<u64>,
    engine: SharedEngine,
    compiler: Compiler,
    linkers: TypeErased<Linkers>,
    /// Serializes updates. Each update builds the next snapshot from the current one, so concurrent updates would lose
    /// changes.
    updating: Mutex<()>,
    pub(super) permits: Semaphore,
    pub(super) at_once_permits: Semaphore,
    pub(super) filter_permits: Semaphore,
    /// Notified when a call fails.
    pub(super) failed_call: Notify,
}

/// A version that has passed its trial. It must not be activated if the settings have changed since it was linked.
pub struct Candidate {
    version: PluginVersion,
    offers: Arc<Offers>,
}

/// The result of an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The same bytes with the same settings are already active.
    Unchanged,
    New,
}

/// A version's failed calls since the last call to [`Registry::take_failed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedVersion {
    pub plugin: String,
    pub digest: String,
    pub calls: u32,
    /// The reason why the last call failed.
    pub last: String,
}

impl Registry {
    /// Starts the engine. `cache` stores compiled artifacts, `program` is the binary that compiles them in a child
    /// process, and `parallel` is the maximum number of concurrent calls, not counting `at-once` commands
    /// and filters.
    pub fn start(cache: impl Into<Cache>, program: PathBuf, parallel: u32) -> io::Result<Self> {
        let engine = SharedEngine::start(parallel).map_err(io::Error::other)?;
        Ok(Self {
            active: TypeErased::new(ArcSwap::default()),
            changed: watch::Sender::new(0),
            compiler: Compiler::new(engine.clone(), cache.into(), program)?,
            linkers: TypeErased::new(Linkers::new(engine.clone())),
            engine,
            updating: Mutex::new(()),
            permits: Semaphore::new(parallel as usize),
            at_once_permits: Semaphore::new(AT_ONCE_CALLS as usize),
            filter_permits: Semaphore::new(FILTER_CALLS as usize),
            failed_call: Notify::new(),
        })
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.active.load_full()
    }

    /// Returns a counter that changes whenever the snapshot is replaced, even if the new one only records a rejected
    /// version.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn store(&self, snapshot: Snapshot) {
        self.active.store(Arc::new(snapshot));
        self.changed.send_modify(|count| *count += 1);
    }

    /// Fixes the wall clock of guests at `at` for all calls that start later.
    pub fn fix_clock(&self, at: Timestamp) {
        self.engine.time().fix(at);
    }

    /// Compiles, tries and activates a version immediately, without a rollout machine. If any step fails, the previous
    /// version stays active and the status shows the reason.
    pub async fn activate_wasm(
        &self,
        name: &str,
        wasm: &[u8],
        settings: &PluginSettings,
        now: Timestamp,
    ) -> Result<Activation, PluginError> {
        let digest = digest(wasm);
        let activated = async {
            settings.check_pin(name, &digest)?;
            let artifact = self.compile(name, digest.clone(), wasm).await?;
            self.activate(&artifact, settings, now).await
        };
        let activated = activated.await;
        self.show_outcome(name, &digest, &activated, now).await;
        activated
    }

    /// Applies new settings to the active version, without a rollout machine. If the version can't be activated with
    /// them, its old settings stay in effect. If it also [exceeds](Self::exceeds) the new settings, it is deactivated
    /// instead.
    pub async fn reconfigure(
        &self,
        name: &str,
        settings: &PluginSettings,
        now: Timestamp,
    ) -> Result<Activation, PluginError> {
        let Some(artifact) = self.artifact(name) else { return Ok(Activation::Unchanged) };
        let activated = self.activate(&artifact, settings, now).await;
        if activated.is_err() && self.exceeds(name, settings) {
            self.remove_plugin(name, Duration::ZERO).await;
        }
        self.show_outcome(name, &artifact.digest, &activated, now).await;
        activated
    }

    async fn activate(
        &self,
        artifact: &Artifact,
        settings: &PluginSettings,
        now: Timestamp,
    ) -> Result<Activation, PluginError> {
        match self.try_version(artifact, settings, TryMode::IfChanged).await? {
            Some(candidate) => self.publish(candidate, settings.rollout.drain, now).await.map(|_| Activation::New),
            None => Ok(Activation::Unchanged),
        }
    }

    async fn show_outcome(
        &self,
        name: &str,
        digest: &str,
        activated: &Result<Activation, PluginError>,
        now: Timestamp,
    ) {
        let rejected = activated.as_ref().err().map(|error| {
            let missing = error.missing();
            let reason = if missing.is_empty() {
                RejectReason::Rejected
            } else {
                RejectReason::PendingApproval(missing.to_vec())
            };
            let (why, operator_text) = (error.to_string(), error.to_string());
            RejectedVersion { digest: digest.to_owned(), why, operator_text, at: now, reason }
        });
        self.set_status(name, RolloutStatus { rejected, ..RolloutStatus::default() }).await;
    }

    pub(super) const fn engine(&self) -> &SharedEngine {
        &self.engine
    }

    /// Compiles a component and returns its imports and exports, without activating it.
    pub async fn inspect(&self, name: &str, wasm: &[u8]) -> Result<ComponentInfo, PluginError> {
        let artifact = self.compiler.artifact(name, digest(wasm), wasm).await?;
        Ok(ComponentInfo::of(&self.engine, &artifact))
    }

    /// Compiles a version, unless it is in the cache. Compiling may take seconds, and changes only the cache, so
    /// dropping the future is safe.
    pub async fn compile(&self, name: &str, digest: String, wasm: &[u8]) -> Result<Artifact, PluginError> {
        self.compiler.artifact(name, digest, wasm).await
    }

    /// Returns the compiled code of the version, if it is in the cache.
    pub fn cached(&self, name: &str, digest: &str) -> Option<Artifact> {
        self.compiler.cached(name, digest)
    }

    /// Returns the compiled code of the active version.
    pub fn artifact(&self, name: &str) -> Option<Artifact> {
        self.snapshot().version(name).map(|version| version.artifact.clone())
    }

    /// Links the version with these settings, and asks it for the commands, personas, modes, jobs and message kinds
    /// that it offers. With [`TryMode::IfChanged`], returns `None` if the version is already active with these
    /// settings. A trial may take as long as a call. It changes no state, so dropping the future is safe.
    pub async fn try_version(
        &self,
        artifact: &Artifact,
        settings: &PluginSettings,
        mode: TryMode,
    ) -> Result<Option<Box<Candidate>>, PluginError> {
        settings.check_pin(&artifact.name, &artifact.digest)?;
        let is_same = |one: &Arc<PluginVersion>| one.digest == artifact.digest && one.has_settings(settings);
        if mode == TryMode::IfChanged && self.snapshot().version(&artifact.name).is_some_and(is_same) {
            return Ok(None);
        }
        let version = PluginVersion::link(&self.linkers, artifact, settings)?;
        let offers = Arc::new(trial::offers(&self.engine, &version).await?);
        Ok(Some(Box::new(Candidate { version, offers })))
    }

    /// Activates the version, and returns its generation number. Running calls of the replaced version have up to
    /// `drain` to finish.
    pub async fn publish(
        &self,
        candidate: Box<Candidate>,
        drain: Duration,
        now: Timestamp,
    ) -> Result<u32, PluginError> {
        let _updating = self.updating.lock().await;
        let Candidate { mut version, offers } = *candidate;
        let snapshot = self.snapshot();
        let (replaced, generation) = (snapshot.version(&version.name), snapshot.next_generation(&version.name));
        let same = replaced.filter(|replaced| replaced.digest == version.digest);
        let failed_calls = same.map(|same| Arc::clone(&same.failed_calls)).unwrap_or_default();
        (version.generation, version.since, version.failed_calls) = (generation, now, failed_calls);
        let version = Arc::new(version);
        self.store(snapshot.with(ActivePlugin { version: Arc::clone(&version), offers })?);
        if let Some(replaced) = replaced {
            replaced.call_settings.drain.begin(drain);
        }
        tracing::info!(plugin = version.name, digest = short(&version.digest), generation, "version activated");
        Ok(generation)
    }

    /// Returns whether the active version has access that `settings` no longer grants, or isn't the pinned one.
    pub fn exceeds(&self, name: &str, settings: &PluginSettings) -> bool {
        self.snapshot().version(name).is_some_and(|version| version.exceeds(settings))
    }

    /// Publishes the rollout status of a plugin in the snapshot.
    pub async fn set_status(&self, name: &str, status: RolloutStatus) {
        let _updating = self.updating.lock().await;
        let snapshot = self.snapshot();
        if snapshot.entry(name).map_or_else(RolloutStatus::default, |entry| entry.rollout.clone()) != status {
            self.store(snapshot.with_status(name, status));
        }
    }

    /// Sets the plugin that decides when idle agents are stopped.
    pub async fn set_lifecycle(&self, plugin: &str) {
        let _updating = self.updating.lock().await;
        self.store(self.snapshot().with_lifecycle(plugin));
    }

    /// Publishes the plugin folder's problem in the snapshot, or `None` if there is no problem.
    pub async fn set_folder_fault(&self, fault: Option<FolderFault>) {
        let _updating = self.updating.lock().await;
        self.store(self.snapshot().with_folder_fault(fault));
    }

    /// Deactivates a plugin. Its running calls have up to `drain` to finish.
    pub async fn remove_plugin(&self, name: &str, drain: Duration) {
        let _updating = self.updating.lock().await;
        let snapshot = self.snapshot();
        self.store(snapshot.without(name));
        if let Some(version) = snapshot.version(name) {
            version.call_settings.drain.begin(drain);
            tracing::info!(plugin = name, generation = version.generation, "version deactivated");
        }
    }

    /// Completes after a failed call, possibly one that [`take_failed`](Self::take_failed) has already returned.
    pub async fn failed_call(&self) {
        self.failed_call.notified().await;
    }

    /// Returns the active versions with failed calls since the last call to this function.
    pub fn take_failed(&self) -> Vec<FailedVersion> {
        let failed = |version: &Arc<PluginVersion>| {
            let (calls, last) = version.failed_calls.take()?;
            Some(FailedVersion { plugin: version.name.clone(), digest: version.digest.clone(), calls, last })
        };
        self.snapshot().versions().filter_map(failed).collect()
    }
}
