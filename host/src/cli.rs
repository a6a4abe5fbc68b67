//! Defines the command line.

mod backups;
mod monitoring;
mod plugin;
mod session;
mod setup;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use cordboard_core::types::SessionName;

pub use backups::{BackupCommand, BackupFile};
pub use monitoring::{Level, Logs, MonitoringCommand, Top};
pub use plugin::{
    BuildArgs, CallArgs, CallerRole, CheckArgs, ConfigOptions, ExtensionPoint, Language, NewArgs, Plugin,
    PluginCommand, TestArgs, WatchArgs,
};
pub use session::{SendPrompt, SessionCommand, SessionTarget};
pub use setup::{
    CompletionsArgs, ImportArgs, ImportHomelab, ImportSource, InitArgs, InstallService, ManArgs, NoConfigHome,
    ServiceArgs, ServiceCommand, SetupCommand, Shell, TimeoutUnit,
};

/// A chat gateway for coding agents. Its commands and policies are WebAssembly plugins that you can replace while it
/// runs.
#[derive(Debug, Parser)]
#[command(name = "cordboard", version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  cordboard run                              chat at this terminal, with the demo agent
  cordboard run --config my.toml             … with your agents and plugins
  printf '/new a\\nhello\\n' | cordboard run --chat console
  cordboard check --config my.toml           verify configuration and plugins
  cordboard sessions --json | jq '.[].name'";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the host and serve a chat
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Check configuration, bot token, secrets, agents and plugins; exit 0 if everything is valid, else 1
    #[command(after_help = "Examples:\n  cordboard check\n  cordboard check --config my.toml --plugins ./plugins")]
    Check(Paths),
    /// List the sessions, with or without a running host
    #[command(
        after_help = "Examples:\n  cordboard sessions\n  cordboard sessions --json | jq -r '.[] | select(.phase == \"busy\").name'"
    )]
    Sessions(Listing),
    /// List the plugins, with or without a running host
    #[command(
        after_help = "Examples:\n  cordboard plugins\n  cordboard plugins --json | jq -r '.[] | select(.health != \"ok\").note'"
    )]
    Plugins(Listing),
    /// List agents' open questions
    #[command(after_help = "Examples:\n  cordboard requests\n  cordboard requests --json | jq -r '.[].title'")]
    Requests(Listing),
    /// List the people with access, with or without a running host
    #[command(
        after_help = "Examples:\n  cordboard access\n  cordboard access --json | jq -r '.[] | select(.source == \"chat\").id'"
    )]
    Access(Listing),
    /// List decisions on agents' permissions, plans and questions, oldest first
    #[command(after_help = AUDIT_EXAMPLES)]
    Audit(Audit),
    /// List unsent messages and the latest failed deliveries, with or without a running host
    #[command(after_help = OUTBOX_HELP)]
    Outbox(Listing),
    /// List the tokens and the cost of finished turns by session and model, with or without a running host
    #[command(after_help = USAGE_EXAMPLES)]
    Usage(Usage),
    /// Open a session's conversation in this terminal; messages from the chat wait until you exit
    #[command(after_help = ATTACH_EXAMPLES)]
    Attach(Attach),
    /// Continue a conversation that began in a terminal as a new session
    #[command(after_help = ADOPT_EXAMPLES)]
    Adopt(Adopt),
    #[command(flatten)]
    Session(SessionCommand),
    #[command(flatten)]
    Monitoring(MonitoringCommand),
    #[command(flatten)]
    Backup(BackupCommand),
    /// Create, build, check and test your own plugin
    #[command(after_help = plugin::EXAMPLES)]
    Plugin(Plugin),
    #[command(flatten)]
    Setup(SetupCommand),
}

const AUDIT_EXAMPLES: &str = "Examples:
  cordboard audit
  cordboard audit --session alpha
  cordboard audit --json | jq -r '.[] | select(.by == \"plugin\").title'";

