//! Implements the scheduler's [`JobRunner`] port: lists the active plugins' jobs, stores the time of each run, and
//! calls the plugins.

use std::{
    sync::{Arc, Weak},
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use cordboard_core::{cron::Cron, language, types::Timestamp};
use cordboard_runtime::{DueJob, HostApi, Registry};
use cordboard_store::{Store, StoreError};
use tokio::sync::watch;

use crate::{
    hub::HostService,
    schedule::{DueRun, HostZone, JobKey, JobRunner, Jobs, Schedule},
};

struct PluginJobs {
    plugins: Arc<Registry>,
    store: Store,
    /// A weak reference, so that the scheduler doesn't keep the host service alive during shutdown.
    host: Weak<HostService>,
}

/// Runs the jobs of the active plugins until the future is dropped.
pub fn run_jobs(host: &Arc<HostService>) -> impl Future<Output = ()> + use<> {
    let jobs = PluginJobs { plugins: Arc::clone(&host.plugins), store: host.store.clone(), host: Arc::downgrade(host) };
    let wall = || Timestamp(0).after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
    let mut zone = HostZone::new();
    Schedule::new(Arc::new(jobs), Box::new(move || zone.poll_change()), Arc::new(wall)).run()
}

#[async_trait]
impl JobRunner for PluginJobs {
    fn jobs(&self) -> Jobs {
        self.plugins.snapshot().jobs().map(|(plugin, jobs)| (plugin.to_owned(), jobs.to_vec())).collect()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.plugins.changes()
    }

    async fn sync_jobs(&self, plugin: &str, jobs: &[(String, Cron)], now: Timestamp) -> Vec<Timestamp> {
        let named = jobs.iter().map(|(name, cron)| (name.clone(), cron.as_str().to_owned())).collect();
        let known = self.store.sync_jobs(plugin, named, now).await;
        known.unwrap_or_else(|error| {
            tracing::error!(plugin, %error, "failed to read when the jobs of a plugin last ran: missed runs are skipped");
            vec![now; jobs.len()]
        })
    }

    async fn record_start(&self, key: &JobKey, at: Timestamp) -> Result<(), StoreError> {
        self.store.begin_job(&key.plugin, &key.job, at).await
    }

    async fn run(&self, due: &DueRun) {
        let Some(host) = self.host.upgrade() else { return };
        let (plugin, job) = (due.key.plugin.as_str(), due.key.job.as_str());
        tracing::debug!(plugin, job, missed = due.missed, "running a job");
        let due_job = DueJob { name: job.to_owned(), at: due.at, missed: due.missed };
        let language = host.outbound.language_or_default(None);
        let host_api = host as Arc<dyn HostApi>;
        let run = self.plugins.run_job(&host_api, plugin, &due_job);
        if let Err(error) = language::scope(language, run).await {
            tracing::warn!(plugin, job, %error, "job failed");
        }
    }
}
