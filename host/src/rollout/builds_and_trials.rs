//! Owns the running builds and trials of plugin versions, and keeps their results until the versions are activated.
//! Limits the number of concurrent builds and trials. It must not decide which version should be active.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cordboard_core::{
    rollout::{Ticket, TrialOutcome, TryMode},
    types::Timestamp,
};
use cordboard_metrics::METRICS;
use cordboard_runtime::{Artifact, Candidate, MAX_TRIALS, PluginError, PluginSettings, Registry};
use tokio::{
    sync::Semaphore,
    task::{AbortHandle, Id, JoinError, JoinSet},
};

/// The maximum number of compilers running concurrently. Each may use 400 MB of memory and a core.
const COMPILERS: usize = 2;

/// Identifies a build or a trial.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId {
    pub plugin: String,
    pub ticket: Ticket,
}

/// A build or trial that has ended.
#[derive(Debug)]
pub struct FinishedJob {
    pub id: JobId,
    pub result: JobResult,
}

#[derive(Debug)]
pub enum JobResult {
    Built(Result<(), PluginError>),
    Tried(Result<TrialOutcome, PluginError>),
}

/// The result of a job's task.
enum Output {
    Built(Result<Artifact, PluginError>),
    /// `None` if the version is active with the same settings.
    Tried(Result<Option<Box<Candidate>>, PluginError>),
}

struct RunningJob {
    abort: AbortHandle,
    /// Converts the error for a panicked job to that job's output.
    failed: fn(PluginError) -> Output,
}

pub struct Jobs {
    registry: Arc<Registry>,
    /// The last built version of each plugin that is being worked on.
    built: BTreeMap<String, Artifact>,
    candidates: BTreeMap<JobId, Box<Candidate>>,
    /// When the work on each plugin's version began.
    begun: BTreeMap<String, Instant>,
    tasks: JoinSet<Output>,
    running: BTreeMap<JobId, RunningJob>,
    compilers: Arc<Semaphore>,
    trials: Arc<Semaphore>,
}

impl Jobs {
    pub fn new(registry: Arc<Registry>) -> Self {
        Self {
            registry,
            built: BTreeMap::new(),
            candidates: BTreeMap::new(),
            begun: BTreeMap::new(),
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            compilers: Arc::new(Semaphore::new(COMPILERS)),
            trials: Arc::new(Semaphore::new(MAX_TRIALS as usize)),
        }
    }

    /// Compiles a version. If the version is cached, neither its bytes nor a compiler is needed.
    pub fn build(
        &mut self,
        id: JobId,
        digest: String,
        bytes: impl Future<Output = Result<Bytes, PluginError>> + Send + 'static,
    ) {
        let (registry, compilers) = (Arc::clone(&self.registry), Arc::clone(&self.compilers));
        let name = id.plugin.clone();
        self.begun.insert(name.clone(), Instant::now());
        let work = async move {
            if let Some(artifact) = registry.cached(&name, &digest) {
                return Output::Built(Ok(artifact));
            }
            let _permit = compilers.acquire_owned().await;
            Output::Built(match bytes.await {
                Ok(wasm) => registry.compile(&name, digest, &wasm).await,
                Err(why) => Err(why),
            })
        };
        self.spawn(id, work, |why| Output::Built(Err(why)));
    }

    /// Starts a trial of a built or active version. The limit on concurrent trials is separate from the limits on
    /// compilers and calls.
    pub fn try_version(&mut self, id: JobId, digest: &str, settings: PluginSettings, mode: TryMode) {
        self.begun.entry(id.plugin.clone()).or_insert_with(Instant::now);
        let is_it = |artifact: &Artifact| artifact.digest == digest;
        let active = self.registry.artifact(&id.plugin).filter(is_it);
        let artifact = active.or_else(|| self.built.get(&id.plugin).cloned().filter(is_it));
        let (registry, trials) = (Arc::clone(&self.registry), Arc::clone(&self.trials));
        let work = async move {
            let Some(artifact) = artifact else { return Output::Tried(Err(bug("a version was not built"))) };
            let _permit = trials.acquire_owned().await;
            Output::Tried(registry.try_version(&artifact, &settings, mode).await)
        };
        self.spawn(id, work, |why| Output::Tried(Err(why)));
    }

