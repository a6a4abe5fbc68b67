//! The demo agent: a program of its own that speaks the claude protocol.

use std::{ffi::OsString, process::ExitCode};

/// Runs until the end of input.
pub fn run(_args: impl Iterator<Item = OsString>) -> ExitCode {
    ExitCode::SUCCESS
}