const OUTBOX_HELP: &str = "The states of finished deliveries:
  sent without styles   the chat server rejected the message with its styles or buttons
  not shown             the chat server rejected the message; a notice replaces it
  dropped               not sent, or sent only in part; see the REASON column
The states of messages that the host keeps:
  waiting, sending 2/5 (two of five parts are sent), unreachable (the host keeps trying),
  undeliverable (the topic was deleted)

Examples:
  cordboard outbox
  cordboard outbox --json | jq -r '.[] | select(.state == \"unreachable\").why'";

const USAGE_EXAMPLES: &str = "Examples:
  cordboard usage
  cordboard usage --session alpha --since 2026-11-01
  cordboard usage --json | jq 'map(.cost_usd // 0) | add'";

const ATTACH_EXAMPLES: &str = "Needs a running host, and an agent of kind \"claude\".

Examples:
  cordboard attach alpha
  cordboard attach alpha --state /var/lib/cordboard";

const ADOPT_EXAMPLES: &str =
    "Needs a running host. Exit the agent in the terminal first; /status shows its session id there.

Examples:
  cordboard adopt 0b4f8f0e-5d0c-4b6e-9f0a-2f6d1c1b7a3e alpha
  cordboard adopt 0b4f8f0e-5d0c-4b6e-9f0a-2f6d1c1b7a3e alpha --folder ~/projects/alpha";

const RUN_EXAMPLES: &str = "Examples:
  cordboard run
  cordboard run --chat telegram --config /etc/cordboard/config.toml
  printf '/new a\\nhello\\n' | cordboard run --chat console --state /tmp/state";

#[derive(Debug, Clone, Args)]
pub struct Paths {
    /// The configuration file [default: $XDG_CONFIG_HOME/cordboard/config.toml, else the built-in defaults]
    #[arg(long, value_name = "FILE", env = "CORDBOARD_CONFIG")]
    pub config: Option<PathBuf>,
    /// The state directory, with sessions and messages [default: $XDG_STATE_HOME/cordboard]
    #[arg(long, value_name = "DIR", env = "CORDBOARD_STATE")]
    pub state: Option<PathBuf>,
    /// Your plugin folder [default: `[plugins] folder`, else plugins/ next to the configuration]
    #[arg(long, value_name = "DIR")]
    pub plugins: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub paths: Paths,
    /// The chat to serve [default: telegram if `[telegram] token_file` is set, else console]
    #[arg(long, value_enum)]
    pub chat: Option<ChatKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChatKind {
    Console,
    Telegram,
}

#[derive(Debug, Args)]
pub struct Listing {
    #[command(flatten)]
    pub paths: Paths,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    pub listing: Listing,
    /// Show only the decisions of this session
    #[arg(long, value_name = "NAME")]
    pub session: Option<SessionName>,
}

#[derive(Debug, Args)]
pub struct Usage {
    #[command(flatten)]
    pub listing: Listing,
    /// Show only the turns of this session
    #[arg(long, value_name = "NAME")]
    pub session: Option<SessionName>,
    /// Show only the turns since the beginning of this day, in the time zone of this machine
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub since: Option<String>,
}

/// The state directory of a host.
#[derive(Debug, Clone, Args)]
pub struct State {
    /// The state directory of the host [default: $XDG_STATE_HOME/cordboard]
    #[arg(long, value_name = "DIR", env = "CORDBOARD_STATE")]
    pub state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Attach {
    /// The session to open
    #[arg(value_name = "SESSION")]
    pub session: SessionName,
    #[command(flatten)]
    pub state: State,
}

#[derive(Debug, Args)]
pub struct Adopt {
    /// The id of the conversation
    #[arg(value_name = "CLAUDE-SESSION-ID")]
    pub conversation: String,
    /// The name of the new session
    #[arg(value_name = "NAME")]
    pub name: SessionName,
    /// The folder of the conversation [default: the one in the agent's transcript]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The session's agent, of kind "claude" [default: the default agent, or else the first one of that kind]
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    #[command(flatten)]
    pub state: State,
}

impl State {
    /// Returns the absolute path of the state directory.
    ///
    /// # Errors
    /// No state directory is given, and neither `XDG_STATE_HOME` nor `HOME` is set.
    pub fn resolve(&self) -> Result<PathBuf, NoHome> {
        let default = || xdg_folder("XDG_STATE_HOME", ".local/state").map(|dir| dir.join("cordboard"));
        self.state.clone().or_else(default).map(|state| make_absolute(&state)).ok_or(NoHome)
    }
}

impl Adopt {
    /// Returns the absolute path of the requested folder.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        self.folder.as_deref().map(make_absolute)
    }
}

/// The absolute paths to use, from the command line, the environment and the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedPaths {
    /// `None` if the built-in defaults apply.
    pub config: Option<PathBuf>,
    pub state: PathBuf,
    /// `--plugins`, which takes precedence over the folder in the configuration.
    pub plugins: Option<PathBuf>,
}

