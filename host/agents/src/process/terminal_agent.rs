//! Runs an agent in a terminal, and watches it from another process. The process that connects to the host becomes the
//! agent through `exec`, so the host knows the agent's identity before the agent starts. None of these processes are
//! children of the host.

use std::{
    ffi::OsStr,
    io,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::Path,
    process::Command,
    time::Duration,
};

use cordboard_core::types::ProcessId;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{SpawnError, identity::is_running, prepared_exec::PreparedExec, program, supervisor_task::watch_exit};

/// The interval at which a process is checked if it can't be watched.
const POLL: Duration = Duration::from_secs(1);

/// Waits until the process has exited. The process need not be a child of this one. Must be called within a tokio
/// runtime.
pub async fn exited(process: ProcessId) {
    match open(&process).and_then(watch_exit) {
        Ok(exit) => {
            // The descriptor may refer to a later process with the same pid.
            if is_running(&process) && exit.readable().await.is_ok() {
                return;
            }
        }
        Err(error) => {
            if is_running(&process) {
                tracing::warn!(%error, pid = process.pid, "failed to watch the process of a terminal: polling it");
            }
        }
    }
    while is_running(&process) {
        tokio::time::sleep(POLL).await;
    }
}

fn open(process: &ProcessId) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(process.pid).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// Replaces this process with `program`, which keeps the terminal, the pid and the start time. Returns only if that
/// fails.
#[must_use]
#[expect(unsafe_code, reason = "std calls code before exec unsafe, because it may run after a fork")]
pub fn exec_in_terminal(program: &Path, args: &[String], env: Vec<(String, String)>, folder: &Path) -> SpawnError {
    let path = match program::find(program, &env, folder) {
        Ok(path) => path,
        Err(error) => return error,
    };
    let explain = |error| program::explain(program, folder, &path, error);
    let image = match PreparedExec::new(path.as_os_str(), args.iter().map(OsStr::new), env) {
        Ok(image) => image,
        Err(error) => return explain(error),
    };
    let mut command = Command::new(&path);
    command.current_dir(folder);
    // SAFETY: the closure makes one system call. std resets the signal mask and SIGPIPE before it.
    unsafe { command.pre_exec(move || Err(image.exec())) };
    explain(command.exec())
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::{super::identity::identify, *};

    #[tokio::test]
    async fn the_exit_of_another_process_is_noticed() {
        let mut child = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = identify(child.id().cast_signed()).unwrap();
        assert!(is_running(&process));
        let later = ProcessId { started: process.started + 1, ..process.clone() };
        assert!(!is_running(&later), "an equal pid is not the same process");
        exited(later).await;
        let exit = tokio::spawn(exited(process.clone()));
        drop(child.stdin.take());
        // The process is not reaped yet, so this also covers a zombie.
        exit.await.unwrap();
        assert!(!is_running(&process));
        child.wait().unwrap();
        exited(process).await;
    }
}
