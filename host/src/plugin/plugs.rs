//! The plug board itself: the table that serves now, and the way a new version gets into it. Calls never wait for a swap, and a swap never
//! waits for calls.

use std::{io, path::PathBuf, sync::Arc};

use cordboard_core::{
    session::{Brief, Verdict},
    turn::Turn,
    types::{Moment, Reply, SessionView},
};
use tokio::sync::Mutex;

use super::{
    board::Board,
    call::{Asked, CallError, Lent},
    compile::{Compiler, digest},
    engine::SharedEngine,
    generation::{Artifact, Generation, PluginSettings},
    look::Look,
    published::Published,
    refusal::Refused,
    table::{Offer, Plugged, Table, Turned, short},
    trades::{Caller, Invocation, Load, Screen, ViewLimits},
    trial,
};

mod unasked;

pub struct Plugs {
    table: Published,
    compiler: Compiler,
    caller: Caller,
    /// Held while a table is made of the one before, so that two swaps cannot lose each other.
    swapping: Mutex<()>,
}

/// What a plug-in changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swapped {
    /// The same bytes with the same settings already serve.
    Unchanged,
    New,
}

impl Plugs {
    /// `cache`: the folder of compiled artifacts; `program`: this binary, for the compiling child; `parallel`: how many calls may run
    /// at once, as `[plugins] parallel` has it.
    pub fn start(cache: PathBuf, program: PathBuf, parallel: u32) -> io::Result<Self> {
        let engine = SharedEngine::start(parallel).map_err(io::Error::other)?;
        let compiler = Compiler::new(engine.clone(), cache, program)?;
        let table = Published::new(Table::default());
        Ok(Self { table, compiler, caller: Caller::new(engine, parallel), swapping: Mutex::new(()) })
    }

    /// The table as it is now.
    pub fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// Compiles, links, tries and plugs in a version. Whatever fails, the one before goes on, and `/plugins` says why.
    pub async fn plug_in(
        &self,
        name: &str,
        wasm: &[u8],
        (settings, now): (&PluginSettings, Moment),
    ) -> Result<Swapped, Refused> {
        let digest = digest(wasm);
        let artifact = match settings.check_pin(name, &digest) {
            Ok(()) => self.compiler.artifact(name, digest.clone(), wasm).await,
            Err(refused) => Err(refused),
        };
        self.settle(name, digest, (settings, now), artifact).await
    }

    /// What a component asks for and offers, without plugging it in.
    pub async fn look(&self, name: &str, wasm: &[u8]) -> Result<Look, Refused> {
        let artifact = self.compiler.artifact(name, digest(wasm), wasm).await?;
        Ok(Look::at(self.caller.engine(), &artifact))
    }

    /// As `plug_in`, for a version whose digest is known: its bytes are not asked for when its artifact is in the cache.
    pub async fn plug_in_known(
        &self,
        (name, digest): (&str, &str),
        wasm: &[u8],
        (settings, now): (&PluginSettings, Moment),
    ) -> Result<Swapped, Refused> {
        let artifact = match self.compiler.cached(name, digest) {
            Some(artifact) => Ok(artifact),
            None => self.compiler.artifact(name, digest.to_owned(), wasm).await,
        };
        self.settle(name, digest.to_owned(), (settings, now), artifact).await
    }

    /// The version that serves, under new settings. Where they do not fit it, the old settings stay.
    pub async fn reconfigure(
        &self,
        name: &str,
        (settings, now): (&PluginSettings, Moment),
    ) -> Result<Swapped, Refused> {
        let Some(artifact) = self.table().generation(name).map(|generation| generation.artifact.clone()) else {
            return Ok(Swapped::Unchanged);
        };
        self.settle(name, artifact.digest.clone(), (settings, now), Ok(artifact)).await
    }

    /// Keeps in the table why a version could not even be read.
    pub async fn turn_away(&self, name: &str, digest: &str, (why, now): (&Refused, Moment)) {
        let _swapping = self.swapping.lock().await;
        let turned = Turned { digest: digest.to_owned(), why: why.to_string(), at: now };
        self.table.store(Arc::new(self.table().turning(name, turned)));
    }

    pub async fn unplug(&self, name: &str) {
        let _swapping = self.swapping.lock().await;
        self.table.store(Arc::new(self.table().without(name)));
    }

