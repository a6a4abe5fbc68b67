//! Defines the commands that show what a host does.

use clap::{Args, Subcommand, ValueEnum};

use super::State;

#[derive(Debug, Subcommand)]
pub enum MonitoringCommand {
    /// Show sessions, requests, plugins and the outbox live in this terminal
    #[command(after_help = TOP_HELP)]
    Top(Top),
    /// Print the log of a running host, or of its systemd service
    #[command(after_help = LOGS_HELP)]
    Logs(Logs),
}

const TOP_HELP: &str = "Shows what the status page shows, without `[status]`. If standard output isn't a terminal, the
command prints the state once. NO_COLOR turns colors off. Exits with 3 if no host runs.

Keys: Tab next table, arrows or j and k move, Enter shows a session's last turns, s sorts by the
next column, ? lists all keys, q quits.

Examples:
  cordboard top
  cordboard top --once
  cordboard top --json | jq '.host.plugins[] | {name, calls, p99}'";

#[derive(Debug, Args)]
pub struct Top {
    /// Print the state once
    #[arg(long)]
    pub once: bool,
    /// Print the state once, as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub state: State,
}

const LOGS_HELP: &str =
    "If systemd runs the host, the log is in the journal, and this command runs journalctl. Otherwise,
the host sends its latest 2000 records. Exits with 3 if no host and no service is found, or if the
host stops while you follow its log.

Examples:
  cordboard logs
  cordboard logs --follow --level warn
  cordboard logs --target cordboard::rollout -n 1000
  cordboard logs --json | jq -r .fields.message";

#[derive(Debug, Args)]
pub struct Logs {
    /// Print new records as they are logged, until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,
    /// The maximum number of earlier records
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    pub lines: usize,
    /// Print only records of this level and more important ones
    #[arg(long, value_enum)]
    pub level: Option<Level>,
    /// Print only records of this crate or module and the modules below it
    #[arg(long, value_name = "TARGET")]
    pub target: Option<String>,
    /// Print each record as JSON; records from the journal have the journal's fields
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub state: State,
}

/// The importance of a log record, from the most to the least important one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}
