//! Starts, signals and ends agent processes. Owns the process group, pipes and descendants of each agent until the
//! whole process tree has exited. Does not interpret the agent's output. A slow reader, a full pipe or a child that
//! ignores signals delays only this module's tasks, never its callers.

mod cgroup;
mod cgroup_limits;
mod collect_output;
mod demo_leftover;
mod env_tag;
mod fork_exec;
mod host_environment;
mod identity;
mod memory_usage;
mod orphans;
mod pipes;
mod prepared_exec;
mod program;
mod resource_limits;
mod return_memory;
pub(crate) mod sandbox;
mod subreaper;
mod supervisor_task;
mod terminal_agent;
mod tree;

use std::{ffi::OsString, io, path::PathBuf, process::ExitStatus, sync::Arc};

use cordboard_core::{
    config::{AgentLimits, SandboxKind},
    types::ProcessId,
};
use rustix::process::Signal;
use tokio::sync::mpsc;

pub use cgroup_limits::LimitsError;
pub use collect_output::{OutputError, OutputLimits, collect_output};
pub use demo_leftover::leave;
pub use env_tag::EnvTag;
pub use host_environment::{Environment, disable_dumps};
pub use identity::{identify, is_running};
pub use memory_usage::{ProcessTrees, free_memory, own_memory};
pub use orphans::{CleanupReport, sweep};
pub use program::locate;
pub use resource_limits::{catch_file_size_signal, open_file_limit};
pub use return_memory::{return_freed_memory, unmap_unused_code};
pub use sandbox::{OwnFiles, SandboxError, confine};
pub use subreaper::adopt_orphans;
pub use supervisor_task::describe_exit;
pub use terminal_agent::{exec_in_terminal, exited};

use pipes::{HostPipes, Pipes};
use prepared_exec::PreparedExec;
use supervisor_task::Leader;

/// The capacity of the event channel, in events. The session's task consumes events continuously; if it falls behind,
/// the agent blocks on its own pipe instead of filling the host's memory.
const EVENT_QUEUE: usize = 64;

/// The capacity of the queue for the agent's stdin, in lines. An agent that leaves this many lines unread is stuck, and
/// a longer queue would only use more memory.
const INPUT_QUEUE: usize = 256;

/// The parameters of a process to start.
#[derive(Debug, Clone)]
pub struct Spawn {
    /// A path, or a bare name that is looked up in the `PATH` of `env`.
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// The complete environment except for the tag, which `spawn` adds. The process inherits no variables of the host.
    pub env: Vec<(String, String)>,
    pub folder: PathBuf,
    /// The tag that identifies all descendants, even after they leave the process group.
    pub tag: EnvTag,
    /// The limits on the process and its descendants. The process doesn't start if they can't be set.
    pub limits: AgentLimits,
    pub output: OutputKind,
}

/// The units in which a process's output is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// The lines of stdout. Stderr is logged, and its last line is reported at the end.
    Lines,
    /// The pieces of stdout and stderr together, in the order in which they were written.
    Merged,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessEvent {
    /// One line of stdout without its newline.
    Line(Vec<u8>),
    /// A part of the output of [`OutputKind::Merged`], which may begin and end anywhere in a line.
    Piece(Vec<u8>),
    /// A line exceeded the length limit. It had `bytes` bytes. Only its beginning is kept.
    TooLong { bytes: u64, beginning: Vec<u8> },
    /// The pids of running orphans. They have no tag, so the agent that started them is unknown. Sent before `Ended` if
    /// there are any. Each orphan is reported once.
    Strays { pids: Vec<i32> },
    /// Sent once, as the last event: the process tree has exited or could not be killed, and the pipes are drained or
    /// abandoned. `status` is the leader's status, if known; `last_stderr_line` is the last non-blank line of stderr;
    /// `exceeded_memory` says whether the kernel killed a process in the tree because of its memory limit.
    Ended { status: Option<ExitStatus>, last_stderr_line: Option<String>, exceeded_memory: bool },
}

