//! The project's own commands: `cargo xtask build`, `run`, `test`, `bench`, `ci`.
//!
//! Owns the order of build steps. Not part of the host: a user can do each step by hand.

#![forbid(unsafe_code)]

mod cli;
mod step;

mod workspace;

mod toolchain;

mod cargo_tasks;
mod host;
mod plugins;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().perform() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            step::failure(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
