//! Watches the process that holds a session for a terminal, and reads which conversation the agent in the terminal used
//! last.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    pin::Pin,
};

use cordboard_agents::{process, reported_conversation};
use cordboard_core::types::{ProcessId, SessionName};

/// The watched process.
pub(super) struct TerminalWatch {
    process: ProcessId,
    exit: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl TerminalWatch {
    pub(super) fn start(process: ProcessId) -> Self {
        Self { exit: Box::pin(process::exited(process.clone())), process }
    }

    /// Waits until the process exits, and returns it. Cancel safe.
    pub(super) async fn exited(&mut self) -> ProcessId {
        self.exit.as_mut().await;
        self.process.clone()
    }
}

/// Returns the path of the file in which the agent in a terminal reports its conversation.
#[must_use]
pub fn report_file(state: &Path, session: &SessionName) -> PathBuf {
    state.join("terminals").join(format!("{session}.json"))
}

/// Removes the report of an earlier terminal, and creates the folder for a new one.
pub(super) fn prepare_report(state: &Path, session: &SessionName) -> io::Result<()> {
    let report = report_file(state, session);
    report.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    match std::fs::remove_file(&report) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns the conversation to which the last answer in the terminal belongs, or `None` if there was no answer.
pub(super) fn read_report(state: &Path, session: &SessionName) -> Option<String> {
    reported_conversation(&std::fs::read(report_file(state, session)).ok()?)
}
