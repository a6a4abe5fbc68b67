//! The plug board itself: the table that serves now, and the way a new version gets into it. Calls never wait for a swap, and a swap never
//! waits for calls.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use cordboard_core::types::Timestamp;
use tokio::sync::Mutex;

use super::{
    active_snapshot::ActiveSnapshot,
    cache::Cache,
    compile::{Compiler, digest},
    component_info::ComponentInfo,
    engine::SharedEngine,
    exports::Invoker,
    linker::Linkers,
    probation::Probation,
    refusal::PluginError,
    snapshot::{Offers, Plugged, RejectReason, RejectedVersion, Snapshot, short},
    trial,
    version::{Artifact, PluginSettings, PluginVersion, VersionMeta},
};

mod calls;

pub struct Registry {
    table: ActiveSnapshot,
    compiler: Compiler,
    caller: Invoker,
    linkers: Linkers,
    /// Held while a table is made of the one before, so that two swaps cannot lose each other.
    swapping: Mutex<()>,
}

/// A version that is ready to be linked, or why it is not.
pub struct Compiled {
    pub name: String,
    pub digest: String,
    pub artifact: Result<Artifact, PluginError>,
    tried: Option<Tried>,
}

/// What came of a trial before the swap. It says nothing of other settings than these.
struct Tried {
    settings: PluginSettings,
    offers: Result<Offers, PluginError>,
}

impl Compiled {
    pub const fn new(name: String, digest: String, artifact: Result<Artifact, PluginError>) -> Self {
        Self { name, digest, artifact, tried: None }
    }
}

/// How a version comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationMode {
    /// On probation, unless it serves already.
    New,
    /// The same, though it serves already.
    Anew,
    /// It has served well before: trusted.
    Back,
    /// It served when the host before ended: so much is left of its probation, and so many of its calls failed.
    Resumed { left: Duration, failed: u32 },
}

/// What a plug-in changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swapped {
    /// The same bytes with the same settings already serve.
    Unchanged,
    New,
}

impl Registry {
    /// `cache`: where compiled artifacts are kept; `program`: this binary, for the compiling child; `parallel`: how many calls may run
    /// at once, as `[plugins] parallel` has it.
    pub fn start(cache: impl Into<Cache>, program: PathBuf, parallel: u32) -> io::Result<Self> {
        let engine = SharedEngine::start(parallel).map_err(io::Error::other)?;
        let compiler = Compiler::new(engine.clone(), cache.into(), program)?;
        let table = ActiveSnapshot::new(Snapshot::default());
        let linkers = Linkers::new(engine.clone());
        Ok(Self { table, compiler, linkers, caller: Invoker::new(engine, parallel), swapping: Mutex::new(()) })
    }

    /// The table as it is now.
    pub fn table(&self) -> Arc<Snapshot> {
        self.table.load_full()
    }

    /// For guests time stands still at `at`, until it is moved.
    pub fn stop_clock(&self, at: Timestamp) {
        self.caller.engine().time().stop(at);
    }

    /// Compiles, links, tries and plugs in a version. Whatever fails, the one before goes on, and `/plugins` says why.
    pub async fn plug_in(
        &self,
        name: &str,
        wasm: &[u8],
        context: (&PluginSettings, Timestamp),
    ) -> Result<Swapped, PluginError> {
        let digest = digest(wasm);
        let compiled = match context.0.check_pin(name, &digest) {
            Ok(()) => self.compile(name, digest, wasm).await,
            Err(refused) => Compiled::new(name.to_owned(), digest, Err(refused)),
        };
        self.plug_compiled(compiled, context, ActivationMode::New).await
    }

    pub(super) const fn engine(&self) -> &SharedEngine {
        self.caller.engine()
    }

    /// Whether compiled code of these bytes is in the cache.
    pub fn is_compiled(&self, name: &str, digest: &str) -> bool {
        self.compiler.cached(name, digest).is_some()
    }

    /// What a component asks for and offers, without plugging it in.
    pub async fn look(&self, name: &str, wasm: &[u8]) -> Result<ComponentInfo, PluginError> {
        let artifact = self.compiler.artifact(name, digest(wasm), wasm).await?;
        Ok(ComponentInfo::at(self.caller.engine(), &artifact))
    }

    /// The first half of plugging in, which may take seconds and changes nothing: it can be dropped.
    pub async fn compile(&self, name: &str, digest: String, wasm: &[u8]) -> Compiled {
        let artifact = match self.compiler.cached(name, &digest) {
            Some(artifact) => Ok(artifact),
            None => self.compiler.artifact(name, digest.clone(), wasm).await,
        };
        Compiled::new(name.to_owned(), digest, artifact)
    }

