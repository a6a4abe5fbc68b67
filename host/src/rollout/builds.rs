//! Owns the running compilations and trials, at most one per plugin. A newer one replaces the current one and kills
//! its compiler.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cordboard_core::types::Caller;
use cordboard_runtime::{
    ActivationMode, AdminCommand, Compiled, Outcome, PluginError, PluginSettings, Registry, RejectedVersion, TRIALS,
    refuse,
};
use tokio::{
    sync::{Semaphore, oneshot, watch},
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, sleep_until},
};

use super::rollback::Fallen;
use crate::plugin_sources::Version;

/// A longer compilation is announced. A cached version takes a millisecond, a small plugin 60 ms.
const SLOW: Duration = Duration::from_secs(1);

/// The number of concurrent compilers. Each may use 400 MB of memory and a core.
const COMPILERS: usize = 2;

/// The reason to compile a version, which decides what happens to it afterwards.
pub enum Purpose {
    /// The version comes from a file in the plugin folder.
    File(Tell),
    SessionCommand(Given),
    Rollback(Fallen),
}

/// The outcomes of a file rollout that are notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    All,
    /// The rollout follows from a change that was notified already, so only a rejection is.
    RefusalAlone,
}

/// An admin command in progress. `answer` is `None` once the caller has been answered.
pub struct Given {
    pub order: AdminCommand,
    pub by: Caller,
    /// The digest of the version that was active when the command was given.
    pub served: Option<String>,
    /// The version that was pending approval, or denied, when the command was given.
    pub waited: Option<RejectedVersion>,
    pub answer: Option<oneshot::Sender<Outcome>>,
}

/// An event of the rollout.
pub enum Event {
    Compiled(Box<Done>),
    /// The compilation of this plugin is slow.
    Slow(String),
    /// Calls of versions on probation failed.
    Failed,
    /// The backoff of a version of this plugin has ended.
    Due(String),
    /// Collected notices are due.
    Notices,
}

/// A finished compilation, successful or not.
pub struct Done {
    pub name: String,
    pub compiled: Compiled,
    pub version: Version,
    pub purpose: Purpose,
    /// Whether the table shows the compilation.
    pub slow: bool,
}

pub struct Jobs {
    running: JoinSet<Compiled>,
    by_name: BTreeMap<String, Job>,
    compilers: Arc<Semaphore>,
    trials: Arc<Semaphore>,
}

struct Job {
    abort: AbortHandle,
    /// The settings for the trial. A change restarts the trial.
    settings: watch::Sender<PluginSettings>,
    version: Version,
    purpose: Purpose,
    /// The time at which the job counts as slow. `None` once that has been announced.
    slow_at: Option<Instant>,
}

impl Default for Jobs {
    fn default() -> Self {
        let compilers = Arc::new(Semaphore::new(COMPILERS));
        let trials = Arc::new(Semaphore::new(TRIALS as usize));
        Self { running: JoinSet::new(), by_name: BTreeMap::new(), compilers, trials }
    }
}

impl Purpose {
    pub const fn entrance(&self) -> ActivationMode {
        match self {
            Self::File(_) => ActivationMode::New,
            Self::SessionCommand(Given { order: AdminCommand::Rollback, .. }) | Self::Rollback(_) => {
                ActivationMode::Previous
            }
            Self::SessionCommand(_) => ActivationMode::Forced,
        }
    }

    /// Answers a waiting caller that the job was replaced.
    fn give_up(self, name: &str) {
        if let Self::SessionCommand(Given { answer: Some(answer), .. }) = self {
            let text = format!("A newer version or command for plugin '{name}' replaced this one. See /plugins.");
            let _: Result<(), _> = answer.send(Err(refuse(cordboard_core::session::RefusalCode::Failed, text)));
        }
    }
}

impl Jobs {
    pub fn is_running(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Whether a failed version of the plugin is being rolled back.
    pub fn is_fall(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|job| matches!(job.purpose, Purpose::Rollback(_)))
    }

    /// The version of the running file job, if its digest differs from `digest`.
    pub fn other_file(&self, name: &str, digest: &str) -> Option<Version> {
        let other = |job: &&Job| matches!(job.purpose, Purpose::File(_)) && job.version.digest != digest;
        self.by_name.get(name).filter(other).map(|job| job.version.clone())
    }

    /// Sets the version to try after the rollback. `None` removes it.
    pub fn follow_fall(&mut self, name: &str, next: Option<Version>) {
        if let Some(Job { purpose: Purpose::Rollback(fallen), .. }) = self.by_name.get_mut(name) {
            fallen.next = next;
        }
    }

