//! A tree of processes: finds its members and ends them. Members are found by cgroup, mark, group, identity and descent,
//! and signalled through a pidfd after their identity is checked, so that a reused pid is never signalled. This process and
//! its ancestors are excluded.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cordboard_core::types::{ProcessId, SessionName};
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

/// The properties by which a tree is found.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub wanted: Wanted,
    /// A process group whose leader is not reaped yet, so that its number cannot be reused.
    pub group: Option<i32>,
    pub known: Vec<(SessionName, ProcessId)>,
    /// All processes in them are members. Removed when the tree has ended.
    pub cgroups: Vec<Cgroup>,
    /// Members that earlier scans found. A child that dropped its mark stays a member after its parent has exited.
    pub seen: BTreeMap<Key, Option<SessionName>>,
}

/// Identifies a process of this boot by its pid and start time.
type Key = (i32, u64);

#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// The processes of one session.
    Session(EnvTag),
    /// The processes of a state directory that this host process did not start.
    Host(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub stat: Stat,
    pub session: Option<SessionName>,
}

impl Target {
    pub(super) fn new(wanted: Wanted) -> Self {
        let cgroups = match &wanted {
            Wanted::Session(mark) => Cgroup::of(mark).into_iter().collect(),
            Wanted::Host(_) => Vec::new(),
        };
        Self { wanted, group: None, known: Vec::new(), cgroups, seen: BTreeMap::new() }
    }
}

/// The time limits for ending a tree: after `term` it gets SIGKILL, and after a further `kill` it is abandoned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grace {
    pub term: Duration,
    pub kill: Duration,
}

/// The result of ending a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct End {
    pub ended: Vec<Member>,
    /// Members that did not exit in time, even after SIGKILL.
    pub left: Vec<Member>,
}

/// The pause between scans of `/proc`. Short at first, because most processes exit immediately.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LONGEST_LOOK: Duration = Duration::from_millis(100);

/// Sends SIGTERM, and SIGKILL after a grace period (at once when hurried), until no members are found. The next scan
/// finds processes that were forked in the meantime.
pub(super) async fn end(mut target: Target, grace: Grace, hurried: &watch::Receiver<bool>) -> End {
    let (start, mut pause) = (Instant::now(), FIRST_LOOK);
    let mut seen: BTreeMap<Key, Member> = BTreeMap::new();
    loop {
        let looked = target.clone();
        let members = tokio::task::spawn_blocking(move || members(&looked)).await.unwrap_or_default();
        let elapsed = start.elapsed();
        if members.is_empty() || elapsed >= grace.term + grace.kill {
            target.cgroups.iter().for_each(Cgroup::remove);
            for member in &members {
                seen.remove(&key(member.stat));
            }
            return End { ended: seen.into_values().collect(), left: members };
        }
        let kill = elapsed >= grace.term || *hurried.borrow();
        if kill {
            target.cgroups.iter().for_each(Cgroup::kill);
        }
        for member in members {
            let first = !seen.contains_key(&key(member.stat));
            if kill {
                signal(member.stat, Signal::KILL);
            } else if first {
                signal(member.stat, Signal::TERM);
            }
            target.seen.insert(key(member.stat), member.session.clone());
            seen.insert(key(member.stat), member);
        }
        let mut hurried = hurried.clone();
        tokio::select! {
            () = sleep(pause) => {}
            // A hurry shortens the pause once.
            Ok(_) = hurried.wait_for(|hurried| *hurried), if !kill => {}
        }
        pause = (pause * 2).min(LONGEST_LOOK);
    }
}

const fn key(stat: Stat) -> Key {
    (stat.pid, stat.started)
}