    /// Asks a version what it offers, before it is to be swapped in under these settings. It may take as long as a call may, and changes
    /// nothing: it can be dropped.
    pub async fn try_out(&self, compiled: &mut Compiled, settings: PluginSettings, entrance: ActivationMode) {
        let Ok(artifact) = &compiled.artifact else { return };
        let table = self.table();
        let serving = table.generation(&compiled.name);
        if settings.check_pin(&compiled.name, &compiled.digest).is_err()
            || serves(serving, (artifact, &settings), entrance)
        {
            return;
        }
        // What is not granted is not linked: the swap says so.
        let birth = VersionMeta { number: 0, since: Timestamp(0), probation: None };
        if let Ok(generation) = PluginVersion::link(&self.linkers, artifact, &settings, birth) {
            let offers = trial::offers(self.caller.engine(), &Arc::new(generation)).await;
            compiled.tried = Some(Tried { settings, offers });
        }
    }

    /// The second half: links, tries where that was not done under these settings, swaps. It must not be dropped.
    pub async fn plug_compiled(
        &self,
        compiled: Compiled,
        (settings, now): (&PluginSettings, Timestamp),
        entrance: ActivationMode,
    ) -> Result<Swapped, PluginError> {
        let Compiled { name, digest, artifact, tried } = compiled;
        let plugged = match artifact {
            Ok(artifact) => self.try_in((&artifact, tried), (settings, now), entrance).await,
            Err(refused) => Err(refused),
        };
        if let Err(why) = &plugged {
            self.follow(&name, &digest, (settings, now)).await;
            let serves = self.table().generation(&name).map(|generation| generation.number);
            match why {
                // The owner is asked about it.
                PluginError::NotGranted { .. } => {
                    tracing::info!(plugin = name, digest = short(&digest), serves, %why, "version waits");
                }
                _ => tracing::warn!(plugin = name, digest = short(&digest), serves, %why, "version refused"),
            }
            self.turn_away(&name, &digest, (why, now)).await;
        }
        plugged
    }

    /// The version that serves, under new settings. Where they do not fit it, the old settings stay.
    pub async fn reconfigure(
        &self,
        name: &str,
        (settings, now): (&PluginSettings, Timestamp),
    ) -> Result<Swapped, PluginError> {
        let Some(artifact) = self.table().generation(name).map(|generation| generation.artifact.clone()) else {
            return Ok(Swapped::Unchanged);
        };
        let compiled = Compiled::new(name.to_owned(), artifact.digest.clone(), Ok(artifact));
        self.plug_compiled(compiled, (settings, now), ActivationMode::New).await
    }

