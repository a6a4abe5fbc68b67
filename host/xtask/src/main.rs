//! The project's own commands: `cargo xtask build`, `run`, `test`, `bench`, `chaos`, `docs`, `ci` and `doctor`.
//!
//! Defines the order of the build steps, each of which can also be run by hand. The host doesn't depend on this
//! program.

#![forbid(unsafe_code)]

mod cli;
mod step;

mod workspace;

mod toolchain;

mod cargo_tasks;
mod fuzz;
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
