//! Defines the commands that show what a host does.

use clap::{Args, Subcommand};

use super::State;

#[derive(Debug, Subcommand)]
pub enum MonitoringCommand {
    /// Show sessions, requests, plugins and the outbox live in this terminal
    #[command(after_help = TOP_HELP)]
    Top(Top),
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
