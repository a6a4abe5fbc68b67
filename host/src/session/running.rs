//! One run of an agent: its process and the codec that speaks with it.

use cordboard_core::{
    agent::AgentEvent,
    session::{Exit, Launch, Prompt, Run},
    types::{ProcessId, SessionRecord},
};
use tokio::sync::mpsc;

use super::Ports;
use crate::{
    agent::{self, Codec, Start},
    process::{self, Process, ProcessEvent},
};

pub struct Running {
    pub run: Run,
    process: Process,
    codec: Box<dyn Codec>,
    events: mpsc::Receiver<ProcessEvent>,
}

/// What a running agent told.
pub enum Told {
    Events(Vec<AgentEvent>),
    Ended(Exit),
}

impl Running {
    /// Starts the agent. The error is for the user, with what to do.
    pub fn start(run: Run, (record, launch): (&SessionRecord, &Launch), ports: &Ports) -> Result<Self, String> {
        let spec = ports.setup.agent(&record.agent).ok_or_else(|| {
            format!("the configuration has no agent '{0}': add [agents.{0}] or archive this session", record.agent)
        })?;
        std::fs::create_dir_all(&record.folder)
            .map_err(|error| format!("its folder {} cannot be made: {error}", record.folder.display()))?;
        let start = Start {
            session: &record.name,
            folder: &record.folder,
            launch,
            spec: &spec,
            environment: &ports.environment,
            host_id: &ports.host_id,
        };
        let (spawn, mut codec) = agent::prepare(&start).map_err(|error| error.to_string())?;
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

    /// The next thing that the agent tells. Cancel safe: nothing is lost when it is dropped.
    pub async fn told(&mut self) -> Told {
        let event = self.events.recv().await;
        self.understand(event)
    }

    /// What has already been told.
    pub fn told_already(&mut self) -> Option<Told> {
        let event = self.events.try_recv().ok()?;
        Some(self.understand(Some(event)))
    }

    fn understand(&mut self, event: Option<ProcessEvent>) -> Told {
        match event {
            Some(ProcessEvent::Line(line)) => {
                let decoded = self.codec.decode(&line);
                self.write(decoded.lines);
                Told::Events(decoded.events)
            }
            Some(ProcessEvent::TooLong { bytes }) => {
                tracing::warn!(bytes, "skipped a line of the agent that is longer than any agent's");
                Told::Events(Vec::new())
            }
            Some(ProcessEvent::Ended { status, last_words }) => Told::Ended(Exit::Ended { status, last_words }),
            None => Told::Ended(Exit::Ended { status: "gone".to_owned(), last_words: None }),
        }
    }

    /// An agent that does not read its input is one that `/stop` or its end will be told of; its lines are dropped.
    fn write(&self, lines: Vec<Vec<u8>>) {
        for line in lines {
            if let Err(error) = self.process.write(line) {
                tracing::warn!(%error, "failed to write to the agent");
            }
        }
    }
}
