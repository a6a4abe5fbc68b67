//! Owns the running builds and trials, and bounds how many run at once.

use std::{collections::BTreeMap, sync::Arc};

use cordboard_core::rollout::{Ticket, TryMode};
use cordboard_runtime::{Artifact, Candidate, PluginError, PluginSettings, Registry, TRIALS};
use tokio::{
    sync::Semaphore,
    task::{AbortHandle, Id, JoinError, JoinSet},
};

use crate::plugin_sources::PluginSources;

/// The number of concurrent compilers. Each may use 400 MB of memory and a core.
const COMPILERS: usize = 2;

/// A finished build or trial.
pub struct Done {
    pub name: String,
    pub ticket: Ticket,
    pub outcome: Outcome,
}

pub enum Outcome {
    Built(Result<Artifact, PluginError>),
    /// `None` if the version is active with the same settings.
    Tried(Result<Option<Box<Candidate>>, PluginError>),
}

/// The result of a job that panicked.
type Failed = fn(PluginError) -> Outcome;

pub struct Jobs {
    running: JoinSet<Outcome>,
    by_ticket: BTreeMap<(String, Ticket), (AbortHandle, Failed)>,
    compilers: Arc<Semaphore>,
    trials: Arc<Semaphore>,
}

impl Default for Jobs {
    fn default() -> Self {
        let compilers = Arc::new(Semaphore::new(COMPILERS));
        let trials = Arc::new(Semaphore::new(TRIALS as usize));
        Self { running: JoinSet::new(), by_ticket: BTreeMap::new(), compilers, trials }
    }
}

impl Jobs {
    /// Compiles a version. A cached one needs neither its bytes nor a compiler.
    pub fn build(
        &mut self,
        plugs: &Arc<Registry>,
        sources: &PluginSources,
        name: &str,
        (ticket, digest): (Ticket, String),
    ) {
        let (plugs, compilers, key) = (Arc::clone(plugs), Arc::clone(&self.compilers), name.to_owned());
        let (bytes, plugin) = (sources.bytes(name, &digest), key.clone());
        let abort = self.running.spawn(async move {
            if let Some(artifact) = plugs.cached(&plugin, &digest) {
                return Outcome::Built(Ok(artifact));
            }
            let _permit = compilers.acquire_owned().await;
            Outcome::Built(match bytes.await {
                Ok(wasm) => plugs.compile(&plugin, digest, &wasm).await,
                Err(why) => Err(why),
            })
        });
        self.by_ticket.insert((key, ticket), (abort, |why| Outcome::Built(Err(why))));
    }

    /// Tries a compiled version. A trial occupies neither a compiler's slot nor a call's.
    pub fn try_version(
        &mut self,
        plugs: &Arc<Registry>,
        artifact: Artifact,
        settings: PluginSettings,
        (ticket, mode): (Ticket, TryMode),
    ) {
        let (plugs, trials, name) = (Arc::clone(plugs), Arc::clone(&self.trials), artifact.name.clone());
        let abort = self.running.spawn(async move {
            let _permit = trials.acquire_owned().await;
            Outcome::Tried(plugs.try_version(&artifact, &settings, mode).await)
        });
        self.by_ticket.insert((name, ticket), (abort, |why| Outcome::Tried(Err(why))));
    }

    /// Reports `outcome` as the result of a job that could not be started.
    pub fn fail(&mut self, name: &str, ticket: Ticket, outcome: Outcome) {
        let abort = self.running.spawn(async { outcome });
        self.by_ticket.insert((name.to_owned(), ticket), (abort, |why| Outcome::Tried(Err(why))));
    }

    pub fn cancel(&mut self, name: &str, ticket: Ticket) {
        if let Some((abort, _)) = self.by_ticket.remove(&(name.to_owned(), ticket)) {
            abort.abort();
            tracing::info!(plugin = name, "compilation cancelled: a newer version or command replaced it");
        }
    }

    /// Waits for the next result. Pending if nothing is running. Cancel safe.
    pub async fn next(&mut self) -> Done {
        loop {
            let Some(ended) = self.running.join_next_with_id().await else { return std::future::pending().await };
            let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
            if let Some(done) = self.finish(id, ended.map(|(_, outcome)| outcome)) {
                return done;
            }
        }
    }

    /// Returns `None` for a cancelled job.
    fn finish(&mut self, id: Id, ended: Result<Outcome, JoinError>) -> Option<Done> {
        let key = self.by_ticket.iter().find(|(_, (abort, _))| abort.id() == id)?.0.clone();
        let (_, failed) = self.by_ticket.remove(&key)?;
        let bug = |error| failed(PluginError::Compile(format!("Cordboard has a bug: {error}")));
        Some(Done { name: key.0, ticket: key.1, outcome: ended.unwrap_or_else(bug) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panicking_build_is_rejected() {
        let mut jobs = Jobs::default();
        let abort = jobs.running.spawn(async { panic!("at the disco") });
        jobs.by_ticket.insert(("odd".to_owned(), Ticket(1)), (abort, |why| Outcome::Built(Err(why))));
        let Done { outcome: Outcome::Built(Err(why)), .. } = jobs.next().await else { panic!("the build succeeded") };
        let why = why.to_string();
        assert!(why.contains("Cordboard has a bug") && why.contains("at the disco"), "{why}");
        assert!(jobs.by_ticket.is_empty());
    }
}