/// No state directory is given, and neither `XDG_STATE_HOME` nor `HOME` is set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("choose a state directory: neither XDG_STATE_HOME nor HOME is set; name a directory with --state")]
pub struct NoHome;

impl Paths {
    /// # Errors
    /// No state directory is given, and neither `XDG_STATE_HOME` nor `HOME` is set.
    pub fn resolve(&self) -> Result<ResolvedPaths, NoHome> {
        let config = self.config.clone().or_else(|| default_config().filter(|path| path.exists()));
        let state = State { state: self.state.clone() }.resolve()?;
        Ok(ResolvedPaths {
            config: config.as_deref().map(make_absolute),
            state,
            plugins: self.plugins.as_deref().map(make_absolute),
        })
    }
}

/// Returns the configuration file that applies if none is given. It may not exist.
fn default_config() -> Option<PathBuf> {
    xdg_folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("cordboard/config.toml"))
}

fn make_absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Returns the folder that an XDG variable names, or the default folder below `HOME`. A relative path counts as unset,
/// as the XDG specification requires.
fn xdg_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(below_home)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use cordboard_book::{
        command_check::{Form, parse},
        shell,
    };

    use super::*;

    /// The maximum width of a line in the examples. clap wraps the help at 100 columns.
    const WIDEST: usize = 98;

    fn all(command: clap::Command) -> Vec<clap::Command> {
        let below: Vec<_> = command.get_subcommands().cloned().flat_map(all).collect();
        std::iter::once(command).chain(below).collect()
    }

    #[test]
    fn examples_are_complete_commands() {
        let mut count = 0;
        for command in all(Cli::command()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.split_once("Examples:\n").map_or("", |(_, examples)| examples);
            for line in examples.lines().take_while(|line| !line.is_empty()) {
                // A description can follow an example.
                let example = line.trim_start().split("  ").next().unwrap_or_default();
                for call in shell::calls(example, "cordboard") {
                    count += 1;
                    assert_eq!(parse(&Cli::command(), call, Form::Whole), Ok(()), "{}: {example}", command.get_name());
                }
            }
        }
        assert!(count > 50, "only {count} examples were found");
    }

    #[test]
    fn example_lines_are_not_wrapped() {
        let commands = all(Cli::command());
        assert!(commands.len() > 10, "the subcommands of `plugin` are included");
        for mut command in commands.into_iter().map(|command| command.term_width(100)) {
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let help = command.render_long_help().to_string();
            let name = command.get_name();
            for line in examples.lines() {
                assert!(line.chars().count() <= WIDEST, "{name}: {line}");
                assert!(help.lines().any(|shown| shown == line), "{name}: {line}\n{help}");
            }
            for line in help.lines() {
                assert!(line.chars().count() <= 100, "{name}: {line}");
            }
        }
    }
}