/// All running processes of the tree. Reads `/proc` and blocks for some milliseconds.
pub(super) fn members(target: &Target) -> Vec<Member> {
    let mut table = table();
    let grouped: BTreeMap<_, _> = target.cgroups.iter().flat_map(Cgroup::processes).collect();
    // Those that were forked since the table was read.
    let missed = grouped.keys().filter(|pid| !table.contains_key(pid)).filter_map(|pid| identity::stat(*pid));
    table.extend(missed.map(|stat| (stat.pid, stat)).collect::<Vec<_>>());
    let spared = self_and_ancestors(&table);
    let ours = ours(target, &table);
    let mut found: BTreeMap<i32, Option<SessionName>> = BTreeMap::new();
    for stat in table.values().filter(|stat| !spared.contains(&stat.pid)) {
        let inherited = || grouped.get(&stat.pid).cloned().or_else(|| tagged(target, *stat));
        let session = root(target, *stat);
        if let Some(session) = session.or_else(|| if ours.contains(&stat.pid) { None } else { inherited() }) {
            found.insert(stat.pid, session);
        }
    }
    // Descendants may have dropped their mark, so they get their parent's session here.
    let mut grown = true;
    while grown {
        grown = false;
        for stat in table.values() {
            if !spared.contains(&stat.pid)
                && !found.contains_key(&stat.pid)
                && let Some(session) = found.get(&stat.parent).cloned()
            {
                found.insert(stat.pid, session);
                grown = true;
            }
        }
    }
    found
        .into_iter()
        .filter_map(|(pid, session)| Some(Member { stat: *table.get(&pid)?, session }))
        .filter(|member| !member.stat.zombie)
        .collect()
}

/// Whether a process belongs to the tree on its own properties, and to which session.
fn root(target: &Target, stat: Stat) -> Option<Option<SessionName>> {
    if let Some((session, _)) = target.known.iter().find(|(_, known)| *known == identity::id(stat)) {
        return Some(Some(session.clone()));
    }
    if let Some(session) = target.seen.get(&key(stat)) {
        return Some(session.clone());
    }
    if let Wanted::Session(mark) = &target.wanted
        && target.group == Some(stat.group)
    {
        return Some(Some(mark.session.clone()));
    }
    let found = env_tag::read(&identity::folder(stat.pid))?;
    let wanted = match &target.wanted {
        Wanted::Session(mark) => mark.matches(&found),
        Wanted::Host(host) => found.host == *host && !found.ours,
    };
    wanted.then_some(found.session)
}

/// Processes whose cgroup and tag are ignored. If an agent has started this host, the host and its own children have
/// those of that agent. Compilers are in the host's process group; processes of a killed host are not in the host's tree.
fn ours(target: &Target, table: &BTreeMap<i32, Stat>) -> BTreeSet<i32> {
    let (me, group) = (std::process::id().cast_signed(), rustix::process::getpgrp().as_raw_nonzero().get());
    let mut ours: BTreeSet<i32> = table.values().filter(|stat| stat.group == group).map(|stat| stat.pid).collect();
    if matches!(target.wanted, Wanted::Host(_)) {
        let below = |mut pid| {
            let parents = std::iter::from_fn(|| {
                pid = table.get(&pid)?.parent;
                Some(pid)
            });
            parents.take(table.len()).any(|parent| parent == me)
        };
        ours.extend(table.keys().copied().filter(|pid| below(*pid)));
    }
    ours
}

/// Identifies a process without a mark by its tag.
fn tagged(target: &Target, stat: Stat) -> Option<Option<SessionName>> {
    let folder = identity::folder(stat.pid);
    let tag = RlimitTag::read(&folder).filter(|_| env_tag::read(&folder).is_none())?;
    match &target.wanted {
        Wanted::Session(mark) => (tag == mark.tag()).then(|| Some(mark.session.clone())),
        Wanted::Host(host) => tag.is_of(host).then(|| {
            let mut marks =
                target.known.iter().map(|(session, _)| EnvTag { host: host.clone(), session: session.clone() });
            marks.find(|mark| mark.tag() == tag).map(|mark| mark.session)
        }),
    }
}

pub(super) fn table() -> BTreeMap<i32, Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, identity::stat(pid)?))).collect()
}

/// This process and its ancestors: an agent of the previous host may have started this host.
fn self_and_ancestors(table: &BTreeMap<i32, Stat>) -> BTreeSet<i32> {
    let mut spared = BTreeSet::from([1]);
    let mut pid = i32::try_from(std::process::id()).unwrap_or_default();
    while spared.insert(pid) {
        let Some(stat) = table.get(&pid) else { break };
        pid = stat.parent;
    }
    spared
}

/// Opens the pidfd before the check, so that the signal goes to the process that was checked. Ignores a process that
/// has exited in the meantime.
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
