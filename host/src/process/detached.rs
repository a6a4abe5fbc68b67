//! A process that nobody watches: the demo agent's, to show what a badly behaved agent leaves behind. The host itself must
//! never start one.

use std::{
    io,
    path::Path,
    process::{Command, Stdio},
};

/// Starts it with the caller's stdout and environment, and tells its pid.
///
/// # Errors
/// When it cannot be started.
pub fn leave(program: &Path, args: &[&str]) -> io::Result<u32> {
    Ok(Command::new(program).args(args).stdin(Stdio::null()).spawn()?.id())
}
