//! Implements the commands that install, set up and check a host. None of them needs a running host.

mod accounts;
mod command_line_docs;
mod doctor;
mod import;
mod init;
mod program_output;
mod service;

use std::{io, path::PathBuf};

use super::AppError;
use crate::{
    cli::{ImportSource, ServiceCommand, SetupCommand},
    homelab_import::ImportError,
};

/// The reason why a command of this module failed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("failed to {0}")]
    Import(#[from] ImportError),
    #[error("failed to write the man pages to {}: {source}", dir.display())]
    ManPages { dir: PathBuf, source: io::Error },
    #[error(transparent)]
    Init(#[from] init::InitError),
    #[error(transparent)]
    Service(#[from] service::ServiceError),
}

/// Runs one of the commands that install, set up and check a host.
///
/// # Errors
/// The command failed, or found problems.
pub fn run_setup_command(command: &SetupCommand) -> Result<(), AppError> {
    match command {
        SetupCommand::Import(import) => match &import.source {
            ImportSource::Homelab(options) => import::homelab(options),
        },
        SetupCommand::Init(options) => init::init(options),
        SetupCommand::Service(service) => match &service.command {
            ServiceCommand::Install(options) => service::install(options),
        },
        SetupCommand::Doctor(paths) => doctor::doctor(paths),
        SetupCommand::Completions(options) => command_line_docs::completions(options.shell),
        SetupCommand::Man(options) => command_line_docs::man(&options.dir),
    }
}
