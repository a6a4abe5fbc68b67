//! Runs a bot as a program that polls its own Bot API stand-in.

use std::process::{Child, Command};

use tempfile::TempDir;

use crate::stand_in::{StandIn, TOKEN};

/// A program that is killed when this value is dropped.
pub struct BotProgram {
    pub api: StandIn,
    child: Child,
    _folder: TempDir,
}

impl BotProgram {
    /// Starts this program in another role.
    pub fn start_role(args: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(args);
        Self::start(command).unwrap()
    }

    /// Starts a stand-in, runs a command in an empty folder with the stand-in's URL and the token as the last arguments,
    /// and waits until the program polls.
    pub fn start(mut command: Command) -> Result<Self, String> {
        let (api, folder) = (StandIn::start(Vec::new()), tempfile::tempdir().unwrap());
        let child = command.args([api.url.as_str(), TOKEN]).current_dir(folder.path()).spawn();
        let child = child.map_err(|error| format!("couldn't start {:?}: {error}", command.get_program()))?;
        let program = Self { api, child, _folder: folder };
        program.api.until_polling();
        Ok(program)
    }
}

impl Drop for BotProgram {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
