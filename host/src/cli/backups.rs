//! Defines the options of `cordboard backup` and `cordboard restore`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{State, make_absolute};

#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Write a backup of the database to a file, with or without a running host
    #[command(after_help = BACKUP_HELP)]
    Backup(BackupFile),
    /// Replace the database with a backup, and keep the current database under another name
    #[command(after_help = RESTORE_HELP)]
    Restore(BackupFile),
}

const BACKUP_HELP: &str =
    "The backup contains sessions, messages, access, decisions, usage, and the state and versions of
plugins. Back up these separately:
  your configuration, and the files that it names (tokens, secrets), and your plugin folder
  sessions/ in the state directory: the files in the session folders
  the agents' own data, for example ~/.claude: without it, agents start new conversations

Examples:
  cordboard backup /backup/cordboard-$(date +%F).db
  cordboard backup ~/cordboard.db --state /var/lib/cordboard";

const RESTORE_HELP: &str = "Stop the host first. Messages that were waiting when the backup was made are handled again.

Examples:
  cordboard restore /backup/cordboard-2026-11-30.db
  cordboard restore ~/cordboard.db --state /var/lib/cordboard";

#[derive(Debug, Args)]
pub struct BackupFile {
    /// The file with the backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    pub state: State,
}

impl BackupFile {
    /// Returns the absolute path of the file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        make_absolute(&self.file)
    }
}
