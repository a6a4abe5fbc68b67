//! Runs a program without input until it exits, and collects its standard output. If the program takes too long or
//! prints too much, kills it with all its descendants.

use std::{process::ExitStatus, time::Duration};

use cordboard_core::config::{format_duration, format_size};
use tokio::{sync::mpsc, time::timeout};

use super::{ProcessEvent, Spawn, SpawnError, describe_exit, spawn};

/// The limits of a program whose output is collected.
#[derive(Debug, Clone, Copy)]
pub struct OutputLimits {
    pub time: Duration,
    /// The maximum size of the output in bytes.
    pub bytes: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("failed to {0}")]
    Spawn(#[from] SpawnError),
    #[error("the program took longer than {} and was killed", format_duration(*.0))]
    TooSlow(Duration),
    #[error("the program printed more than {} and was killed", format_size(*.0 as u64))]
    TooLong(usize),
    #[error("the program failed ({status})")]
    Failed { status: String },
    #[error("the program failed ({status}): {last_stderr_line}")]
    FailedWithReason { status: String, last_stderr_line: String },
}

/// Runs a program whose output kind is [`Lines`](super::OutputKind::Lines). Returns its standard output, after the
/// program and its descendants have exited. If the future is dropped, the program is killed.
///
/// # Errors
/// The program can't be started, exceeds a limit, or doesn't succeed.
pub async fn collect_output(program: Spawn, limits: OutputLimits) -> Result<Vec<u8>, OutputError> {
    let (process, mut events) = spawn(program)?;
    process.close_input();
    let error = match timeout(limits.time, collect(&mut events, limits.bytes)).await {
        Ok(Collected::Ended { status, last_stderr_line, output }) => {
            return if status.is_some_and(|status| status.success()) {
                Ok(output)
            } else {
                Err(failure(status, last_stderr_line))
            };
        }
        Ok(Collected::TooLong) => OutputError::TooLong(limits.bytes),
        Err(_) => OutputError::TooSlow(limits.time),
    };
    process.kill();
    // The channel closes when no processes are left in the tree, so the caller may start the next program.
    while events.recv().await.is_some() {}
    Err(error)
}

fn failure(status: Option<ExitStatus>, last_stderr_line: Option<String>) -> OutputError {
    let status = describe_exit(status);
    match last_stderr_line {
        Some(last_stderr_line) => OutputError::FailedWithReason { status, last_stderr_line },
        None => OutputError::Failed { status },
    }
}

enum Collected {
    Ended { status: Option<ExitStatus>, last_stderr_line: Option<String>, output: Vec<u8> },
    TooLong,
}

async fn collect(events: &mut mpsc::Receiver<ProcessEvent>, most: usize) -> Collected {
    let mut output = Vec::new();
    loop {
        match events.recv().await {
            Some(ProcessEvent::Line(line)) => {
                output.extend(line);
                output.push(b'\n');
            }
            Some(ProcessEvent::Piece(piece)) => output.extend(piece),
            Some(ProcessEvent::TooLong { .. }) => return Collected::TooLong,
            Some(ProcessEvent::Strays { .. }) => {}
            Some(ProcessEvent::Ended { status, last_stderr_line, .. }) => {
                return Collected::Ended { status, last_stderr_line, output };
            }
            None => return Collected::Ended { status: None, last_stderr_line: None, output },
        }
        if output.len() > most {
            return Collected::TooLong;
        }
    }
}
