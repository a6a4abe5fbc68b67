//! Adopts orphaned descendants of agents, so that they stay in this process's tree, and reaps them when they exit. Does
//! not reap children that other code waits for: agents are registered here, and all other children of the host are in
//! the host's own process group.

use std::{
    collections::BTreeSet,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, WaitId, WaitIdOptions, getpgrp, getpid, set_child_subreaper, waitid};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
};

use super::{
    EnvTag,
    cgroup::Cgroup,
    env_tag::{self, RlimitTag},
    identity::{self, Stat},
    prepared_exec::PreparedExec,
    tree,
};

/// The pids of agents that tokio has not reaped yet.
static AGENTS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn agents() -> MutexGuard<'static, BTreeSet<i32>> {
    AGENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts an agent and registers it under one lock, so that `reap` can't see it unregistered even if it ends at once.
pub(super) fn spawn(mut command: Command, image: PreparedExec, tag: &EnvTag) -> io::Result<Child> {
    let cgroup = Cgroup::of(tag);
    set_identification(&mut command, image, tag.rlimit_tag(), cgroup.as_ref());
    let mut agents = agents();
    let child = command.spawn().inspect_err(|_| cgroup.iter().for_each(Cgroup::remove))?;
    agents.extend(child.id().map(u32::cast_signed));
    Ok(child)
}

/// Makes the new process begin its own session, set its resource limit tag, enter its cgroup and then execute the
/// program of the agent. The new session has no terminal: otherwise the agent could type commands into the terminal of
/// the host, and a command that reads from that terminal would stop the whole agent.
#[expect(unsafe_code, reason = "std calls code between fork and exec unsafe, because it must not allocate or lock")]
fn set_identification(command: &mut Command, image: PreparedExec, tag: RlimitTag, cgroup: Option<&Cgroup>) {
    let entry = cgroup.and_then(|cgroup| {
        let created = cgroup.create();
        created.inspect_err(|error| tracing::debug!(%error, "no cgroup for an agent: relying on its tags")).ok()
    });
    let become_agent = move || {
        rustix::process::setsid()?;
        // Ignore errors: the tag or the cgroup alone identifies the agent, and logging would allocate.
        tag.set().ok();
        if let Some(entry) = &entry {
            rustix::io::write(entry, b"0").ok();
        }
        Err(image.exec())
    };
    // SAFETY: the closure only makes system calls.
    unsafe { command.pre_exec(become_agent) };
}

/// Unregisters an agent that has been reaped, or that tokio will reap.
pub(super) fn forget(agent: Option<u32>) {
    let mut agents = agents();
    agents.retain(|known| Some(known.cast_unsigned()) != agent);
}

/// Makes this process, instead of init, the parent of orphaned descendants, and reaps them when they end. Must be
/// called within a tokio runtime.
pub fn adopt_orphans() {
    // Register the signal handler before the first orphan can arrive.
    let ended = signal(SignalKind::child()).and_then(|ended| Ok((ended, set_child_subreaper(Some(getpid()))?)));
    match ended {
        Ok((mut ended, ())) => {
            tokio::spawn(async move {
                while ended.recv().await.is_some() {
                    if let Err(error) = spawn_blocking(reap).await {
                        tracing::error!(%error, "failed to reap processes, which is a bug");
                    }
                }
            });
        }
        Err(error) => {
            tracing::warn!(%error, "failed to become the subreaper: processes that drop their tags may outlive their agent")
        }
    }
}

/// Returns the pids of running orphans without a tag. Each orphan is returned by only one call.
pub(super) async fn strays() -> Vec<i32> {
    static REPORTED: Mutex<BTreeSet<(i32, u64)>> = Mutex::new(BTreeSet::new());
    let find = || {
        let mut reported = REPORTED.lock().unwrap_or_else(PoisonError::into_inner);
        let all = tree::process_table().into_values().filter(|stat| !stat.zombie && is_orphan(*stat));
        let strays = all.filter(|stat| {
            let folder = identity::folder(stat.pid);
            !agents().contains(&stat.pid) && env_tag::read(&folder).is_none() && RlimitTag::read(&folder).is_none()
        });
        strays.filter(|stat| reported.insert((stat.pid, stat.started))).map(|stat| stat.pid).collect()
    };
    spawn_blocking(find).await.unwrap_or_default()
}

/// Reaps the orphans that have ended.
fn reap() {
    for orphan in tree::process_table().into_values().filter(|stat| stat.zombie && is_orphan(*stat)) {
        let agents = agents();
        // The pid may belong to a new agent by now. The lock ensures that such an agent is registered.
        if !agents.contains(&orphan.pid)
            && identity::stat(orphan.pid).is_some_and(|now| now.started == orphan.started)
            && let Some(pid) = Pid::from_raw(orphan.pid)
            && let Err(error) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
        {
            tracing::debug!(pid = orphan.pid, %error, "failed to reap an orphan");
        }
    }
}

/// Returns whether a process is a child of this host but not in the host's process group: an agent or an adopted
/// orphan.
fn is_orphan(stat: Stat) -> bool {
    let raw = |pid: Pid| pid.as_raw_nonzero().get();
    stat.parent == raw(getpid()) && stat.group != raw(getpgrp())
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::{super::EnvTag, *};

    #[tokio::test]
    async fn an_agent_has_its_tag_from_the_start() {
        let tag = EnvTag { host: "host".to_owned(), session: "alpha".parse().unwrap() };
        let image = PreparedExec::new("/bin/cat".as_ref(), ["/proc/self/limits".as_ref()], []).unwrap();
        let mut command = Command::new("/bin/cat");
        command.stdout(Stdio::piped());
        let child = spawn(command, image, &tag).unwrap();
        let pid = child.id();
        let output = child.wait_with_output().await.unwrap();
        forget(pid);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("limits"), output.stdout).unwrap();
        assert_eq!(RlimitTag::read(folder.path()), Some(tag.rlimit_tag()));
        Cgroup::of(&tag).iter().for_each(Cgroup::remove);
    }
}