    async fn settle(
        &self,
        name: &str,
        digest: String,
        (settings, now): (&PluginSettings, Moment),
        artifact: Result<Artifact, Refused>,
    ) -> Result<Swapped, Refused> {
        let plugged = match artifact {
            Ok(artifact) => self.try_in(&artifact, (settings, now)).await,
            Err(refused) => Err(refused),
        };
        if let Err(why) = &plugged {
            self.withdraw(name, settings).await;
            tracing::warn!(plugin = name, digest = short(&digest), %why, "version refused, the one before goes on");
            self.turn_away(name, &digest, (why, now)).await;
        }
        plugged
    }

    /// A grant that was taken back acts at once, even where no version is left that does without it.
    async fn withdraw(&self, name: &str, settings: &PluginSettings) {
        let _swapping = self.swapping.lock().await;
        let table = self.table();
        if table.generation(name).is_some_and(|serving| serving.exceeds(settings)) {
            tracing::warn!(plugin = name, "unplugged: it uses what it is no longer granted");
            self.table.store(Arc::new(table.without(name)));
        }
    }

    async fn try_in(
        &self,
        artifact: &Artifact,
        (settings, now): (&PluginSettings, Moment),
    ) -> Result<Swapped, Refused> {
        let _swapping = self.swapping.lock().await;
        settings.check_pin(&artifact.name, &artifact.digest)?;
        let table = self.table();
        let entry = table.entry(&artifact.name);
        let serving = entry.and_then(|entry| entry.plugged.as_ref()).map(|plugged| &plugged.generation);
        if let Some(serving) = serving
            && serving.digest == artifact.digest
            && serving.is_set(settings)
        {
            // What was refused meanwhile is gone again.
            if entry.is_some_and(|entry| entry.turned.is_some()) {
                self.table.store(Arc::new(table.kept(&artifact.name)));
            }
            return Ok(Swapped::Unchanged);
        }
        let number = serving.map_or(1, |serving| serving.number + 1);
        let generation = Arc::new(Generation::link(self.caller.engine(), artifact, settings, (number, now))?);
        let offers = Arc::new(trial::offers(self.caller.engine(), &generation).await?);
        self.table.store(Arc::new(table.with(Plugged { generation, offers })?));
        tracing::info!(plugin = artifact.name, digest = short(&artifact.digest), generation = number, "plugged in");
        Ok(Swapped::New)
    }

    fn lent(&self, board: &Arc<dyn Board>) -> Option<Lent> {
        Some(Lent { board: Arc::clone(board), table: self.table() })
    }

    pub async fn command(
        &self,
        board: &Arc<dyn Board>,
        (offer, asked): (&Offer, Asked),
        typed: &Invocation,
    ) -> Result<Reply, CallError> {
        self.caller.command(offer, (asked, self.lent(board)), typed).await
    }

    /// The verdict of the lifecycle plugin `policy`.
    pub async fn review(
        &self,
        board: &Arc<dyn Board>,
        policy: &str,
        idle: (&SessionView, Load),
    ) -> Result<Verdict, CallError> {
        let table = self.table();
        let generation = table.generation(policy).ok_or(CallError::NotOffered("lifecycle"))?;
        self.caller.review(generation, (about(idle.0), self.lent(board)), idle).await
    }

    pub async fn resume_notice(
        &self,
        board: &Arc<dyn Board>,
        policy: &str,
        idle: (&SessionView, Load),
    ) -> Result<Option<String>, CallError> {
        let table = self.table();
        let generation = table.generation(policy).ok_or(CallError::NotOffered("lifecycle"))?;
        self.caller.resume_notice(generation, (about(idle.0), self.lent(board)), idle).await
    }

    pub async fn resolve(&self, board: &Arc<dyn Board>, persona: &str, view: &SessionView) -> Result<Brief, CallError> {
        let table = self.table();
        let generation =
            table.persona(persona).ok_or_else(|| CallError::Said(format!("there is no persona '{persona}' now")))?;
        self.caller.resolve(generation, (about(view), self.lent(board)), (persona, view)).await
    }

    /// One frame of a turn in the words of the plugin that offers `mode`.
    pub async fn render(
        &self,
        mode: &str,
        shown: (&Turn, &SessionView, Moment),
        limits: &ViewLimits,
    ) -> Result<Screen, CallError> {
        let table = self.table();
        let generation = table.mode(mode).ok_or(CallError::NotOffered("view"))?;
        self.caller.render(generation, shown, (mode, limits)).await
    }
}

/// A call that nobody asked for, about a session.
fn about(view: &SessionView) -> Asked {
    Asked { active: Some(view.clone()), place: view.record.place.clone(), ..Asked::default() }
}
