//! Runs the plugins' jobs at their scheduled times. Each run's time is stored before the run starts. If a job missed
//! several runs, for example because the host was stopped, a single run makes up for all of them. The schedule never
//! wakes up if there are no jobs, and never starts a job that is still running.

mod host_zone;
mod timetable;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use cordboard_core::{cron::Cron, time_zone::Zone, types::Timestamp};
use cordboard_store::StoreError;
use tokio::{
    sync::watch,
    task::{Id, JoinError, JoinSet},
};

pub use host_zone::{HostZone, local_minute};
pub use timetable::{DueRun, JobKey, Timetable};

/// The longest time that the scheduler sleeps while there are jobs. Timers stop while the machine sleeps and don't
/// notice clock changes, so the scheduler checks the clock at least this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The jobs of the active plugins, keyed by plugin, each with its cron schedule.
pub type Jobs = BTreeMap<String, Vec<(String, Cron)>>;

/// Lists the jobs, stores their run times, and runs them.
#[async_trait]
pub trait JobRunner: Send + Sync + 'static {
    fn jobs(&self) -> Jobs;
    /// Returns a counter that changes when the jobs may have changed.
    fn changes(&self) -> watch::Receiver<u64>;
    /// Stores a plugin's jobs and deletes stored jobs that it no longer has. For each job, returns the time up to which
    /// runs have been handled or skipped: `now` for a new job.
    async fn sync_jobs(&self, plugin: &str, jobs: &[(String, Cron)], now: Timestamp) -> Vec<Timestamp>;
    /// Stores the time of a run before the job starts.
    ///
    /// # Errors
    /// The store failed. The job may run again after a restart.
    async fn record_start(&self, key: &JobKey, at: Timestamp) -> Result<(), StoreError>;
    async fn run(&self, due: &DueRun);
}

/// A function that returns the wall clock time. This time also advances while the machine sleeps.
pub type Wall = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A function that returns the host's time zone if it has changed since the last call.
pub type NewZone = Box<dyn FnMut() -> Option<Zone> + Send>;

pub struct Schedule<W> {
    runner: Arc<W>,
    wall: Wall,
    new_zone: NewZone,
    timetable: Timetable,
    running: JoinSet<()>,
    /// Kept outside the tasks, so that a panicked task's key is still known.
    keys: HashMap<Id, JobKey>,
}

impl<W: JobRunner> Schedule<W> {
    pub fn new(runner: Arc<W>, mut new_zone: NewZone, wall: Wall) -> Self {
        let timetable = Timetable::new(new_zone().unwrap_or(Zone::utc()));
        Self { runner, wall, new_zone, timetable, running: JoinSet::new(), keys: HashMap::new() }
    }

    /// Runs until the sender of [`JobRunner::changes`] is dropped.
    pub async fn run(mut self) {
        let mut changes = self.runner.changes();
        loop {
            changes.mark_unchanged();
            self.update_jobs().await;
            // Start due jobs without reading the list again: the list changes much less often than jobs become due.
            loop {
                self.start_due().await;
                let sleep = self.sleep();
                tokio::select! {
                    changed = changes.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                    Some(ended) = self.running.join_next_with_id() => self.end(ended),
                    () = sleep => {}
                }
            }
        }
    }

    fn end(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let Some(key) = self.keys.remove(&id) else { return };
        if let Err(error) = ended {
            tracing::error!(plugin = key.plugin, job = key.job, %error, "Cordboard has a bug: a job panicked");
        }
        self.timetable.ended(&key);
    }

    async fn update_jobs(&mut self) {
        let jobs = self.runner.jobs();
        self.timetable.retain_plugins(|plugin| jobs.contains_key(plugin));
        for (plugin, jobs) in jobs {
            if self.timetable.has(&plugin, &jobs) {
                continue;
            }
            let now = (self.wall)();
            let since = self.runner.sync_jobs(&plugin, &jobs, now).await;
            self.timetable.replace(&plugin, jobs.into_iter().zip(since));
        }
    }

    /// Applies a change of the machine's time zone or of the zone's rules.
    fn update_zone(&mut self) {
        if let Some(zone) = (self.new_zone)() {
            tracing::info!("the time zone changed: rescheduling jobs");
            self.timetable.set_zone(zone);
        }
    }

    async fn start_due(&mut self) {
        self.update_zone();
        for due in self.timetable.due((self.wall)()) {
            if let Err(error) = self.runner.record_start(&due.key, due.at).await {
                tracing::error!(
                    plugin = due.key.plugin,
                    job = due.key.job,
                    %error,
                    "failed to store that a job started: it may run again"
                );
            }
            let runner = Arc::clone(&self.runner);
            let key = due.key.clone();
            let task = self.running.spawn(async move { runner.run(&due).await });
            self.keys.insert(task.id(), key);
        }
    }

    fn sleep(&self) -> impl Future<Output = ()> + use<W> {
        let now = (self.wall)();
        let pause = self.timetable.next(now).map(|next| next.since(now).min(LONGEST_SLEEP));
        async move {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests;
