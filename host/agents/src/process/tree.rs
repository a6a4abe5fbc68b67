//! Finds and ends the members of a process tree. Finds them by cgroup, tags, process group, identity and parent. Checks
//! the identity of each member before it signals the member through a pidfd, so that it never signals a reused pid.
//! Excludes this process and its ancestors.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use cordboard_core::types::ProcessId;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    EnvTag,
    cgroup::Cgroup,
    env_tag::{self, RlimitTag},
    identity::{self, Stat},
};

/// The properties that identify a process tree.
#[derive(Debug, Clone)]
pub(super) struct TreeQuery {
    pub owner: Owner,
    /// A process group whose leader is not reaped yet, so that the id of the group cannot be reused.
    pub group: Option<i32>,
    pub known: Vec<ProcessId>,
    /// Cgroups that contain only members. They are removed when the tree has ended.
    pub cgroups: Vec<Cgroup>,
    /// Members that earlier scans found. A child that dropped its tags stays a member after its parent has exited.
    pub seen: HashSet<ProcessKey>,
}

/// The pid and the start time of a process.
type ProcessKey = (i32, u64);

#[derive(Debug, Clone)]
pub(super) enum Owner {
    /// The processes of one session.
    Session(EnvTag),
    /// The agents of the state directory with this UUID, except those that this host process started.
    Host(String),
}

impl TreeQuery {
    pub(super) fn new(owner: Owner) -> Self {
        let cgroups = match &owner {
            Owner::Session(tag) => Cgroup::of(tag).into_iter().collect(),
            Owner::Host(_) => Vec::new(),
        };
        Self { owner, group: None, known: Vec::new(), cgroups, seen: HashSet::new() }
    }
}

/// The time limits for ending a tree: after `term`, its processes receive SIGKILL; after another `kill`, those that
/// remain are abandoned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grace {
    pub term: Duration,
    pub kill: Duration,
}

/// The outcome of ending a tree, as process counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EndedTree {
    pub ended: usize,
    /// Processes that did not exit in time, even after SIGKILL.
    pub left: usize,
}

/// The pause after the first scan of `/proc`, short because most processes exit immediately. It doubles after each
/// scan, up to [`LONGEST_SCAN_PAUSE`].
const FIRST_SCAN_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_SCAN_PAUSE: Duration = Duration::from_millis(100);

/// Sends SIGTERM to the members, then SIGKILL after `grace.term` or as soon as `no_grace` is set. Scans repeatedly to
/// find newly forked processes. Returns when a scan finds no members, or when both grace periods are over.
pub(super) async fn end(mut query: TreeQuery, grace: Grace, no_grace: &watch::Receiver<bool>) -> EndedTree {
    let (start, mut pause) = (Instant::now(), FIRST_SCAN_PAUSE);
    loop {
        let scanned = query.clone();
        let members = tokio::task::spawn_blocking(move || members(&scanned)).await.unwrap_or_default();
        let elapsed = start.elapsed();
        if members.is_empty() || elapsed >= grace.term + grace.kill {
            query.cgroups.iter().for_each(Cgroup::remove);
            for member in &members {
                query.seen.remove(&key(*member));
            }
            return EndedTree { ended: query.seen.len(), left: members.len() };
        }
        let kill = elapsed >= grace.term || *no_grace.borrow();
        if kill {
            query.cgroups.iter().for_each(Cgroup::kill);
        }
        for member in members {
            let is_new = query.seen.insert(key(member));
            if kill {
                signal(member, Signal::KILL);
            } else if is_new {
                signal(member, Signal::TERM);
            }
        }
        let mut no_grace = no_grace.clone();
        tokio::select! {
            () = sleep(pause) => {}
            // Cut the pause short if the grace period is skipped.
            Ok(_) = no_grace.wait_for(|no_grace| *no_grace), if !kill => {}
        }
        pause = (pause * 2).min(LONGEST_SCAN_PAUSE);
    }
}

/// Signals all descendants of `ancestor`. The caller must ensure that `ancestor` is not reaped before this function
/// returns. Reads `/proc` and blocks for some milliseconds.
pub(super) fn signal_descendants(ancestor: i32, number: Signal) {
    let table = process_table();
    let mut found = BTreeSet::from([ancestor]);
    while table.values().any(|stat| found.contains(&stat.parent) && found.insert(stat.pid)) {}
    table
        .values()
        .filter(|stat| stat.pid != ancestor && found.contains(&stat.pid))
        .for_each(|stat| signal(*stat, number));
}

/// Returns the identity of a process within this boot.
const fn key(stat: Stat) -> ProcessKey {
    (stat.pid, stat.started)
}

