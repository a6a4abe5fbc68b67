//! Defines the commands that act on a session of a running host.

use std::time::Duration;

use clap::{Args, Subcommand};
use cordboard_core::{config::parse_duration, types::SessionName};

use super::State;

#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// Send a prompt to a session's agent, from a script
    #[command(after_help = SEND_HELP)]
    Send(SendPrompt),
    /// Interrupt a session's running answer
    #[command(after_help = STOP_EXAMPLES)]
    Stop(SessionTarget),
    /// Stop a session's agent; the next message resumes it
    #[command(after_help = SUSPEND_EXAMPLES)]
    Suspend(SessionTarget),
    /// Archive a session
    #[command(after_help = ARCHIVE_EXAMPLES)]
    Archive(SessionTarget),
}

const SEND_HELP: &str =
    "The prompt waits in the session's queue like a message from the chat. The chat shows its start,
then the answer. With --wait, a notice on standard error tells you when the session is waiting for
a user.

Exit codes: 0 accepted or, with --wait, answered; 1 refused, failed or interrupted; 2 wrong usage;
3 no host is running, or it stopped; 124 no answer within --timeout; 130 interrupted with Ctrl-C.
After 124 and 130, the agent keeps working.

Examples:
  cordboard send --session alpha \"run the tests\"
  cordboard send --session alpha --wait --timeout 10m \"summarize today's commits\" > summary.md
  git diff | cordboard send --session alpha --wait -
  cordboard send --session alpha --wait --json hello | jq -r .answer";

const STOP_EXAMPLES: &str =
    "Queued messages stay queued. Exits with 1 if nothing is running, and with 3 if no host is running.

Examples:
  cordboard stop alpha";

const SUSPEND_EXAMPLES: &str =
    "The next message resumes the agent. Exits with 1 if the agent is busy, and with 3 if no host is
running.

Examples:
  cordboard suspend alpha
  cordboard suspend alpha --json | jq -r .phase";

const ARCHIVE_EXAMPLES: &str =
    "Use /restore in the chat to undo this. Exits with 1 if the session is busy, and with 3 if no host
is running.

Examples:
  cordboard archive alpha";

#[derive(Debug, Args)]
pub struct SendPrompt {
    /// The session that receives the prompt
    #[arg(long, value_name = "NAME")]
    pub session: SessionName,
    /// The prompt; `-` reads it from standard input
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Wait for the answer, and print its final text as Markdown
    #[arg(long)]
    pub wait: bool,
    /// Stop waiting after this time, such as 90s or 10m
    #[arg(long, value_name = "TIME", requires = "wait", value_parser = timeout)]
    pub timeout: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub state: State,
}

/// A session of a running host.
#[derive(Debug, Args)]
pub struct SessionTarget {
    /// The session
    #[arg(value_name = "NAME")]
    pub session: SessionName,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub state: State,
}

fn timeout(text: &str) -> Result<Duration, &'static str> {
    parse_duration(text).filter(|span| !span.is_zero()).ok_or("use a time such as 90s, 10m or 1h30m")
}
