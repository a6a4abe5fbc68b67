//! Implements the commands for scripts: `send`, `stop`, `suspend` and `archive`. They need a running host.

use std::{
    io::{IsTerminal as _, Read as _, Write as _},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use cordboard_core::{
    config::format_duration,
    render::{self, strip_controls},
    types::SessionName,
};
use serde::Serialize;

use super::{
    AppError, NO_HOST,
    inspect::{block_on, print_json, print_text, unexpected_answer},
};
use crate::{
    cli::{SendPrompt, SessionCommand, SessionTarget},
    control::{
        self, AcceptedPrompt, AfterAcceptance, ControlAnswer, ControlQuery, LONGEST_PROMPT, PendingQuery, PromptReport,
        ReportedOutcome, ScriptCommand, ScriptPrompt, SessionRow,
    },
    logging,
};

/// The exit code if the answer did not arrive in time, as with timeout(1).
const EXIT_TIMED_OUT: u8 = 124;

/// The exit code after Ctrl-C, as in shells: 128 plus the number of SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

/// The exit code for a prompt that can't be sent. Invalid arguments have the same exit code.
const EXIT_USAGE: u8 = 2;

/// The reason why `cordboard send` failed.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the prompt is empty: give a text, or use - to read it from standard input")]
    Empty,
    #[error("standard input is not UTF-8 text: convert it first, for example with iconv")]
    NotText,
    #[error(
        "the prompt is longer than {} KiB: save the text in a file, and name the file in the prompt",
        LONGEST_PROMPT / 1024
    )]
    TooLong,
    #[error("failed to read standard input: {0}")]
    Input(std::io::Error),
    #[error("session '{session}' did not answer: {why}")]
    NotAnswered { session: SessionName, why: String },
    #[error("session '{session}' has not answered within {}; the agent keeps working, and its answer will appear in the chat", format_duration(*after))]
    TimedOut { session: SessionName, after: Duration },
    #[error("stopped waiting; the agent of session '{0}' keeps working, and its answer will appear in the chat")]
    Interrupted(SessionName),
    #[error(
        "the host stopped before session '{0}' answered; the prompt is stored, and after the next start the chat shows its answer or asks what to do with it"
    )]
    HostStopped(SessionName),
    #[error(
        "the host may or may not have accepted the prompt ({why}): check the chat of session '{session}' before you send it again"
    )]
    Unknown { session: SessionName, why: StoppedBy },
}

/// The reason why the command stopped waiting for the host to accept the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoppedBy {
    #[error("the time limit was reached")]
    TimeLimit,
    #[error("Ctrl-C was pressed")]
    CtrlC,
    #[error("the host stopped")]
    HostStopped,
}

impl SendError {
    pub(super) fn code(&self) -> ExitCode {
        match self {
            Self::Empty | Self::NotText | Self::TooLong => ExitCode::from(EXIT_USAGE),
            Self::Input(_) | Self::NotAnswered { .. } => ExitCode::FAILURE,
            Self::TimedOut { .. } | Self::Unknown { why: StoppedBy::TimeLimit, .. } => ExitCode::from(EXIT_TIMED_OUT),
            Self::Interrupted(_) | Self::Unknown { why: StoppedBy::CtrlC, .. } => ExitCode::from(EXIT_INTERRUPTED),
            Self::HostStopped(_) | Self::Unknown { why: StoppedBy::HostStopped, .. } => ExitCode::from(NO_HOST),
        }
    }
}

/// The output of `cordboard send --wait --json`.
#[derive(Serialize)]
struct Answer<'a> {
    session: &'a SessionName,
    prompt: &'a str,
    #[serde(flatten)]
    report: &'a PromptReport,
}

/// Performs a command on a session of the running host.
///
/// # Errors
/// No host is running, the host refuses the command, or a prompt is not answered.
pub fn run_session_command(command: &SessionCommand) -> Result<(), AppError> {
    match command {
        SessionCommand::Send(options) => send(options),
        SessionCommand::Stop(target) => {
            control_session(target, ScriptCommand::Stop, |row| format!("Session '{}' is being interrupted.", row.name))
        }
        SessionCommand::Suspend(target) => {
            control_session(target, ScriptCommand::Suspend, |row| format!("Session '{}' is {}.", row.name, row.phase))
        }
        SessionCommand::Archive(target) => {
            control_session(target, ScriptCommand::Archive, |row| format!("Session '{}' archived.", row.name))
        }
    }
}

fn send(options: &SendPrompt) -> Result<(), AppError> {
    logging::start("error");
    let state = options.state.resolve()?;
    let then = if options.wait { AfterAcceptance::ReportOutcome } else { AfterAcceptance::Close };
    let prompt = ScriptPrompt { session: options.session.clone(), text: read_prompt(&options.text)?, then };
    let (accepted, report) = block_on(submit(&state, prompt, options.timeout))?;
    let Some(report) = report else {
        return if options.json { print_json(&accepted) } else { Ok(()) };
    };
    if options.json {
        print_json(&Answer { session: &accepted.session, prompt: &accepted.prompt, report: &report })?;
    } else if !report.answer.is_empty() {
        print_answer(&report.answer)?;
    }
    match (report.outcome, report.why) {
        (ReportedOutcome::Answered, _) => Ok(()),
        (ReportedOutcome::Failed | ReportedOutcome::Interrupted, why) => {
            let why = why.unwrap_or_default();
            Err(SendError::NotAnswered { session: options.session.clone(), why }.into())
        }
    }
}

