//! Supervises an agent after its start: waits for the leader to exit, ends its descendants, reaps the leader, and sends
//! `Ended`. The leader is reaped only after its descendants have ended or are abandoned, so that neither its pid nor
//! its group id is reused before then.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    process::ExitStatus,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cordboard_core::{config::AgentLimits, types::ProcessId};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, kill_process_group, pidfd_open, waitpid};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::{mpsc, watch},
};

use super::{
    EnvTag, ProcessEvent,
    cgroup::Cgroup,
    identity,
    pipes::Pipes,
    subreaper,
    tree::{self, Grace, Owner, TreeQuery},
};

/// The time limits for an exited leader's descendants. They have no work to finish, and only need time to remove lock
/// files.
const DESCENDANTS_GRACE: Grace = Grace { term: Duration::from_millis(500), kill: Duration::from_secs(5) };

/// The first process of an agent, shared by its [`Process`](super::Process) and its supervisor.
#[derive(Debug)]
pub(super) struct Leader {
    id: ProcessId,
    pid: Pid,
    exit: AsyncFd<OwnedFd>,
    /// Whether the process is reaped. From then on, another process may have its pid.
    is_reaped: Mutex<bool>,
    no_grace: watch::Sender<bool>,
}

impl Leader {
    pub(super) fn new(pid: Pid) -> io::Result<Self> {
        let open = || {
            let exit = watch_exit(pidfd_open(pid, PidfdFlags::empty())?)?;
            let stat = identity::stat(pid.as_raw_nonzero().get());
            let id =
                identity::id(stat.ok_or_else(|| {
                    io::Error::other("the process is missing from /proc; check that /proc is mounted")
                })?);
            Ok(Self { id, pid, exit, is_reaped: Mutex::new(false), no_grace: watch::Sender::new(false) })
        };
        open().inspect_err(|_| {
            // No grace period: the agent has not received a prompt yet, so no work is lost.
            kill_process(pid, Signal::KILL).ok();
            subreaper::forget(pid);
        })
    }

    pub(super) const fn id(&self) -> &ProcessId {
        &self.id
    }

    /// Sends a signal to the whole group. Does nothing once the leader has been reaped.
    pub(super) fn signal(&self, signal: Signal) {
        let is_reaped = self.is_reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_reaped {
            // Ignore an error: it means that the group has already exited.
            kill_process_group(self.pid, signal).ok();
        }
    }

    /// Sends a signal to all descendants of the leader. Blocks for some milliseconds.
    pub(super) fn signal_descendants(&self, signal: Signal) {
        let is_reaped = self.is_reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_reaped {
            tree::signal_descendants(self.pid.as_raw_nonzero().get(), signal);
        }
    }

    /// Skips the grace period for the leader's descendants.
    pub(super) fn skip_grace(&self) {
        self.no_grace.send_replace(true);
    }

    async fn exited(&self) {
        if let Err(error) = self.exit.readable().await {
            tracing::error!(%error, "failed to wait for an agent's exit: killing it");
            self.signal(Signal::KILL);
        }
    }

    /// Reaps the exited process. Returns its status, or `None` if that can't be read.
    fn reap(&self) -> Option<ExitStatus> {
        let mut is_reaped = self.is_reaped.lock().unwrap_or_else(PoisonError::into_inner);
        *is_reaped = true;
        let ended = waitpid(Some(self.pid), WaitOptions::empty());
        subreaper::forget(self.pid);
        let ended = ended.inspect_err(|error| tracing::error!(%error, "failed to read an agent's exit status"));
        ended.ok().flatten().map(|(_, status)| ExitStatus::from_raw(status.as_raw()))
    }
}

#[expect(unsafe_code, reason = "tokio's registration is unsafe for descriptors that it does not own")]
pub(super) fn watch_exit(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the `AsyncFd` owns the descriptor, so the descriptor stays open as long as it is registered.
    Ok(unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?)
}

pub(super) async fn supervise(
    leader: Arc<Leader>,
    tag: EnvTag,
    limits: AgentLimits,
    pipes: Pipes,
    events: mpsc::Sender<ProcessEvent>,
) {
    leader.exited().await;
    // Read this before the end of the tree removes the cgroup.
    let exceeded_memory = limits.memory.is_some() && Cgroup::of(&tag).is_some_and(|cgroup| cgroup.exceeded_memory());
    let query = TreeQuery { group: Some(leader.id.pid), ..TreeQuery::new(Owner::Session(tag)) };
    let end = tree::end(query, DESCENDANTS_GRACE, &leader.no_grace.subscribe()).await;
    if end.ended + end.left > 0 {
        tracing::info!(end.ended, end.left, "an agent left processes behind");
    }
    let strays = subreaper::strays().await;
    if !strays.is_empty() {
        tracing::warn!(?strays, "found orphaned processes that cannot be attributed to an agent");
        // The send fails only if the session no longer exists.
        drop(events.send(ProcessEvent::Strays { pids: strays }).await);
    }
    let status = leader.reap();
    let last_stderr_line = pipes.finish().await;
    // The send fails only if the session no longer exists.
    drop(events.send(ProcessEvent::Ended { status, last_stderr_line, exceeded_memory }).await);
}

/// Returns the exit status in words.
#[must_use]
pub fn describe_exit(status: Option<ExitStatus>) -> String {
    let Some(status) = status else { return "unknown exit status".to_owned() };
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => match SIGNALS.iter().find(|(number, _)| *number == signal) {
            Some((_, name)) => format!("killed by {name}"),
            None => format!("killed by signal {signal}"),
        },
        (None, None) => status.to_string(),
    }
}

/// The names of the signals that usually end an agent.
const SIGNALS: [(i32, &str); 9] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (4, "SIGILL"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (15, "SIGTERM"),
];
