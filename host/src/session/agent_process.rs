//! Owns one run of an agent: its process and the codec of its protocol.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use cordboard_agents::{
    Codec, Decoded, InterruptMethod, PromptFile, Start, StartError,
    process::{self, Process, ProcessEvent, SandboxError},
};
use cordboard_core::{
    agent_event::{AgentEvent, PromptId},
    config::SandboxKind,
    messages,
    session::{Exit, Launch, Prompt, Run},
    types::{PermissionMode, ProcessId, RequestAnswer, RequestId, SessionRecord},
};
use tokio::{
    sync::mpsc,
    time::{Duration, Instant, sleep_until},
};

use super::Ports;

/// The reason why an agent could not be started, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    #[error("the configuration has no agent '{0}': add [agents.{0}] or archive this session")]
    UnknownAgent(String),
    #[error("its folder {} cannot be created: {error}", folder.display())]
    CreateFolder { folder: PathBuf, error: io::Error },
    #[error("its folder {} {why}; restore it, or set another one in [sessions.folders]", folder.display())]
    Folder { folder: PathBuf, why: String },
    #[error(transparent)]
    Program(#[from] StartError),
    #[error("failed to {0}")]
    Sandbox(#[from] SandboxError),
    #[error("failed to {0}")]
    Spawn(#[from] process::SpawnError),
}

/// The pause between two signals that interrupt a turn. A shell ignores a signal that arrives while one of its commands
/// exits.
const SIGNAL_AGAIN: Duration = Duration::from_secs(1);

pub struct AgentProcess {
    pub run: Run,
    process: Process,
    codec: Box<dyn Codec>,
    events: mpsc::Receiver<ProcessEvent>,
    sandbox: SandboxKind,
    /// The sandbox kind, or `None` once the agent has written a line or is ready. Before that, a line on stderr may be
    /// an error of the sandbox itself.
    untried_sandbox: SandboxKind,
    /// When the current silence began: at the last input, output or interrupt, or when the codec was last notified of
    /// silence.
    last_activity: Instant,
    /// When to send the next signal, while a turn is being interrupted by signals.
    next_signal: Option<Instant>,
    /// The process's exit, to be reported after the codec's last events.
    pending_exit: Option<Exit>,
}

/// An event of a running agent.
pub enum AgentOutput {
    Events(Vec<AgentEvent>),
    Strays(Vec<i32>),
    Ended(Exit),
}

impl AgentProcess {
    /// Starts the agent.
    pub fn start(run: Run, record: &SessionRecord, launch: &Launch, ports: &Ports) -> Result<Self, LaunchError> {
        let agent = ports.config.agent(&record.agent).ok_or_else(|| LaunchError::UnknownAgent(record.agent.clone()))?;
        prepare_folder(record, &ports.state_dir)?;
        let start = Start {
            session: record.id(),
            folder: &record.folder,
            launch,
            agent: &agent,
            environment: &ports.environment,
            host_id: &ports.host_id,
        };
        let (spawn, mut codec) = cordboard_agents::prepare(&start)?;
        let sandbox = agent.sandbox.kind;
        let spawn = match sandbox {
            SandboxKind::None => spawn,
            SandboxKind::Bwrap => process::confine(spawn, &agent, &(ports.own_files)())?,
        };
        let (process, events) = process::spawn(spawn)?;
        let opening = codec.open();
        let mut agent = Self {
            run,
            process,
            codec,
            events,
            sandbox,
            untried_sandbox: sandbox,
            last_activity: Instant::now(),
            next_signal: None,
            pending_exit: None,
        };
        agent.write(opening);
        Ok(agent)
    }

    pub fn id(&self) -> &ProcessId {
        self.process.id()
    }

    pub fn send(&mut self, prompt: &Prompt, files: &[PromptFile]) {
        let line = self.codec.prompt(prompt, files);
        self.write(vec![line]);
    }

    /// Makes the codec discard any answer to this prompt, which the next interrupt cancels.
    pub fn forget(&mut self, prompt: &PromptId) {
        self.codec.forget(prompt);
    }

    /// Sends the answer to an agent's question. Returns the agent's next question if it is already known.
    pub fn answer(&mut self, id: &RequestId, answer: &RequestAnswer) -> Vec<AgentEvent> {
        let decoded = self.codec.answer(id, answer);
        self.write(decoded.lines);
        decoded.events
    }

    /// Sends the permission mode. Returns an event if the agent doesn't have this mode.
    pub fn set_permission_mode(&mut self, mode: PermissionMode) -> Vec<AgentEvent> {
        let decoded = self.codec.set_permission_mode(mode);
        self.write(decoded.lines);
        decoded.events
    }

    pub fn interrupt(&mut self) {
        match self.codec.interrupt() {
            InterruptMethod::Line(line) => self.write(vec![line]),
            InterruptMethod::Signal => {
                self.signal();
                self.last_activity = Instant::now();
            }
        }
    }

    fn signal(&mut self) {
        self.process.interrupt(self.sandbox);
        self.next_signal = Some(Instant::now() + SIGNAL_AGAIN);
    }

    pub fn close_input(&self) {
        self.process.close_input();
    }

    pub fn terminate(&self) {
        self.process.terminate();
    }

    pub fn kill(&self) {
        self.process.kill();
    }

    /// Returns the next event. Cancel safe: no event is lost if the future is dropped.
    pub async fn next(&mut self) -> AgentOutput {
        if let Some(exit) = self.pending_exit.take() {
            return AgentOutput::Ended(exit);
        }
        let silence_ends = self.codec.silence().map(|silence| self.last_activity + silence);
        tokio::select! {
            biased;
            // Check this first, so that a program that prints continuously still gets the signal.
            () = at(self.next_signal) => {
                self.signal();
                AgentOutput::Events(Vec::new())
            }
            event = self.events.recv() => self.interpret(event),
            () = at(silence_ends) => {
                self.last_activity = Instant::now();
                let decoded = self.codec.on_silence();
                self.deliver(decoded)
            }
        }
    }

    /// Returns the next event if it has already arrived.
    pub fn try_next(&mut self) -> Option<AgentOutput> {
        if let Some(exit) = self.pending_exit.take() {
            return Some(AgentOutput::Ended(exit));
        }
        let event = self.events.try_recv().ok()?;
        Some(self.interpret(Some(event)))
    }

    fn interpret(&mut self, event: Option<ProcessEvent>) -> AgentOutput {
        match event {
            Some(ProcessEvent::Line(line)) => {
                self.untried_sandbox = SandboxKind::None;
                self.decode(&line)
            }
            Some(ProcessEvent::Piece(piece)) => self.decode(&piece),
            Some(ProcessEvent::TooLong { bytes, beginning }) => {
                tracing::warn!(bytes, "skipped a line of the agent that is too long");
                // Decode its beginning, because the line may be the one that ends a turn.
                self.decode(&beginning)
            }
            Some(ProcessEvent::Strays { pids }) => AgentOutput::Strays(pids),
            Some(ProcessEvent::Ended { status, last_stderr_line, exceeded_memory }) => {
                let events = self.codec.on_exit(status);
                let memory = exceeded_memory.then_some(messages::EXCEEDED_MEMORY);
                let exit = self.exit(process::describe_exit(status), [last_stderr_line.as_deref(), memory]);
                if events.is_empty() {
                    return AgentOutput::Ended(exit);
                }
                self.pending_exit = Some(exit);
                AgentOutput::Events(events)
            }
            None => AgentOutput::Ended(Exit::Ended { status: "gone".to_owned(), last_output: None }),
        }
    }

    fn exit(&self, status: String, [last_stderr_line, memory]: [Option<&str>; 2]) -> Exit {
        // Some programs print the reason for their exit on stdout and a warning on stderr, so report both.
        let lines: Vec<&str> = [self.codec.exit_reason(), last_stderr_line].into_iter().flatten().collect();
        // If the sandbox can't be created, retrying doesn't help.
        if let Some(error) = lines.iter().find_map(|line| self.sandbox_error(line)) {
            return Exit::NotStarted(LaunchError::from(error).to_string());
        }
        ended(status, lines, memory)
    }

    fn sandbox_error(&self, last_stderr_line: &str) -> Option<SandboxError> {
        match self.untried_sandbox {
            SandboxKind::None => None,
            SandboxKind::Bwrap => SandboxError::of_stderr(last_stderr_line),
        }
    }

    fn decode(&mut self, line: &[u8]) -> AgentOutput {
        self.last_activity = Instant::now();
        let decoded = self.codec.decode(line);
        self.deliver(decoded)
    }

    fn deliver(&mut self, decoded: Decoded) -> AgentOutput {
        // A piece may be an error of bubblewrap on stderr, so only `Ready` proves that the sandbox started. A line is
        // always from the agent's stdout.
        if decoded.events.iter().any(|event| matches!(event, AgentEvent::Ready { .. })) {
            self.untried_sandbox = SandboxKind::None;
        }
        if decoded.events.iter().any(|event| matches!(event, AgentEvent::Finished { .. })) {
            self.next_signal = None;
        }
        self.write(decoded.lines);
        AgentOutput::Events(decoded.events)
    }

    /// Queues lines for the agent. Lines that don't fit are dropped: an agent that doesn't read its input is stuck,
    /// which only `/stop` or its exit can resolve.
    fn write(&mut self, lines: Vec<Vec<u8>>) {
        for line in lines {
            self.last_activity = Instant::now();
            if let Err(error) = self.process.write(line) {
                tracing::warn!(%error, "failed to write to the agent");
            }
        }
    }
}

/// Waits until `time`. Never returns if `time` is `None`.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Checks a session's folder. Creates the folder if it is the session's default one in the state directory.
///
/// # Errors
/// The folder can't be used or created.
pub fn prepare_folder(record: &SessionRecord, state_dir: &Path) -> Result<(), LaunchError> {
    check_folder(&record.folder, &super::folder(state_dir, record.id()))
}

/// Creates the folder if it is `own`, the folder that Cordboard manages for the session. Never creates a user's folder:
/// an agent in an empty folder would work without the user's files.
fn check_folder(folder: &Path, own: &Path) -> Result<(), LaunchError> {
    if folder == own {
        return std::fs::create_dir_all(folder)
            .map_err(|error| LaunchError::CreateFolder { folder: folder.to_owned(), error });
    }
    // Resolving `.` also checks the permission to enter the folder.
    let Err(error) = folder.join(".").metadata() else { return Ok(()) };
    let is_not_found = error.kind() == ErrorKind::NotFound;
    let why = if is_not_found && folder.is_symlink() {
        "is a link to a folder that does not exist".to_owned()
    } else if is_not_found {
        "does not exist".to_owned()
    } else if error.kind() == ErrorKind::NotADirectory {
        "is not a folder".to_owned()
    } else {
        format!("cannot be opened ({error})")
    };
    Err(LaunchError::Folder { folder: folder.to_owned(), why })
}

/// Describes the end of a process by its exit status, its last lines of output, and whether it exceeded its memory
/// limit.
fn ended<'a>(status: String, mut lines: Vec<&'a str>, memory: Option<&'a str>) -> Exit {
    // Users see the last output instead of the exit status. The memory limit alone doesn't explain the exit, so it is
    // added to whichever of the two is shown.
    let status = memory.filter(|_| lines.is_empty()).map_or(status.clone(), |memory| format!("{status}; {memory}"));
    // A long last line would hide a reason that follows it.
    if let Some(memory) = memory.filter(|_| !lines.is_empty()) {
        lines.insert(0, memory);
    }
    Exit::Ended { status, last_output: Some(lines.join("; ")).filter(|output| !output.is_empty()) }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    #[test]
    fn an_exceeded_memory_limit_is_shown_with_the_status_or_the_output() {
        let shown = |lines: &[&str], memory| match ended("exit code 1".to_owned(), lines.to_vec(), memory) {
            Exit::Ended { status, last_output } => (status, last_output),
            other => panic!("{other:?}"),
        };
        let limit = Some("it exceeded max_memory");
        assert_eq!(shown(&[], None), ("exit code 1".to_owned(), None));
        assert_eq!(shown(&[], limit), ("exit code 1; it exceeded max_memory".to_owned(), None));
        assert_eq!(shown(&["a", "b"], None), ("exit code 1".to_owned(), Some("a; b".to_owned())));
        let both = Some("it exceeded max_memory; a; b".to_owned());
        assert_eq!(shown(&["a", "b"], limit), ("exit code 1".to_owned(), both));
    }

    #[test]
    fn only_managed_folders_are_created() {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        let own = path("state/sessions/a");
        let prepare = |name: &str| check_folder(&path(name), &own).map_err(|error| error.to_string());
        prepare("state/sessions/a").unwrap();
        assert!(path("state/sessions/a").is_dir());
        fs::create_dir(path("project")).unwrap();
        prepare("project").unwrap();
        symlink(path("project"), path("link")).unwrap();
        prepare("link").unwrap();
        for gone in ["gone", "gone/below", "state/../gone", "state/project", "state/sessions/b"] {
            let why = prepare(gone).unwrap_err();
            let expected = format!("its folder {} does not exist; restore it, or", path(gone).display());
            assert!(why.starts_with(&expected), "{why}");
            assert!(!path("gone").exists());
        }
    }

    #[test]
    fn an_unusable_folder_is_named_with_the_reason() {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        let why = |name: &str| check_folder(&path(name), &path("state")).unwrap_err().to_string();
        fs::write(path("file"), "").unwrap();
        symlink(path("gone"), path("dangling")).unwrap();
        assert!(why("file").contains("/file is not a folder; "), "{}", why("file"));
        assert!(
            why("dangling").contains("/dangling is a link to a folder that does not exist; "),
            "{}",
            why("dangling")
        );
        fs::create_dir(path("locked")).unwrap();
        fs::set_permissions(path("locked"), Permissions::from_mode(0o600)).unwrap();
        // Permissions don't restrict root.
        if path("locked/.").metadata().is_err() {
            assert!(why("locked").contains("/locked cannot be opened (Permission denied"), "{}", why("locked"));
        }
    }
}
