//! Starts an unsupervised process for the demo agent, which imitates an agent that leaves processes behind. The host
//! itself never starts such a process.

use std::{
    io,
    path::Path,
    process::{Command, Stdio},
};

/// Starts the program with the caller's stdout and environment, and returns its pid.
///
/// # Errors
/// The program cannot be started.
pub fn leave(program: &Path, args: &[&str]) -> io::Result<u32> {
    Ok(Command::new(program).args(args).stdin(Stdio::null()).spawn()?.id())
}
