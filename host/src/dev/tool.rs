//! Runs the author's tools, such as cargo, npm and Python, in the author's terminal. Their output shows the progress.

use std::{
    ffi::OsStr,
    io::ErrorKind,
    path::Path,
    process::{Command, Stdio},
};

use super::error::DevError;

pub struct Tool {
    command: Command,
    name: String,
    /// Says how to install the tool.
    remedy: &'static str,
}

impl Tool {
    pub fn new(program: impl AsRef<OsStr>, remedy: &'static str) -> Self {
        let program = program.as_ref();
        let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        Self { command, name, remedy }
    }

    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs the tool and returns its standard output. Its standard error goes to the terminal.
    pub fn read(mut self) -> Result<String, DevError> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let output = self.command.output().map_err(|source| self.missing(source))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(DevError::Build { tool: self.name, status: output.status.to_string() })
    }

    /// Runs the tool and prints its standard output to standard error, as progress.
    pub fn run(self) -> Result<(), DevError> {
        let said = self.read()?;
        said.lines().for_each(|line| super::progress::note(&format!("    {line}")));
        Ok(())
    }

    /// Runs the tool, which prints its output to the terminal. Returns whether it succeeded.
    pub fn succeeds(mut self) -> Result<bool, DevError> {
        let status = self.command.status().map_err(|source| self.missing(source))?;
        Ok(status.success())
    }

    /// Returns the tool's standard output if it runs and succeeds. Ignores its standard error.
    pub fn ask(mut self) -> Option<String> {
        let output = self.command.stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn missing(&self, source: std::io::Error) -> DevError {
        let tool = self.name.clone();
        if source.kind() == ErrorKind::NotFound {
            DevError::NoTool { tool, remedy: self.remedy }
        } else {
            DevError::Tool { tool, source }
        }
    }
}