/// Returns the prompt from the command line, or from standard input if the text is `-`.
fn read_prompt(text: &str) -> Result<String, SendError> {
    let text = if text == "-" { read_input(std::io::stdin().lock())? } else { text.to_owned() };
    match text.trim() {
        "" => Err(SendError::Empty),
        _ if text.len() > LONGEST_PROMPT => Err(SendError::TooLong),
        _ => Ok(text.trim_end().to_owned()),
    }
}

fn read_input(input: impl std::io::Read) -> Result<String, SendError> {
    let mut bytes = Vec::new();
    // Read one byte more than allowed, to detect a longer text.
    let longest = u64::try_from(LONGEST_PROMPT).unwrap_or(u64::MAX);
    input.take(longest + 1).read_to_end(&mut bytes).map_err(SendError::Input)?;
    if bytes.len() > LONGEST_PROMPT {
        return Err(SendError::TooLong);
    }
    String::from_utf8(bytes).map_err(|_| SendError::NotText)
}

/// Sends the prompt. With `--wait`, also waits for the outcome and returns it.
async fn submit(
    state: &Path,
    prompt: ScriptPrompt,
    limit: Option<Duration>,
) -> Result<(AcceptedPrompt, Option<PromptReport>), AppError> {
    let (session, then) = (prompt.session.clone(), prompt.then);
    let expired = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(expired);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let unknown = |why| SendError::Unknown { session: session.clone(), why };
    let accepted = async {
        let pending = control::begin(state, ControlQuery::Send(prompt)).await?;
        let mut pending = pending.ok_or_else(|| AppError::NoHost { state: state.to_owned() })?;
        match pending.first().await {
            Ok(ControlAnswer::Accepted(accepted)) => Ok((accepted, pending)),
            Ok(other) => Err(unexpected_answer(other)),
            Err(error) if error.is_closed() => Err(unknown(StoppedBy::HostStopped).into()),
            Err(error) => Err(error.into()),
        }
    };
    let (accepted, pending) = tokio::select! {
        accepted = accepted => accepted?,
        () = &mut expired => return Err(unknown(StoppedBy::TimeLimit).into()),
        _ = &mut interrupted => return Err(unknown(StoppedBy::CtrlC).into()),
    };
    if then == AfterAcceptance::Close {
        return Ok((accepted, None));
    }
    let report = tokio::select! {
        report = await_report(pending, &session) => report?,
        () = &mut expired => return Err(SendError::TimedOut { session, after: limit.unwrap_or_default() }.into()),
        _ = &mut interrupted => return Err(SendError::Interrupted(session).into()),
    };
    Ok((accepted, Some(report)))
}

/// Waits for the outcome of an accepted prompt. Meanwhile, prints the reasons why the session can't continue.
async fn await_report(mut pending: PendingQuery, session: &SessionName) -> Result<PromptReport, AppError> {
    loop {
        match pending.next().await? {
            Some(ControlAnswer::Ended(report)) => return Ok(report),
            Some(ControlAnswer::Blocked(why)) => print_notice(&format!("session '{session}' {why}")),
            Some(other) => return Err(unexpected_answer(other)),
            None => return Err(SendError::HostStopped(session.clone()).into()),
        }
    }
}

/// Prints an agent's answer. If standard output is a terminal, removes control characters from it.
fn print_answer(answer: &str) -> Result<(), AppError> {
    let is_terminal = std::io::stdout().is_terminal();
    let text = if is_terminal { strip_controls(answer) } else { answer.into() };
    print_text(&format!("{text}\n"))
}

/// Prints a notice to standard error. The text may come from an agent.
fn print_notice(text: &str) {
    let text = render::one_line(text, render::UNTRUSTED_LENGTH);
    drop(writeln!(std::io::stderr(), "cordboard: {text}"));
}

fn control_session(
    target: &SessionTarget,
    command: ScriptCommand,
    message: impl Fn(&SessionRow) -> String,
) -> Result<(), AppError> {
    logging::start("error");
    let state = target.state.resolve()?;
    let query = ControlQuery::Control { session: target.session.clone(), command };
    let row = block_on(async {
        match control::query(&state, query).await? {
            Some(ControlAnswer::Session(row)) => Ok(row),
            Some(other) => Err(unexpected_answer(other)),
            None => Err(AppError::NoHost { state: state.clone() }),
        }
    })?;
    if target.json { print_json(&row) } else { print_text(&format!("{}\n", message(&row))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_text_of_limited_length() {
        assert_eq!(read_prompt(" a\n\n").unwrap(), " a");
        assert!(matches!(read_prompt(" \n"), Err(SendError::Empty)));
        assert!(matches!(read_prompt(&"x".repeat(LONGEST_PROMPT + 1)), Err(SendError::TooLong)));
        assert_eq!(read_input(&b"two\nlines\n"[..]).unwrap(), "two\nlines\n");
        assert!(matches!(read_input(&b"\xff"[..]), Err(SendError::NotText)));
        assert!(matches!(read_input(std::io::repeat(b'x')), Err(SendError::TooLong)));
    }
}
