//! Generates the reference pages from what they describe, so that they can't differ from it.

mod chat_commands;
mod command_line;
mod configuration;
mod interfaces;

pub use chat_commands::chat_commands;
pub use command_line::command_line;
pub use configuration::configuration;
pub use interfaces::interfaces;

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result};

/// The built program whose commands are described.
#[derive(Debug)]
pub struct Cordboard {
    pub binary: PathBuf,
    /// The state directory, which keeps the compiled plugins for the next build of the book.
    pub state: PathBuf,
}

impl Cordboard {
    /// Runs a command with the built-in configuration.
    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.binary);
        command.args(arguments).env_remove("CORDBOARD_CONFIG").env("CORDBOARD_STATE", &self.state);
        command.stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
        command.output().with_context(|| format!("{} can't be started", self.binary.display()))
    }
}