#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error("start '{program}': it was not found in PATH; install it, or set its full path in `command`")]
    NotInPath { program: String },
    #[error("start '{program}': the file does not exist; set the program's full path in `command`")]
    Missing { program: String },
    #[error(
        "start '{program}': it is not an executable file, or a folder on its path can't be searched; use `chmod +x`, or correct `command`"
    )]
    NotExecutable { program: String },
    #[error("start '{program}': the interpreter in its first line is missing; install it")]
    NoInterpreter { program: String },
    #[error(
        "start '{program}': it is not a program for this machine (a script must begin with a line such as \
         `#!/bin/sh`); correct `command`"
    )]
    NoProgram { program: String },
    #[error("start '{program}': the session's folder '{folder}' is missing; create it again, or start a new session")]
    NoFolder { program: String, folder: String },
    #[error("start '{program}' in '{folder}': {source}")]
    Failed { program: String, folder: String, source: io::Error },
    #[error(transparent)]
    Limits(#[from] LimitsError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("write to the agent: its input is closed")]
    Closed,
    #[error("write to the agent: it has not read the last {INPUT_QUEUE} lines")]
    Full,
}

/// A running agent. Dropping it before `Ended` kills the whole tree.
#[derive(Debug)]
pub struct Process {
    id: ProcessId,
    leader: Arc<Leader>,
    input: std::sync::Mutex<Option<mpsc::Sender<Vec<u8>>>>,
}

/// Starts a process in its own session and process group, without a terminal. Must be called within a tokio runtime.
///
/// # Errors
/// The process cannot be started. In most cases, the text contains the remedy.
pub fn spawn(spawn: Spawn) -> Result<(Process, mpsc::Receiver<ProcessEvent>), SpawnError> {
    let program = program::find(&spawn.program, &spawn.env, &spawn.folder)?;
    let explain = |error| program::explain(&spawn.program, &spawn.folder, &program, error);
    let args = spawn.args.iter().map(OsString::as_os_str);
    let tag = spawn.tag.variables().map(|(name, value)| (name.to_owned(), value));
    let image = PreparedExec::new(program.as_os_str(), args, spawn.env.iter().cloned().chain(tag));
    let image = image.map_err(explain)?;
    let (pipes, stdio) = HostPipes::create(spawn.output).map_err(explain)?;
    let pid =
        subreaper::spawn(&image, &spawn.folder, stdio, &spawn.tag, &spawn.limits).map_err(|error| match error {
            subreaper::ForkError::Process(error) => explain(error),
            subreaper::ForkError::Limits(error) => error.into(),
        })?;
    let failed = |source| SpawnError::Failed {
        program: spawn.program.display().to_string(),
        folder: spawn.folder.display().to_string(),
        source,
    };
    let leader = Arc::new(Leader::new(pid).map_err(failed)?);
    let (events, receiver) = mpsc::channel(EVENT_QUEUE);
    let (input, lines) = mpsc::channel(INPUT_QUEUE);
    let pipes = Pipes::connect(pipes, lines, events.clone());
    tokio::spawn(supervisor_task::supervise(Arc::clone(&leader), spawn.tag, spawn.limits, pipes, events));
    Ok((Process { id: leader.id().clone(), leader, input: std::sync::Mutex::new(Some(input)) }, receiver))
}

impl Process {
    #[must_use]
    pub const fn id(&self) -> &ProcessId {
        &self.id
    }

    /// Queues a line for the agent's stdin, and adds a newline. Does not wait.
    ///
    /// # Errors
    /// The input is closed, or the queue is full.
    pub fn write(&self, line: Vec<u8>) -> Result<(), WriteError> {
        let input = self.input.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(input) = input.as_ref() else { return Err(WriteError::Closed) };
        input.try_send(line).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => WriteError::Full,
            mpsc::error::TrySendError::Closed(_) => WriteError::Closed,
        })
    }

    /// Closes the agent's stdin after the queued lines are written. A well-behaved agent then exits.
    pub fn close_input(&self) {
        self.input.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    }

    /// Sends SIGINT to the group, as a terminal does when a user presses Ctrl+C. Does not wait. In a sandbox, the
    /// leader is bubblewrap, which would react by ending all processes in the sandbox, so only its descendants get the
    /// signal. Signaling the group isn't enough: an interactive shell in the sandbox can't see the group's leader and
    /// creates its own group.
    pub fn interrupt(&self, sandbox: SandboxKind) {
        match sandbox {
            SandboxKind::None => self.leader.signal(Signal::INT),
            SandboxKind::Bwrap => {
                let leader = Arc::clone(&self.leader);
                tokio::task::spawn_blocking(move || leader.signal_descendants(Signal::INT));
            }
        }
    }

    /// Sends SIGTERM to the group. Descendants outside the group are ended after the leader has exited.
    pub fn terminate(&self) {
        self.leader.signal(Signal::TERM);
    }

    /// Sends SIGKILL to the group at once, and to the other descendants as soon as the leader has exited, without a
    /// grace period.
    pub fn kill(&self) {
        self.leader.skip_grace();
        self.leader.signal(Signal::KILL);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
