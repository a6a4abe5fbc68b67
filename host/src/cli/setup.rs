//! Defines the subcommands that install, set up and check a host.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Listing;

#[derive(Debug, Subcommand)]
pub enum SetupCommand {
    /// Import the sessions of another bot; the host must be stopped
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Import),
    /// Print a script that completes cordboard's command line in a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(Completions),
    /// Write the man pages into a folder
    #[command(after_help = "Examples:\n  cordboard man ~/.local/share/man/man1")]
    Man(Man),
}

const COMPLETIONS_EXAMPLES: &str = "Examples:
  cordboard completions bash > ~/.local/share/bash-completion/completions/cordboard
  cordboard completions zsh > ~/.zfunc/_cordboard
  cordboard completions fish > ~/.config/fish/completions/cordboard.fish";

#[derive(Debug, Args)]
pub struct Completions {
    #[arg(value_enum)]
    pub shell: Shell,
}

/// A shell for which completions can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
pub struct Man {
    /// The folder, which is created if it doesn't exist
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

const IMPORT_EXAMPLES: &str = "Examples:
  cordboard import homelab ~/homelab-bot --dry-run
  cordboard import homelab ~/homelab-bot";

#[derive(Debug, Args)]
pub struct Import {
    #[command(subcommand)]
    pub source: ImportSource,
}

#[derive(Debug, Subcommand)]
pub enum ImportSource {
    /// Import the sessions of the homelab bot, with their conversations
    #[command(after_help = HOMELAB_HELP)]
    Homelab(ImportHomelab),
}

const HOMELAB_HELP: &str =
    "Each folder DIR/sessions/NAME with a file metadata.json becomes a session that works in this
folder. Nothing in DIR changes, and the next import skips the sessions that exist already. Stop
the host first, and run this command as the user who runs it; --dry-run works at any time. The
exit code is 1 if a session could not be imported.

Examples:
  cordboard import homelab ~/homelab-bot --dry-run
  cordboard import homelab ~/homelab-bot --config /etc/cordboard/config.toml --agent claude";

#[derive(Debug, Args)]
pub struct ImportHomelab {
    /// The bot's folder, which contains the folder sessions
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Show the sessions that would be imported, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The sessions' agent, of kind "claude" [default: the default agent, or else the first one of that kind]
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// The unit of timeouts that are numbers
    #[arg(long, value_enum, default_value_t = TimeoutUnit::Minutes)]
    pub timeout_unit: TimeoutUnit,
    #[command(flatten)]
    pub listing: Listing,
}

/// The unit of a timeout that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TimeoutUnit {
    Minutes,
    Seconds,
}
