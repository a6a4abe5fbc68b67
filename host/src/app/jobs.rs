//! Adapts plugin jobs to the scheduler: the jobs of the active plugins, their stored times, and their calls.

use std::{
    sync::{Arc, Weak},
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use cordboard_core::{cron::Cron, types::Timestamp};
use cordboard_runtime::{DueJob, HostApi, Registry};
use cordboard_store::Store;
use tokio::sync::watch;

use crate::{
    hub::HostService,
    schedule::{Due, HostZone, Jobs, Key, Schedule, Work},
};

struct Job {
    plugs: Arc<Registry>,
    store: Store,
    /// Weak, so that the schedule does not keep the host service alive during shutdown.
    desk: Weak<HostService>,
}

/// Runs the jobs of the active plugins until the future is dropped.
pub fn of(desk: &Arc<HostService>) -> impl Future<Output = ()> + use<> {
    let job = Job { plugs: Arc::clone(&desk.plugs), store: desk.store.clone(), desk: Arc::downgrade(desk) };
    let wall = || Timestamp(0).after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
    let mut zone = HostZone::new();
    Schedule::new(Arc::new(job), Box::new(move || zone.new_one()), Arc::new(wall)).run()
}

#[async_trait]
impl Work for Job {
    fn jobs(&self) -> Jobs {
        self.plugs.snapshot().jobs().map(|(plugin, jobs)| (plugin.to_owned(), jobs.to_vec())).collect()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.plugs.changes()
    }

    async fn remember(&self, plugin: &str, jobs: &[(String, Cron)], now: Timestamp) -> Vec<Timestamp> {
        let named = jobs.iter().map(|(name, cron)| (name.clone(), cron.as_str().to_owned())).collect();
        let known = self.store.sync_jobs(plugin, named, now).await;
        known.unwrap_or_else(|error| {
            tracing::error!(plugin, %error, "failed to read when the jobs of a plugin last ran: they run from now on");
            vec![now; jobs.len()]
        })
    }

    async fn begin(&self, key: &Key, at: Timestamp) -> Result<(), String> {
        self.store.begin_job(&key.plugin, &key.job, at).await.map_err(|error| error.to_string())
    }

    async fn run(&self, due: &Due) {
        let Some(desk) = self.desk.upgrade() else { return };
        let (plugin, job) = (due.key.plugin.as_str(), due.key.job.as_str());
        tracing::debug!(plugin, job, missed = due.missed, "job runs");
        let asked = DueJob { name: job.to_owned(), at: due.at, missed: due.missed };
        let board = desk as Arc<dyn HostApi>;
        if let Err(error) = self.plugs.run_job(&board, plugin, &asked).await {
            tracing::warn!(plugin, job, %error, "job failed");
        }
    }
}
