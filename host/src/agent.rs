//! Agents: how one is started, how a prompt is put to it, what its lines mean. Pure codecs over lines; must never start a
//! process, wait, or keep what the session machine keeps.

mod claude;
pub mod demo;
mod start;

use std::path::{Path, PathBuf};

use cordboard_core::{
    agent::AgentEvent,
    session::{Launch, Prompt},
    types::SessionName,
};

use crate::process::{self, Environment, Spawn};

/// One `[agents.NAME]`, as far as a start needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSpec {
    pub name: String,
    pub kind: AgentKind,
    /// A path or a name in `PATH`; none: the kind's own program.
    pub command: Option<PathBuf>,
    pub args: Vec<String>,
    pub model: Option<String>,
    /// As the claude CLI calls them.
    pub permission_mode: String,
    /// Which variables of the host's environment it is given.
    pub pass_env: Vec<String>,
    /// Set for it; stands over `pass_env`.
    pub env: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentKind {
    Demo,
    Claude,
}

/// Everything that one start of an agent depends on.
#[derive(Debug)]
pub struct Start<'a> {
    pub session: &'a SessionName,
    pub folder: &'a Path,
    pub launch: &'a Launch,
    pub spec: &'a AgentSpec,
    pub environment: &'a Environment,
    /// The UUID of the state directory.
    pub host_id: &'a str,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("find the program of the demo agent: {0}; set `command` of this agent to the path of cordboard")]
    NoProgram(#[from] std::io::Error),
}

impl AgentSpec {
    /// Whether a session in `folder` could start it. Only looks.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn look_for(&self, environment: &Environment, folder: &Path) -> Result<(), String> {
        let program = start::program(self).map_err(|error| format!("failed to {error}"))?;
        let found = process::locate(&program, &start::env(self, environment), folder);
        found.map(drop).map_err(|error| format!("failed to {error}"))
    }
}

/// One agent's protocol, for one run of its process.
pub trait Codec: Send {
    /// The lines to write as soon as it runs, before any prompt.
    fn open(&mut self) -> Vec<Vec<u8>>;
    fn prompt(&mut self, prompt: &Prompt) -> Vec<u8>;
    /// Asks it to leave the running turn; the process stays.
    fn interrupt(&mut self) -> Vec<u8>;
    /// Never fails: what is not understood has no events.
    fn decode(&mut self, line: &[u8]) -> Decoded;
    /// The last line, if it was plain text and not a message: a program may print its reason there before it exits.
    fn last_words(&self) -> Option<&str>;
}

/// What a line means. No newlines in `lines`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decoded {
    pub events: Vec<AgentEvent>,
    /// To be written back at once, whatever the session does: the agent waits for them.
    pub lines: Vec<Vec<u8>>,
}

/// What to start, and who speaks with it.
///
/// # Errors
/// When the program is not known.
pub fn prepare(start: &Start<'_>) -> Result<(Spawn, Box<dyn Codec>), StartError> {
    let codec = Box::new(claude::Claude::new(start.launch));
    Ok((start::spawn(start)?, codec))
}
