//! Starts agents, owns their processes, and encodes and decodes their protocols. Codecs do no I/O and never wait. They
//! don't duplicate the session machine's state.

mod acp;
mod agent_commands;
mod claude;
mod command_line;
pub mod demo;
mod json_fields;
mod plain;
pub mod process;
mod shown_action;
mod skipped_lines;
mod terminal_command;
#[cfg(test)]
mod tests;
mod tool_input;
mod transcript;
mod visible_text;

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use cordboard_core::{
    agent_event::{AgentEvent, PromptId},
    config::{Agent, AgentKind, SandboxKind},
    session::{Launch, Prompt},
    types::{PermissionMode, RequestAnswer, RequestId, SessionName, model_input},
};

pub use claude::stored_transcript::{
    TranscriptError, is_conversation_id, latest_conversation, project_name, projects_folder, working_folder,
};
pub use terminal_command::{NoTerminal, TerminalCommand, reported_conversation, terminal_command};
pub use tool_input::tool_use;
pub use transcript::{exchanges, transcript};

use process::{Environment, SandboxError, Spawn, SpawnError};

/// Everything needed to start an agent process.
#[derive(Debug)]
pub struct Start<'a> {
    pub session: &'a SessionName,
    pub folder: &'a Path,
    pub launch: &'a Launch,
    pub agent: &'a Agent,
    pub environment: &'a Environment,
    /// The UUID of the state directory. The agent's process is tagged with this UUID, so that the next host process
    /// finds the agent if this one crashes.
    pub host_id: &'a str,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("find the program of the demo agent: {0}; set `command` of this agent to the path of cordboard")]
    NoProgram(#[from] std::io::Error),
    #[error("find the program of the agent: `command` is missing; set it for this agent")]
    NoCommand,
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// Checks that a session in `folder` could start this agent, without starting it. Runs bubblewrap if the agent needs a
/// sandbox, so it blocks.
///
/// # Errors
/// The program or the sandbox can't be used. The text says what to do.
pub fn check_program(agent: &Agent, environment: &Environment, folder: &Path) -> Result<(), StartError> {
    let env = command_line::env(agent, environment);
    process::locate(&command_line::program(agent)?, &env, folder)?;
    match agent.sandbox.kind {
        SandboxKind::None => Ok(()),
        SandboxKind::Bwrap => Ok(process::sandbox::check(&env, folder)?),
    }
}

/// Finds the file of the agent's program. A relative path can't be found, because it is relative to a session's folder.
///
/// # Errors
/// There is no such file, or it can't be executed.
pub fn program_path(agent: &Agent, environment: &Environment) -> Result<PathBuf, StartError> {
    let env = command_line::env(agent, environment);
    Ok(process::locate(&command_line::program(agent)?, &env, Path::new("/"))?)
}

/// The codec of one agent process.
pub trait Codec: Send {
    /// Returns the lines to write after the process starts, before any prompt.
    fn open(&mut self) -> Vec<Vec<u8>>;
    /// Returns the line that sends a prompt with its files.
    fn prompt(&mut self, prompt: &Prompt, files: &[PromptFile]) -> Vec<u8>;
    /// Discards the answer to a prompt that was sent during a turn and has not been accepted. The next interrupt
    /// cancels the prompt.
    fn forget(&mut self, prompt: &PromptId);
    /// Returns how to interrupt the running turn. The interrupt also cancels the prompts that the agent received during
    /// the turn and has not accepted.
    fn interrupt(&mut self) -> InterruptMethod;
    /// Sets how the agent handles tools that need permission. The result contains the line to write, if one is needed,
    /// or an event if the agent doesn't offer this mode.
    fn set_permission_mode(&mut self, mode: PermissionMode) -> Decoded;
    /// Answers the agent's question. The result contains the line to write, or an event with the next question of a
    /// series. It is empty if the question is not open.
    fn answer(&mut self, id: &RequestId, answer: &RequestAnswer) -> Decoded;
    /// Decodes a line, or a piece of the output of [`process::OutputKind::Merged`]. Never fails: an unknown message
    /// yields no events.
    fn decode(&mut self, line: &[u8]) -> Decoded;
    /// Returns the time without input and output after which to call `on_silence`, or `None` if silence means nothing
    /// in this state.
    fn silence(&self) -> Option<Duration> {
        None
    }
    /// Called when the agent has been silent for the time that [`Self::silence`] returned.
    fn on_silence(&mut self) -> Decoded {
        Decoded::default()
    }
    /// Handles the process's exit, after all its output has been decoded. `None` means that the exit status is unknown.
    fn on_exit(&mut self, _: Option<ExitStatus>) -> Vec<AgentEvent> {
        Vec::new()
    }
    /// Returns the likely reason for the agent's exit, from the last decoded line that is not blank: the error text in
    /// that line, or the whole line if it is not a message of the protocol.
    fn exit_reason(&self) -> Option<&str>;
}

/// A file attached to a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFile {
    /// The line of text that tells the agent about the file.
    pub note: String,
    /// The content, if it can be part of a message to a model.
    pub input: Option<ModelInput>,
}

/// The content of a file that models accept in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInput {
    /// A type that [`media_type`](cordboard_core::types::model_input::media_type) returns.
    pub media_type: String,
    pub base64: String,
}

impl ModelInput {
    fn is_pdf(&self) -> bool {
        self.media_type == model_input::PDF
    }
}

/// Appends the notes about a prompt's files to the prompt's text.
fn with_notes<'a>(text: Cow<'a, str>, files: &[PromptFile]) -> Cow<'a, str> {
    if files.is_empty() {
        return text;
    }
    let notes: Vec<&str> = files.iter().map(|file| file.note.as_str()).collect();
    format!("{text}\n\n{}", notes.join("\n")).into()
}

/// The way to interrupt a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterruptMethod {
    /// Write this line.
    Line(Vec<u8>),
    /// Send SIGINT.
    Signal,
}

impl InterruptMethod {
    /// Returns the line to write, or an empty line for a signal.
    #[cfg(test)]
    fn line(self) -> Vec<u8> {
        match self {
            Self::Line(line) => line,
            Self::Signal => Vec::new(),
        }
    }
}

/// The result of a codec's method: events for the session, and lines for the agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decoded {
    pub events: Vec<AgentEvent>,
    /// Lines without newlines. The session writes them immediately in any state, because the agent waits for them.
    pub lines: Vec<Vec<u8>>,
}

/// Returns the process to spawn and the codec for it. The process isn't confined to the agent's sandbox yet; see
/// [`process::confine`].
///
/// # Errors
/// An agent of the kind `acp` or `plain` has no command, or the path of this program, which contains the demo agent, is
/// unknown.
pub fn prepare(start: &Start<'_>) -> Result<(Spawn, Box<dyn Codec>), StartError> {
    let spawn = command_line::spawn_parameters(start)?;
    let codec: Box<dyn Codec> = match start.agent.kind {
        AgentKind::Demo | AgentKind::Claude => Box::new(claude::Claude::new(start.launch)),
        AgentKind::Acp => Box::new(acp::Acp::new(start)),
        AgentKind::Plain => Box::new(plain::Plain::new(&start.agent.turn_end)),
    };
    Ok((spawn, codec))
}
