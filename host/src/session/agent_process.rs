//! Owns one run of an agent: its process and the codec of its protocol.

use std::{
    io::ErrorKind,
    path::{Component, Path},
};

use cordboard_agents::{
    Codec, Start,
    process::{self, Process, ProcessEvent},
};
use cordboard_core::{
    agent::AgentEvent,
    session::{Exit, Launch, Prompt, Run},
    types::{ProcessId, SessionRecord},
};
use tokio::sync::mpsc;

use super::Ports;

pub struct Running {
    pub run: Run,
    process: Process,
    codec: Box<dyn Codec>,
    events: mpsc::Receiver<ProcessEvent>,
}

/// An event of a running agent.
pub enum Told {
    Events(Vec<AgentEvent>),
    Strays(Vec<i32>),
    Ended(Exit),
}

impl Running {
    /// Starts the agent. The error is a text for the user that contains the remedy.
    pub fn start(run: Run, (record, launch): (&SessionRecord, &Launch), ports: &Ports) -> Result<Self, String> {
        let agent = ports.setup.agent(&record.agent).ok_or_else(|| {
            format!("the configuration has no agent '{0}': add [agents.{0}] or archive this session", record.agent)
        })?;
        prepare_folder(&record.folder, &ports.folders)?;
        let start = Start {
            session: &record.name,
            folder: &record.folder,
            launch,
            agent: &agent,
            environment: &ports.environment,
            host_id: &ports.host_id,
        };
        let (spawn, mut codec) = cordboard_agents::prepare(&start).map_err(|error| error.to_string())?;
        let (process, events) = process::spawn(spawn).map_err(|error| format!("failed to {error}"))?;
        let opening = codec.open();
        let running = Self { run, process, codec, events };
        running.write(opening);
        Ok(running)
    }

    pub fn id(&self) -> &ProcessId {
        self.process.id()
    }

    pub fn send(&mut self, prompt: &Prompt) {
        let line = self.codec.prompt(prompt);
        self.write(vec![line]);
    }

    pub fn interrupt(&mut self) {
        let line = self.codec.interrupt();
        self.write(vec![line]);
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
    pub async fn told(&mut self) -> Told {
        let event = self.events.recv().await;
        self.understand(event)
    }

    /// Returns the next event if it has already arrived.
    pub fn told_already(&mut self) -> Option<Told> {
        let event = self.events.try_recv().ok()?;
        Some(self.understand(Some(event)))
    }

    fn understand(&mut self, event: Option<ProcessEvent>) -> Told {
        match event {
            Some(ProcessEvent::Line(line)) => self.decode(&line),
            Some(ProcessEvent::TooLong { bytes, beginning }) => {
                tracing::warn!(bytes, "skipped a line of the agent that is too long");
                // The line may be the one that ends a turn.
                self.decode(&beginning)
            }
            Some(ProcessEvent::Strays { pids }) => Told::Strays(pids),
            Some(ProcessEvent::Ended { status, last_stderr_line }) => {
                // Some programs print the reason on stdout and a warning on stderr, so report both.
                let words = [self.codec.exit_reason(), last_stderr_line.as_deref()];
                let words = words.into_iter().flatten().collect::<Vec<_>>().join("; ");
                Told::Ended(Exit::Ended { status, last_stderr_line: Some(words).filter(|words| !words.is_empty()) })
            }
            None => Told::Ended(Exit::Ended { status: "gone".to_owned(), last_stderr_line: None }),
        }
    }

    fn decode(&mut self, line: &[u8]) -> Told {
        let decoded = self.codec.decode(line);
        self.write(decoded.lines);
        Told::Events(decoded.events)
    }

    /// Queues lines for the agent. Lines that do not fit are dropped: an agent that does not read its input is stuck,
    /// and `/stop` or its exit resolves that.
    fn write(&self, lines: Vec<Vec<u8>>) {
        for line in lines {
            if let Err(error) = self.process.write(line) {
                tracing::warn!(%error, "failed to write to the agent");
            }
        }
    }
}

/// Creates a folder below `own`. Never creates a user's folder: in an empty folder the agent would do the wrong work.
fn prepare_folder(folder: &Path, own: &Path) -> Result<(), String> {
    let shown = folder.display();
    let climbs = folder.components().any(|part| part == Component::ParentDir);
    if folder.starts_with(own) && !climbs {
        return std::fs::create_dir_all(folder)
            .map_err(|error| format!("its folder {shown} cannot be created: {error}"));
    }
    // Opening `.` also checks the permission to enter the folder.
    let Err(error) = folder.join(".").metadata() else { return Ok(()) };
    let what = match error.kind() {
        ErrorKind::NotFound if folder.is_symlink() => "is a link to a folder that does not exist".to_owned(),
        ErrorKind::NotFound => "does not exist".to_owned(),
        ErrorKind::NotADirectory => "is not a folder".to_owned(),
        _ => format!("cannot be opened ({error})"),
    };
    Err(format!("its folder {shown} {what}; restore it, or set another one in [sessions.folders]"))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    #[test]
    fn only_managed_folders_are_created() {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        let prepare = |name: &str| prepare_folder(&path(name), &path("state"));
        prepare("state/sessions/a").unwrap();
        assert!(path("state/sessions/a").is_dir());
        fs::create_dir(path("project")).unwrap();
        prepare("project").unwrap();
        symlink(path("project"), path("link")).unwrap();
        prepare("link").unwrap();
        for gone in ["gone", "gone/below", "state/../gone"] {
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
        let why = |name: &str| prepare_folder(&path(name), &path("state")).unwrap_err();
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
