//! Stores, for each plugin job, the time up to which its runs were started or skipped. After downtime, the host uses
//! this time to find the runs that it missed.

use cordboard_core::types::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{Store, error::StoreError, inbox::to_column};

impl Store {
    /// Stores these jobs of a plugin with their schedules, and deletes the plugin's other jobs. Returns, for each job,
    /// the time up to which its runs were started or skipped, or `now` if the job is new or its schedule has changed.
    pub async fn sync_jobs(
        &self,
        plugin: &str,
        jobs: Vec<(String, String)>,
        now: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let plugin = plugin.to_owned();
        self.run(format!("read when the jobs of plugin '{plugin}' ran"), move |db| {
            let mut until = Vec::with_capacity(jobs.len());
            for (name, cron) in &jobs {
                let sql = "SELECT until FROM job WHERE plugin = ? AND name = ? AND cron = ?";
                let known: Option<i64> =
                    db.prepare_cached(sql)?.query_row([&plugin, name, cron], |row| row.get(0)).optional()?;
                until.push(known.map_or(now, |known| Timestamp(known.unsigned_abs())));
            }
            db.prepare_cached("DELETE FROM job WHERE plugin = ?")?.execute([&plugin])?;
            let sql = "INSERT OR REPLACE INTO job (plugin, name, cron, until) VALUES (?, ?, ?, ?)";
            for ((name, cron), until) in jobs.iter().zip(&until) {
                db.prepare_cached(sql)?.execute(params![plugin, name, cron, to_column(*until)])?;
            }
            Ok(until)
        })
        .await
    }

    /// Records the start of a job run, which covers the scheduled time `at` and all earlier ones.
    pub async fn begin_job(&self, plugin: &str, name: &str, at: Timestamp) -> Result<(), StoreError> {
        let (plugin, name) = (plugin.to_owned(), name.to_owned());
        self.run(format!("store that the job '{name}' of plugin '{plugin}' runs"), move |db| {
            let sql = "UPDATE job SET until = ? WHERE plugin = ? AND name = ?";
            Ok(db.prepare_cached(sql)?.execute(params![to_column(at), plugin, name]).map(drop)?)
        })
        .await
    }
}
