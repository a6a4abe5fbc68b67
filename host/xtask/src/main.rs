//! The project's own commands: `cargo xtask build`, `run`, `test`, `bench`, `ci`.
//!
//! Owns the order in which things are built. Never part of the host: what it does, a user can also do by hand.

#![forbid(unsafe_code)]

mod cli;
mod step;

mod workspace;

mod toolchain;

mod checks;
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
