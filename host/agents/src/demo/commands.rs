//! The commands of the demo agent, which simulate good and bad behavior.

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use super::output::Output;

/// A command in a prompt. Any other text is [`DemoCommand::Quote`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DemoCommand {
    Quote(String),
    Slow(u64),
    Remember(String),
    Recall,
    Forget,
    Crash,
    Hang,
    Flood(u64),
    BigLine(usize),
    Garbage,
    Stubborn,
    Children,
    /// Asks for permission to run a command.
    Run(String),
}

impl DemoCommand {
    /// Parses a prompt. In a group, the sender's name precedes the text.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        // The notes about the prompt's files are not part of the command.
        let words = text.split_once("\n\n[Attached ").map_or(text, |(words, _)| words);
        let after_sender = || words.split_once(": ").and_then(|(_, words)| Self::parse_command(words));
        Self::parse_command(words).or_else(after_sender).unwrap_or_else(|| Self::Quote(text.to_owned()))
    }

    fn parse_command(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match (word, rest.trim()) {
            ("slow", n) => n.parse().ok().map(Self::Slow),
            ("flood", n) => n.parse().ok().map(Self::Flood),
            ("bigline", n) => n.parse().ok().map(Self::BigLine),
            ("remember", what) if !what.is_empty() => Some(Self::Remember(what.to_owned())),
            ("recall", "") => Some(Self::Recall),
            ("forget", "") => Some(Self::Forget),
            ("crash", "") => Some(Self::Crash),
            ("hang", "") => Some(Self::Hang),
            ("garbage", "") => Some(Self::Garbage),
            ("stubborn", "") => Some(Self::Stubborn),
            ("run", command) if !command.is_empty() => Some(Self::Run(command.to_owned())),
            ("children", "") => Some(Self::Children),
            _ => None,
        }
    }
}

/// The argument that makes the demo agent run as the process that the `children` command leaves behind.
pub(super) const LEFTOVER: &str = "--stray";

/// Exits in the middle of an answer.
pub(super) fn crash(output: &mut Output) {
    output.print_text("I am about to ");
    eprintln!("the demo agent crashed on request");
    std::process::exit(70);
}

pub(super) fn flood(output: &mut Output, lines: u64) {
    for line in 1..=lines {
        let end = if line == lines { "" } else { "\n" };
        output.print_text(&format!("line {line}{end}"));
    }
}

/// Prints a protocol line of `bytes` bytes whose type the host doesn't know.
pub(super) fn big_line(output: &mut Output, bytes: usize) {
    const FRAME: [&str; 2] = [r#"{"type":"padding","padding":""#, r#""}"#];
    let padding = "x".repeat(bytes.saturating_sub(FRAME[0].len() + FRAME[1].len()));
    output.print_line([FRAME[0], &padding, FRAME[1]].concat().as_bytes());
    output.print_text(&format!("I printed one line of {bytes} bytes."));
}

pub(super) fn garbage(output: &mut Output) {
    output.print_line(b"this is not JSON");
    output.print_line(b"\xff\xfe\x00\x1b[31m{\"type\":");
    output.print_line(b"[1, 2, null]");
    output.print_line(b"{\"type\":\"assistant\"");
    output.print_line(b"");
    output.print_text("I printed garbage.");
}

pub(super) fn ignore_sigterm() {
    // Registering a flag replaces the default action of the signal. The flag is never read.
    let flag = Arc::new(AtomicBool::new(false));
    if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGTERM, flag) {
        eprintln!("failed to ignore SIGTERM: {error}");
    }
}

pub(super) fn leave_child(output: &mut Output) {
    let left = std::env::current_exe().and_then(|program| crate::process::leave(&program, &["demo-agent", LEFTOVER]));
    match left {
        Ok(pid) => output.print_text(&format!("I left process {pid} behind.")),
        Err(error) => output.print_text(&format!("I failed to leave a process behind: {error}")),
    }
}

/// Runs as the process that was left behind: in its own process session, ignoring SIGTERM, and with the agent's stdout
/// open.
pub(super) fn leftover() -> ExitCode {
    ignore_sigterm();
    if let Err(error) = rustix::process::setsid() {
        eprintln!("failed to leave the session: {error}");
        return ExitCode::FAILURE;
    }
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_parsed_and_other_text_is_quoted() {
        for (text, command) in [
            ("slow 3", DemoCommand::Slow(3)),
            (" remember the  milk ", DemoCommand::Remember("the  milk".to_owned())),
            ("recall", DemoCommand::Recall),
            ("bigline 10000000", DemoCommand::BigLine(10_000_000)),
        ] {
            assert_eq!(DemoCommand::parse(text), command);
        }
        for text in ["slow", "slow down", "recall it", "remember", "crash the car", ""] {
            assert_eq!(DemoCommand::parse(text), DemoCommand::Quote(text.to_owned()));
        }
    }
}
