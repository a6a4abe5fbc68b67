//! The commands that install, set up and check a host. None of them needs a running host.

mod import;

use super::AppError;
use crate::{
    cli::{ImportSource, SetupCommand},
    homelab_import::ImportError,
};

/// The reason why a command of this module failed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// Runs one of the commands that install, set up and check a host.
///
/// # Errors
/// The command failed, or found problems.
pub fn set_up(command: &SetupCommand) -> Result<(), AppError> {
    match command {
        SetupCommand::Import(import) => match &import.source {
            ImportSource::Homelab(options) => import::homelab(options),
        },
    }
}