/// Returns all running processes of the tree. Reads `/proc` and blocks for some milliseconds.
fn members(query: &TreeQuery) -> Vec<Stat> {
    let mut table = process_table();
    let in_cgroups: BTreeSet<i32> = query.cgroups.iter().flat_map(Cgroup::processes).collect();
    // Add processes that were forked since the table was read.
    let missed = in_cgroups.iter().filter(|pid| !table.contains_key(pid)).filter_map(|pid| identity::stat(*pid));
    table.extend(missed.map(|stat| (stat.pid, stat)).collect::<Vec<_>>());
    let excluded = self_and_ancestors(&table);
    let host_processes = host_processes(query, &table);
    let is_root = |stat: &Stat| {
        let inherits = || in_cgroups.contains(&stat.pid) || has_rlimit_tag(query, *stat);
        matches_itself(query, *stat) || !host_processes.contains(&stat.pid) && inherits()
    };
    let candidates: Vec<Stat> = table.values().filter(|stat| !excluded.contains(&stat.pid)).copied().collect();
    let mut found: BTreeSet<i32> = candidates.iter().filter(|stat| is_root(stat)).map(|stat| stat.pid).collect();
    // Add all descendants, because they may have dropped their tags.
    while candidates.iter().any(|stat| found.contains(&stat.parent) && found.insert(stat.pid)) {}
    candidates.into_iter().filter(|stat| found.contains(&stat.pid) && !stat.zombie).collect()
}

/// Returns whether a process belongs to the tree by its identity, its process group or its environment tag.
fn matches_itself(query: &TreeQuery, stat: Stat) -> bool {
    if query.known.contains(&identity::id(stat)) || query.seen.contains(&key(stat)) {
        return true;
    }
    let tag = || env_tag::read(&identity::folder(stat.pid));
    match &query.owner {
        Owner::Session(wanted) => query.group == Some(stat.group) || tag().is_some_and(|tag| wanted.matches(&tag)),
        Owner::Host(host) => tag().is_some_and(|tag| tag.host == *host && !tag.is_ours),
    }
}

/// Returns the processes whose cgroup and resource limit are ignored: those in the host's process group, such as the
/// processes that compile plugins. When searching for a killed host's processes, also returns all descendants of this
/// host. If an agent started this host, all these processes have inherited the agent's cgroup and resource limit.
fn host_processes(query: &TreeQuery, table: &BTreeMap<i32, Stat>) -> BTreeSet<i32> {
    let (me, group) = (std::process::id().cast_signed(), identity::own_group());
    let mut found: BTreeSet<i32> = table.values().filter(|stat| stat.group == group).map(|stat| stat.pid).collect();
    if matches!(query.owner, Owner::Host(_)) {
        let below = |mut pid| {
            let parents = std::iter::from_fn(|| {
                pid = table.get(&pid)?.parent;
                Some(pid)
            });
            parents.take(table.len()).any(|parent| parent == me)
        };
        found.extend(table.keys().copied().filter(|pid| below(*pid)));
    }
    found
}

/// Returns whether the process has no environment tag and its resource limit tag belongs to the tree's owner.
fn has_rlimit_tag(query: &TreeQuery, stat: Stat) -> bool {
    let folder = identity::folder(stat.pid);
    let tag = RlimitTag::read(&folder).filter(|_| env_tag::read(&folder).is_none());
    tag.is_some_and(|tag| match &query.owner {
        Owner::Session(wanted) => tag == wanted.rlimit_tag(),
        Owner::Host(host) => tag.is_of_host(host),
    })
}

pub(super) fn process_table() -> BTreeMap<i32, Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, identity::stat(pid)?))).collect()
}

/// Returns this process and its ancestors: an agent of the previous host may have started this host.
fn self_and_ancestors(table: &BTreeMap<i32, Stat>) -> BTreeSet<i32> {
    let mut excluded = BTreeSet::from([1]);
    let mut pid = i32::try_from(std::process::id()).unwrap_or_default();
    while excluded.insert(pid) {
        let Some(stat) = table.get(&pid) else { break };
        pid = stat.parent;
    }
    excluded
}

/// Signals a process, unless it has exited in the meantime. Opens the pidfd before it checks the identity, so that the
/// signal goes to the process that was checked.
fn signal(stat: Stat, signal: Signal) {
    let Some(pid) = Pid::from_raw(stat.pid) else { return };
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    if identity::stat(stat.pid).is_some_and(|now| now.started == stat.started)
        && let Err(error) = pidfd_send_signal(&process, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(pid = stat.pid, %error, "failed to signal a process of an agent");
    }
}
