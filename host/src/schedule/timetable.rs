//! Computes the due jobs and the time of the next one. It doesn't read the clock or spawn tasks; the caller passes the
//! time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cordboard_core::{cron::Cron, time_zone::Zone, types::Timestamp};

/// The longest wait after the clock is set back. Up to this limit, jobs wait until the clock has caught up, so that no
/// job runs twice. If the clock is set back further, jobs follow the new time at once.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The same limit for jobs that run at fixed times of day. It is longer than a day: if the clock was a day ahead, the
/// jobs of that day have already run and must not run again.
const LONGEST_WAIT_FIXED: Duration = Duration::from_secs(25 * 3600);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobKey {
    pub plugin: String,
    pub job: String,
}

/// A job to run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRun {
    pub key: JobKey,
    /// The latest scheduled time that has passed.
    pub at: Timestamp,
    /// The number of earlier times that were missed.
    pub missed: u32,
}

struct Entry {
    cron: Cron,
    /// All scheduled times up to this one have been handled.
    until: Timestamp,
}

pub struct Timetable {
    zone: Zone,
    entries: BTreeMap<JobKey, Entry>,
    /// Kept separate from `entries`, because a job may still be running after its plugin was removed and activated
    /// again.
    running: BTreeSet<JobKey>,
}

impl Entry {
    const fn longest_wait(&self) -> Duration {
        if self.cron.is_fixed() { LONGEST_WAIT_FIXED } else { LONGEST_WAIT }
    }
}

impl Timetable {
    #[must_use]
    pub const fn new(zone: Zone) -> Self {
        Self { zone, entries: BTreeMap::new(), running: BTreeSet::new() }
    }

    /// Switches to another time zone. Runs skipped by the change are made up for.
    pub fn set_zone(&mut self, zone: Zone) {
        self.zone = zone;
    }

    /// Returns whether `jobs` are the current jobs of the plugin.
    #[must_use]
    pub fn has(&self, plugin: &str, jobs: &[(String, Cron)]) -> bool {
        let own = self.entries.iter().filter(|(key, _)| key.plugin == plugin);
        let own: BTreeMap<&str, &Cron> = own.map(|(key, entry)| (key.job.as_str(), &entry.cron)).collect();
        own == jobs.iter().map(|(job, cron)| (job.as_str(), cron)).collect()
    }

    pub fn retain_plugins(&mut self, is_active: impl Fn(&str) -> bool) {
        self.entries.retain(|key, _| is_active(&key.plugin));
    }

    /// Replaces a plugin's jobs. Each is paired with the time up to which its runs have been handled.
    pub fn replace(&mut self, plugin: &str, jobs: impl Iterator<Item = ((String, Cron), Timestamp)>) {
        self.entries.retain(|key, _| key.plugin != plugin);
        let entries =
            jobs.map(|((job, cron), until)| (JobKey { plugin: plugin.to_owned(), job }, Entry { cron, until }));
        self.entries.extend(entries);
    }

    /// Returns the jobs to run now, and marks them as running until [`ended`](Self::ended).
    #[must_use]
    pub fn due(&mut self, now: Timestamp) -> Vec<DueRun> {
        let mut due = Vec::new();
        for (key, entry) in self.entries.iter_mut().filter(|(key, _)| !self.running.contains(key)) {
            if entry.until.since(now) > entry.longest_wait() {
                entry.until = now;
            }
            let Some(at) = entry.cron.last(&self.zone, now).filter(|at| *at > entry.until) else { continue };
            let missed = entry.cron.between(&self.zone, entry.until, at);
            entry.until = at;
            due.push(DueRun { key: key.clone(), at, missed });
        }
        self.running.extend(due.iter().map(|due| due.key.clone()));
        due
    }

    pub fn ended(&mut self, key: &JobKey) {
        self.running.remove(key);
    }

    /// Returns when the next job is due. Ignores running jobs, which are checked again when they end.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.entries.iter().filter(|(key, _)| !self.running.contains(key));
        waiting.filter_map(|(_, entry)| entry.cron.next(&self.zone, now.max(entry.until))).min()
    }
}