    /// Keeps in the table why a version could not even be read.
    pub async fn turn_away(&self, name: &str, digest: &str, (why, now): (&PluginError, Timestamp)) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().turning(name, RejectedVersion::new(digest, why, now))));
    }

    /// What speaks against the newest version does so still.
    pub async fn turn_back(&self, name: &str, turned: RejectedVersion) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().turning(name, turned)));
    }

    /// Another reason for what is kept out already.
    pub async fn hold(&self, name: &str, hold: RejectReason) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().holding(name, hold)));
    }

    /// Tells in the table that a version is being compiled, or that it is over.
    pub async fn show_compiling(&self, name: &str, version: Option<(String, Timestamp)>) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().compiling(name, version)));
    }

    /// Names the plugin that decides when agents are let go of.
    pub async fn govern(&self, policy: &str) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().governed(policy)));
    }

    /// Shows what is wrong with the plugin folder, and since when.
    pub async fn show_folder(&self, fault: Option<(String, Timestamp)>) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().foldered(fault)));
    }

    pub async fn unplug(&self, name: &str) {
        let _swapping = self.swapping.lock().await;
        let table = self.table();
        self.table.store(Arc::new(table.without(name)));
        retire(&table, name);
    }

    /// Takes a plugin off the board, and shows why and since when.
    pub async fn switch_off(&self, name: &str, off: (String, Timestamp)) {
        let _swapping = self.swapping.lock().await;
        let table = self.table();
        self.table.store(Arc::new(table.disabling(name, off)));
        retire(&table, name);
    }

    /// Returns when a call of a version on probation may have failed.
    pub async fn fallen(&self) {
        self.caller.fallen.notified().await;
    }

    /// How many calls of the versions on probation that serve failed, where that is news: name, digest, number.
    pub fn take_failed(&self) -> Vec<(String, String, u32)> {
        let table = self.table();
        let serving = table.names().filter_map(|name| table.generation(name));
        let failed = |one: &Arc<PluginVersion>| {
            Some((one.name.clone(), one.digest.clone(), one.probation.as_ref()?.take_failed()?))
        };
        serving.filter_map(failed).collect()
    }

    /// The versions that serve and failed once too often. Each is named once.
    pub fn take_fallen(&self) -> Vec<Arc<PluginVersion>> {
        let table = self.table();
        let serving = table.names().filter_map(|name| table.generation(name));
        let fell = |generation: &&Arc<PluginVersion>| generation.probation.as_ref().is_some_and(|one| one.take_fall());
        serving.filter(fell).cloned().collect()
    }

    /// What serves beside a version that was refused, or is not there yet, has the settings of now as well; where they do not fit it, it
    /// keeps its own if it may.
    pub async fn follow(&self, name: &str, refused: &str, context: (&PluginSettings, Timestamp)) {
        let table = self.table();
        let behind = |one: &&Arc<PluginVersion>| one.digest != refused && !one.is_set(context.0);
        if let Some(serving) = table.generation(name).filter(behind) {
            match self.try_in((&serving.artifact, None), context, ActivationMode::New).await {
                Ok(_) => return,
                Err(why) => tracing::warn!(plugin = name, %why, "what serves cannot have the settings of now"),
            }
        }
        self.withdraw(name, context.0).await;
    }

    /// A grant that was taken back acts at once, even where no version is left that does without it.
    async fn withdraw(&self, name: &str, settings: &PluginSettings) {
        let _swapping = self.swapping.lock().await;
        let table = self.table();
        if table.generation(name).is_some_and(|serving| serving.exceeds(settings)) {
            tracing::warn!(plugin = name, "unplugged: under the configuration as it is now it may not serve");
            self.table.store(Arc::new(table.without(name)));
            if let Some(serving) = table.generation(name) {
                serving.retirement.begin(Duration::ZERO);
            }
        }
    }

    async fn try_in(
        &self,
        (artifact, tried): (&Artifact, Option<Tried>),
        (settings, now): (&PluginSettings, Timestamp),
        entrance: ActivationMode,
    ) -> Result<Swapped, PluginError> {
        let _swapping = self.swapping.lock().await;
        settings.check_pin(&artifact.name, &artifact.digest)?;
        let table = self.table();
        let entry = table.entry(&artifact.name);
        let serving = entry.and_then(|entry| entry.plugged.as_ref()).map(|plugged| &plugged.generation);
        if serves(serving, (artifact, settings), entrance) {
            // What was refused meanwhile is gone again.
            if entry.is_some_and(|entry| entry.turned.is_some()) {
                self.table.store(Arc::new(table.kept(&artifact.name)));
            }
            return Ok(Swapped::Unchanged);
        }
        let number = table.next_number(&artifact.name);
        let birth = VersionMeta { number, since: now, probation: probation(entrance, serving, (artifact, settings)) };
        let generation = Arc::new(PluginVersion::link(&self.linkers, artifact, settings, birth)?);
        let offers = match tried.filter(|tried| tried.settings == *settings) {
            Some(tried) => tried.offers?,
            None => trial::offers(self.caller.engine(), &generation).await?,
        };
        let offers = Arc::new(offers);
        let has_fallen = generation.probation.as_ref().is_some_and(|probation| probation.has_fallen());
        self.table.store(Arc::new(table.with(Plugged { generation, offers })?));
        if has_fallen {
            self.caller.fallen.notify_one();
        }
        if let Some(replaced) = serving {
            replaced.retirement.begin(settings.terms.drain);
        }
        tracing::info!(plugin = artifact.name, digest = short(&artifact.digest), generation = number, "plugged in");
        Ok(Swapped::New)
    }
}

/// Whether what is to be plugged in serves already, as it is.
fn serves(
    serving: Option<&Arc<PluginVersion>>,
    (artifact, settings): (&Artifact, &PluginSettings),
    entrance: ActivationMode,
) -> bool {
    let same = |one: &&Arc<PluginVersion>| one.digest == artifact.digest && one.is_set(settings);
    entrance != ActivationMode::Anew && serving.filter(same).is_some()
}

/// A version of other bytes is on probation; a new configuration goes on with that of its version.
fn probation(
    entrance: ActivationMode,
    serving: Option<&Arc<PluginVersion>>,
    (artifact, settings): (&Artifact, &PluginSettings),
) -> Option<Arc<Probation>> {
    let same = serving.filter(|serving| serving.digest == artifact.digest);
    match (entrance, same) {
        (ActivationMode::Back, _) => None,
        (ActivationMode::Resumed { left, failed }, _) => {
            Some(Arc::new(Probation::resume(settings.terms, (left, failed))))
        }
        (ActivationMode::New, Some(serving)) => serving.probation.clone(),
        (ActivationMode::New, None) | (ActivationMode::Anew, _) => Some(Arc::new(Probation::begin(settings.terms))),
    }
}

/// What nobody can call any more has a while to finish its calls.
fn retire(table: &Snapshot, name: &str) {
    if let Some(serving) = table.generation(name) {
        serving.retirement.begin(serving.terms.drain);
    }
}