    /// Starts to compile a version and to try it under `settings`.
    pub fn start(
        &mut self,
        (plugs, settings): (&Arc<Registry>, PluginSettings),
        name: &str,
        (version, purpose): (Version, Purpose),
    ) {
        self.cancel(name);
        let (plugs, compilers, trials) = (Arc::clone(plugs), Arc::clone(&self.compilers), Arc::clone(&self.trials));
        let (settings, mut wished) = watch::channel(settings);
        let (wanted, compiling, entrance) = (name.to_owned(), version.clone(), purpose.entrance());
        let abort = self.running.spawn(async move {
            let permit = compilers.acquire_owned().await;
            let mut compiled = plugs.compile(&wanted, compiling.digest.clone(), &compiling.wasm).await;
            // A trial occupies neither a compiler's slot nor a call's.
            drop(permit);
            let _permit = trials.acquire_owned().await;
            loop {
                let now = wished.borrow_and_update().clone();
                tokio::select! {
                    () = plugs.run_trial(&mut compiled, now, entrance) => break,
                    // A trial under outdated settings is useless, and could use up the whole timeout of those
                    // settings.
                    Ok(()) = wished.changed() => {}
                }
            }
            compiled
        });
        let job = Job { abort, settings, version, purpose, slow_at: Some(Instant::now() + SLOW) };
        self.by_name.insert(name.to_owned(), job);
    }

    /// Restarts the plugin's running trial under `settings`.
    pub fn resettle(&self, name: &str, settings: PluginSettings) {
        if let Some(job) = self.by_name.get(name) {
            job.settings.send_replace(settings);
        }
    }

    /// Cancels the plugin's job.
    pub fn cancel(&mut self, name: &str) {
        if let Some(job) = self.by_name.remove(name) {
            job.abort.abort();
            tracing::info!(plugin = name, "compilation cancelled: a newer version or command replaced it");
            job.purpose.give_up(name);
        }
    }

    /// Cancel safe.
    pub async fn next(&mut self) -> Event {
        loop {
            let slow = self.by_name.iter().filter_map(|(name, job)| Some((job.slow_at?, name.clone()))).min();
            let at = slow.as_ref().map(|(at, _)| *at);
            tokio::select! {
                biased;
                Some(ended) = self.running.join_next_with_id() => {
                    let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
                    if let Some(done) = self.finish(id, ended.map(|(_, compiled)| compiled)) {
                        return Event::Compiled(Box::new(done));
                    }
                }
                () = sleep_until(at.unwrap_or_else(Instant::now)), if at.is_some() => {
                    return Event::Slow(slow.map(|(_, name)| name).unwrap_or_default());
                }
                // Nothing is running, and nothing completes until a job is started.
                () = std::future::pending() => {}
            }
        }
    }

    /// Returns `None` for a cancelled job.
    fn finish(&mut self, id: Id, ended: Result<Compiled, JoinError>) -> Option<Done> {
        let name = self.by_name.iter().find(|(_, job)| job.abort.id() == id)?.0.clone();
        let Job { version, purpose, slow_at, .. } = self.by_name.remove(&name)?;
        let compiled = ended.unwrap_or_else(|error| {
            let why = PluginError::Compile(format!("Cordboard has a bug: {error}"));
            Compiled::new(name.clone(), version.digest.clone(), Err(why))
        });
        Some(Done { name, compiled, version, purpose, slow: slow_at.is_none() })
    }

    /// Takes the caller who waits for a plugin's compilation, with the digest of the version.
    #[expect(clippy::type_complexity, reason = "one caller needs the digest and the waiting caller together")]
    pub fn take_answer(&mut self, name: &str) -> Option<(String, Option<(Caller, oneshot::Sender<Outcome>)>)> {
        let job = self.by_name.get_mut(name)?;
        job.slow_at = None;
        let waiting = match &mut job.purpose {
            Purpose::SessionCommand(Given { by, answer, .. }) => answer.take().map(|answer| (by.clone(), answer)),
            Purpose::File(_) | Purpose::Rollback(_) => None,
        };
        Some((job.version.digest.clone(), waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panicking_build_is_rejected() {
        let mut jobs = Jobs::default();
        let abort = jobs.running.spawn(async { panic!("at the disco") });
        let (version, purpose) = (Version::new([]), Purpose::File(Tell::All));
        let (settings, _) =
            watch::channel(crate::hub::plugin_settings(&cordboard_core::config::Config::defaults(), "odd"));
        jobs.by_name.insert("odd".to_owned(), Job { abort, settings, version, purpose, slow_at: None });
        let Event::Compiled(done) = jobs.next().await else { panic!("the build is still running") };
        let refused = done.compiled.artifact.err().map(|why| why.to_string()).unwrap_or_default();
        assert!(refused.contains("Cordboard has a bug") && refused.contains("at the disco"), "{refused}");
        assert!(!jobs.is_running("odd"));
    }
}