    fn spawn(
        &mut self,
        id: JobId,
        work: impl Future<Output = Output> + Send + 'static,
        failed: fn(PluginError) -> Output,
    ) {
        let abort = self.tasks.spawn(work);
        self.running.insert(id, RunningJob { abort, failed });
    }

    pub fn cancel(&mut self, id: &JobId) {
        if let Some(job) = self.running.remove(id) {
            job.abort.abort();
            tracing::info!(plugin = id.plugin, "build or trial canceled: a newer version or command replaced it");
        }
    }

    /// Waits for the next result. Never returns if nothing is running. Cancel safe.
    pub async fn next(&mut self) -> FinishedJob {
        loop {
            let Some(ended) = self.tasks.join_next_with_id().await else { return std::future::pending().await };
            let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
            if let Some(finished) = self.finish(id, ended.map(|(_, output)| output)) {
                return finished;
            }
        }
    }

    /// Keeps the output of a job for the next step. Returns `None` for a canceled job.
    fn finish(&mut self, task: Id, ended: Result<Output, JoinError>) -> Option<FinishedJob> {
        let id = self.running.iter().find(|(_, job)| job.abort.id() == task)?.0.clone();
        let failed = self.running.remove(&id)?.failed;
        let result = match ended.unwrap_or_else(|error| failed(bug(&error.to_string()))) {
            Output::Built(built) => {
                JobResult::Built(built.map(|artifact| drop(self.built.insert(id.plugin.clone(), artifact))))
            }
            Output::Tried(tried) => JobResult::Tried(tried.map(|candidate| match candidate {
                Some(candidate) => {
                    self.candidates.insert(id.clone(), candidate);
                    TrialOutcome::Ready
                }
                None => TrialOutcome::Unchanged,
            })),
        };
        Some(FinishedJob { id, result })
    }

    /// Activates a version that passed its trial, and returns its generation number.
    pub async fn activate(&mut self, id: &JobId, drain: Duration, now: Timestamp) -> Result<u32, PluginError> {
        let Some(candidate) = self.candidates.remove(id) else { return Err(bug("a version was not tried")) };
        let activated = self.registry.publish(candidate, drain, now).await;
        if let Some(begun) = self.begun.remove(&id.plugin).filter(|_| activated.is_ok()) {
            METRICS.plugin_activated(begun.elapsed());
        }
        activated
    }

    /// Releases the results of a plugin that isn't being worked on.
    pub fn release(&mut self, name: &str) {
        self.built.remove(name);
        self.begun.remove(name);
        self.candidates.retain(|id, _| id.plugin != name);
    }

    /// Returns whether no results are kept.
    #[cfg(test)]
    pub fn is_released(&self) -> bool {
        self.built.is_empty() && self.candidates.is_empty() && self.begun.is_empty()
    }
}

fn bug(what: &str) -> PluginError {
    PluginError::Compile(format!("Cordboard has a bug: {what}"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[tokio::test]
    async fn a_panicking_build_is_rejected() {
        let cache = tempfile::tempdir().expect("a folder");
        let registry = Registry::start(cache.path().to_owned(), PathBuf::new(), 1).expect("an engine");
        let mut jobs = Jobs::new(Arc::new(registry));
        let id = JobId { plugin: "odd".to_owned(), ticket: Ticket(1) };
        jobs.spawn(id, async { panic!("the simulated bug") }, |why| Output::Built(Err(why)));
        let JobResult::Built(Err(why)) = jobs.next().await.result else { panic!("the build succeeded") };
        let why = why.to_string();
        assert!(why.contains("Cordboard has a bug") && why.contains("the simulated bug"), "{why}");
        assert!(jobs.running.is_empty());
    }
}
