//! Defines the subcommands that install, set up and check a host.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::{Listing, Paths, default_config, make_absolute, xdg_folder};

#[derive(Debug, Subcommand)]
pub enum SetupCommand {
    /// Write a configuration file, after asking for the agent, the bot's token, the owner and the plugin folder
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// Import the sessions of another bot; the host must be stopped
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArgs),
    /// Run the host as a systemd service
    #[command(after_help = SERVICE_EXAMPLES)]
    Service(ServiceArgs),
    /// Run the checks of `check`, and check this machine; exit 0 if there are no problems, else 1
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(Paths),
    /// Print a script that completes cordboard's command line in a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Write the man pages into a folder
    #[command(after_help = "Examples:\n  cordboard man ~/.local/share/man/man1")]
    Man(ManArgs),
}

const INIT_EXAMPLES: &str = "The token is not shown while you type it. It is stored next to the configuration file in
telegram.token, which only you can read. An existing configuration file is never changed.

Examples:
  cordboard init
  cordboard init --agent claude --token-file ~/telegram.token --yes
  cordboard init --config /etc/cordboard/config.toml --owner 123456789";

#[derive(Debug, Args)]
pub struct InitArgs {
    /// The configuration file to write [default: $XDG_CONFIG_HOME/cordboard/config.toml]
    #[arg(long, value_name = "FILE", env = "CORDBOARD_CONFIG")]
    config: Option<PathBuf>,
    /// The agent for new sessions: demo, claude, opencode, gemini or claude-agent-acp [default: the first one found]
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// The file that contains the bot's token [default: without a token, the chat is the console]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Your numeric Telegram id [default: the first person who sends the bot the one-time code from the log]
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..=i64::MAX.unsigned_abs()))]
    pub owner: Option<u64>,
    /// Your plugin folder [default: plugins/ next to the configuration file]
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// Ask no questions; use the defaults for missing options
    #[arg(long)]
    pub yes: bool,
}

impl InitArgs {
    /// Returns the absolute path of the configuration file to write.
    ///
    /// # Errors
    /// No file is given, and neither `XDG_CONFIG_HOME` nor `HOME` is set.
    pub fn config(&self) -> Result<PathBuf, NoConfigHome> {
        let config = self.config.clone().or_else(default_config);
        config.map(|config| make_absolute(&config)).ok_or(NoConfigHome)
    }

    /// Returns whether other commands use this configuration file if none is given.
    #[must_use]
    pub fn is_default(config: &Path) -> bool {
        default_config().is_some_and(|default| default == config)
    }

    /// Returns the absolute path of the token file, if one is given.
    #[must_use]
    pub fn token_file(&self) -> Option<PathBuf> {
        self.token_file.as_deref().map(make_absolute)
    }

    /// Returns the absolute path of the plugin folder, if one is given.
    #[must_use]
    pub fn plugins(&self) -> Option<PathBuf> {
        self.plugins.as_deref().map(make_absolute)
    }
}

/// No configuration file is given, and neither `XDG_CONFIG_HOME` nor `HOME` is set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("choose a configuration file: neither XDG_CONFIG_HOME nor HOME is set; name a file with --config")]
pub struct NoConfigHome;

const SERVICE_EXAMPLES: &str = "Examples:
  cordboard service install --user
  sudo cordboard service install --config /etc/cordboard/config.toml --run-as ada --dry-run";

#[derive(Debug, Args)]
pub struct ServiceArgs {
    #[command(subcommand)]
    pub command: ServiceCommand,
}

#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Write a systemd unit, and print the commands that start it
    #[command(after_help = INSTALL_HELP)]
    Install(InstallService),
}

const INSTALL_HELP: &str =
    "Without --user, the unit is written to /etc/systemd/system, which needs root. systemd passes
the bots' tokens to the host as credentials, so only root needs to read the token files. The
agents run with the same restrictions as the host: they can change the home of their user, the
state directory, and the folders in [sessions] of the configuration. An existing unit is replaced
only if this command wrote it.

Examples:
  cordboard service install --user --dry-run
  sudo cordboard service install --config /etc/cordboard/config.toml --run-as cordboard";

#[derive(Debug, Args)]
pub struct InstallService {
    /// Write a unit for your own systemd instance; doesn't need root
    #[arg(long)]
    pub user: bool,
    /// The user who runs the host [default: the user who called sudo]
    #[arg(long, value_name = "USER", conflicts_with = "user")]
    pub run_as: Option<String>,
    /// Print the unit instead of writing it
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub paths: Paths,
}

impl InstallService {
    /// The name of the unit's file.
    pub const UNIT: &str = "cordboard.service";

    /// The folder for the units of the machine's systemd instance.
    pub const SYSTEM_UNIT_FOLDER: &str = "/etc/systemd/system";

    /// Returns the folder for the unit. `None` if the unit is for the user's own systemd instance, and neither
    /// `XDG_CONFIG_HOME` nor `HOME` is set.
    #[must_use]
    pub fn unit_folder(&self) -> Option<PathBuf> {
        if self.user { Self::user_unit_folder() } else { Some(PathBuf::from(Self::SYSTEM_UNIT_FOLDER)) }
    }

    /// Returns the folder for the units of the user's own systemd instance.
    #[must_use]
    pub fn user_unit_folder() -> Option<PathBuf> {
        xdg_folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("systemd/user"))
    }
}

const DOCTOR_EXAMPLES: &str = "Examples:
  cordboard doctor
  cordboard doctor --config my.toml --state /var/lib/cordboard";

const COMPLETIONS_EXAMPLES: &str = "Examples:
  cordboard completions bash > ~/.local/share/bash-completion/completions/cordboard
  cordboard completions zsh > ~/.zfunc/_cordboard
  cordboard completions fish > ~/.config/fish/completions/cordboard.fish";

#[derive(Debug, Args)]
pub struct CompletionsArgs {
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
pub struct ManArgs {
    /// The folder, which is created if it doesn't exist
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

const IMPORT_EXAMPLES: &str = "Examples:
  cordboard import homelab ~/homelab-bot --dry-run
  cordboard import homelab ~/homelab-bot";

#[derive(Debug, Args)]
pub struct ImportArgs {
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
    "Each folder DIR/sessions/NAME with a file metadata.json becomes a session that works in that
folder. Nothing in DIR changes, and a later import skips sessions that already exist. Stop the
host first, and run this command as the user who runs it; --dry-run works at any time. The exit
code is 1 if a session could not be imported.

Examples:
  cordboard import homelab ~/homelab-bot --dry-run
  cordboard import homelab ~/homelab-bot --config /etc/cordboard/config.toml --agent claude";

#[derive(Debug, Args)]
pub struct ImportHomelab {
    /// The bot's folder, which contains the `sessions` folder
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
