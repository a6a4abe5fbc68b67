//! Adopts orphaned descendants of agents, so that they stay in this process's tree, and reaps them when they exit. Does
//! not reap children that other code waits for: agents are registered here, and the host's other children are all in
//! its own process group.

use std::{
    collections::BTreeSet,
    ffi::CString,
    io,
    os::{fd::AsFd, unix::ffi::OsStrExt as _},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use cordboard_core::config::AgentLimits;
use rustix::process::{Pid, WaitId, WaitIdOptions, getpid, set_child_subreaper, waitid};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
};

use super::{
    EnvTag,
    cgroup::{self, Cgroup},
    cgroup_limits::LimitsError,
    env_tag::{self, RlimitTag},
    fork_exec::{ProcessSetup, fork_exec},
    identity::{self, Stat},
    pipes::ChildStdio,
    prepared_exec::PreparedExec,
    tree,
};

/// The reason why an agent could not be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum ForkError {
    #[error(transparent)]
    Process(#[from] io::Error),
    #[error(transparent)]
    Limits(#[from] LimitsError),
}

/// The pids of agents that their supervisors have not reaped yet.
static AGENTS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn agents() -> MutexGuard<'static, BTreeSet<i32>> {
    AGENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts an agent in its cgroup, and registers it under one lock, so that `reap` can't see it unregistered even if it
/// ends at once.
pub(super) fn spawn(
    image: &PreparedExec,
    folder: &Path,
    stdio: ChildStdio,
    tag: &EnvTag,
    limits: &AgentLimits,
) -> Result<Pid, ForkError> {
    let folder = CString::new(folder.as_os_str().as_bytes()).map_err(io::Error::from)?;
    let (cgroup, cgroup_folder) = cgroup::create(tag, limits)?.unzip();
    let ChildStdio { stdin, stdout, stderr } = stdio;
    let setup = ProcessSetup {
        folder: &folder,
        stdin,
        stdout,
        stderr,
        tag: tag.rlimit_tag(),
        cgroup: cgroup_folder.as_ref().map(AsFd::as_fd),
        requires_cgroup: *limits != AgentLimits::NONE,
    };
    let mut agents = agents();
    let pid = fork_exec(image, &setup).inspect_err(|_| cgroup.iter().for_each(Cgroup::remove))?;
    agents.insert(pid.as_raw_nonzero().get());
    Ok(pid)
}

/// Unregisters an agent, either because it has been reaped or so that `reap` reaps it.
pub(super) fn forget(agent: Pid) {
    agents().remove(&agent.as_raw_nonzero().get());
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
        // A new agent may already have this pid. The lock ensures that the new agent is registered.
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
    stat.parent == getpid().as_raw_nonzero().get() && stat.group != identity::own_group()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use rustix::process::{WaitOptions, waitpid};

    use super::{super::EnvTag, *};

    /// Runs a program in `/tmp`, and returns its output.
    fn output(program: &str, args: &[&str], tag: &EnvTag) -> Result<String, ForkError> {
        let image = PreparedExec::new(program.as_ref(), args.iter().map(AsRef::as_ref), []).unwrap();
        let (mut reader, stdout) = io::pipe().unwrap();
        let null = || std::fs::File::options().read(true).write(true).open("/dev/null").unwrap().into();
        let stdio = ChildStdio { stdin: null(), stdout: stdout.into(), stderr: null() };
        let pid = spawn(&image, Path::new("/tmp"), stdio, tag, &AgentLimits::NONE)?;
        let mut output = String::new();
        reader.read_to_string(&mut output).unwrap();
        waitpid(Some(pid), WaitOptions::empty()).unwrap();
        forget(pid);
        Cgroup::of(tag).iter().for_each(Cgroup::remove);
        Ok(output)
    }

    fn tag(session: &str) -> EnvTag {
        EnvTag { host: "host".to_owned(), session: session.parse().unwrap() }
    }

    #[test]
    fn an_agent_has_its_tag_from_the_start() {
        let tag = tag("alpha");
        let folder = tempfile::tempdir().unwrap();
        let limits = output("/bin/cat", &["/proc/self/limits"], &tag).unwrap();
        std::fs::write(folder.path().join("limits"), limits).unwrap();
        assert_eq!(RlimitTag::read(folder.path()), Some(tag.rlimit_tag()));
    }

    #[test]
    #[expect(unsafe_code, reason = "std can't ignore signals")]
    fn an_agent_starts_with_default_signals_in_its_folder() {
        // SAFETY: the call only changes the action of a signal that this test doesn't receive.
        let set_hangup = |action| unsafe { libc::signal(libc::SIGHUP, action) };
        // As in a host that was started with `nohup`.
        set_hangup(libc::SIG_IGN);
        let shown = output("/bin/sh", &["-c", "pwd; grep -E 'SigBlk|SigIgn' /proc/self/status"], &tag("beta")).unwrap();
        set_hangup(libc::SIG_DFL);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines, ["/tmp", "SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"]);
    }

    #[test]
    fn a_program_that_cannot_be_executed_is_an_error() {
        let error = output("/tmp", &[], &tag("gamma")).unwrap_err();
        assert!(matches!(&error, ForkError::Process(error) if error.raw_os_error() == Some(libc::EACCES)), "{error}");
        assert!(Cgroup::of(&tag("gamma")).is_none_or(|cgroup| cgroup.processes().is_empty()));
    }

    #[test]
    fn an_agent_is_created_in_its_cgroup() {
        let tag = tag("delta");
        let Some(Ok(_)) = Cgroup::of(&tag).map(|cgroup| cgroup.create()) else {
            eprintln!("SKIPPED: the host may not create cgroups here");
            return;
        };
        let shown = output("/bin/cat", &["/proc/self/cgroup"], &tag).unwrap();
        assert!(shown.lines().any(|line| line.starts_with("0::") && line.ends_with("/delta")), "{shown}");
    }
}
