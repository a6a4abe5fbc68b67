//! Which jobs are due at a moment, and when the next one will be. No clock, no tasks: time is an argument.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cordboard_core::types::Timestamp;

use crate::cron::{Cron, Zone};

/// How far back a clock may be set before jobs follow it. By less, they wait until it has caught up, and nothing runs twice.
const SET_BACK: Duration = Duration::from_secs(3600);

/// The same for jobs at fixed hours, which are rare: if the clock was a day ahead by mistake, they have already run.
const SET_BACK_FIXED: Duration = Duration::from_secs(25 * 3600);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub plugin: String,
    pub job: String,
}

/// A job that is to run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub key: Key,
    /// The latest of its times that passed.
    pub at: Timestamp,
    /// How many before it were not run.
    pub missed: u32,
}

struct Entry {
    cron: Cron,
    /// Its times up to this one are done with.
    until: Timestamp,
}

pub struct Timetable {
    zone: Zone,
    entries: BTreeMap<Key, Entry>,
    /// Kept apart: a job that was unplugged and came back may still be at work.
    running: BTreeSet<Key>,
}

impl Entry {
    const fn waits_at_most(&self) -> Duration {
        if self.cron.is_fixed() { SET_BACK_FIXED } else { SET_BACK }
    }
}

impl Timetable {
    #[must_use]
    pub const fn new(zone: Zone) -> Self {
        Self { zone, entries: BTreeMap::new(), running: BTreeSet::new() }
    }

    /// Switches to another time zone. A run that the change skips counts as missed.
    pub fn follow(&mut self, zone: Zone) {
        self.zone = zone;
    }

    /// Whether these are the jobs of the plugin already.
    #[must_use]
    pub fn has(&self, plugin: &str, jobs: &[(String, Cron)]) -> bool {
        let own = self.entries.iter().filter(|(key, _)| key.plugin == plugin);
        let own: BTreeMap<&str, &Cron> = own.map(|(key, entry)| (key.job.as_str(), &entry.cron)).collect();
        own == jobs.iter().map(|(job, cron)| (job.as_str(), cron)).collect()
    }

    pub fn keep(&mut self, plugins: impl Fn(&str) -> bool) {
        self.entries.retain(|key, _| plugins(&key.plugin));
    }

    /// Each with the moment up to which it was done.
    pub fn replace(&mut self, plugin: &str, jobs: impl Iterator<Item = ((String, Cron), Timestamp)>) {
        self.entries.retain(|key, _| key.plugin != plugin);
        let entries = jobs.map(|((job, cron), until)| (Key { plugin: plugin.to_owned(), job }, Entry { cron, until }));
        self.entries.extend(entries);
    }

    /// What is to run now; counts as running until it has ended.
    #[must_use]
    pub fn due(&mut self, now: Timestamp) -> Vec<Due> {
        let mut due = Vec::new();
        for (key, entry) in self.entries.iter_mut().filter(|(key, _)| !self.running.contains(key)) {
            if entry.until.since(now) > entry.waits_at_most() {
                entry.until = now;
            }
            let Some(at) = entry.cron.last(&self.zone, now).filter(|at| *at > entry.until) else { continue };
            let missed = entry.cron.between(&self.zone, entry.until, at);
            entry.until = at;
            due.push(Due { key: key.clone(), at, missed });
        }
        self.running.extend(due.iter().map(|due| due.key.clone()));
        due
    }

    pub fn ended(&mut self, key: &Key) {
        self.running.remove(key);
    }

    /// When the next job is due; a job that runs is looked at when it ends.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.entries.iter().filter(|(key, _)| !self.running.contains(key));
        waiting.filter_map(|(_, entry)| entry.cron.next(&self.zone, now.max(entry.until))).min()
    }
}
