//! The commands of the demo agent, for good and bad behaviour.

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use super::voice::Voice;

/// A command in a prompt. Any other text is [`Act::Quote`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
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
}

impl Act {
    /// Parses a prompt. In a group, the sender's name precedes the text.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        let behind_name = || text.split_once(": ").and_then(|(_, words)| Self::order(words));
        Self::order(text).or_else(behind_name).unwrap_or_else(|| Self::Quote(text.to_owned()))
    }

    fn order(text: &str) -> Option<Self> {
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
            ("children", "") => Some(Self::Children),
            _ => None,
        }
    }
}

/// The flag of the process that `children` leaves behind.
pub(super) const STRAY: &str = "--stray";

/// Exits in the middle of an answer.
pub(super) fn crash(voice: &mut Voice) {
    voice.say("I am about to ");
    eprintln!("the demo agent crashed on request");
    std::process::exit(70);
}

pub(super) fn flood(voice: &mut Voice, lines: u64) {
    for line in 1..=lines {
        let end = if line == lines { "" } else { "\n" };
        voice.say(&format!("line {line}{end}"));
    }
}

/// Prints one protocol line of an unknown type with `bytes` bytes.
pub(super) fn big_line(voice: &mut Voice, bytes: usize) {
    const FRAME: [&str; 2] = [r#"{"type":"padding","padding":""#, r#""}"#];
    let padding = "x".repeat(bytes.saturating_sub(FRAME[0].len() + FRAME[1].len()));
    voice.raw([FRAME[0], &padding, FRAME[1]].concat().as_bytes());
    voice.say(&format!("I printed one line of {bytes} bytes."));
}

pub(super) fn garbage(voice: &mut Voice) {
    voice.raw(b"this is no JSON");
    voice.raw(b"\xff\xfe\x00\x1b[31m{\"type\":");
    voice.raw(b"[1, 2, null]");
    voice.raw(b"{\"type\":\"assistant\"");
    voice.raw(b"");
    voice.say("I printed garbage.");
}

pub(super) fn ignore_sigterm() {
    // Handling the signal prevents the default action. The flag isn't read.
    let noted = Arc::new(AtomicBool::new(false));
    if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGTERM, noted) {
        eprintln!("failed to ignore SIGTERM: {error}");
    }
}

pub(super) fn leave_child(voice: &mut Voice) {
    let left = std::env::current_exe().and_then(|program| crate::process::leave(&program, &["demo-agent", STRAY]));
    match left {
        Ok(pid) => voice.say(&format!("I left process {pid} behind.")),
        Err(error) => voice.say(&format!("I failed to leave a process behind: {error}")),
    }
}

/// Runs the process left behind: in its own process session, without a reaction to SIGTERM, and with the agent's
/// stdout open.
pub(super) fn stray() -> ExitCode {
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
    fn an_unknown_action_is_quoted() {
        for (text, act) in [
            ("slow 3", Act::Slow(3)),
            (" remember the  milk ", Act::Remember("the  milk".to_owned())),
            ("recall", Act::Recall),
            ("bigline 10000000", Act::BigLine(10_000_000)),
        ] {
            assert_eq!(Act::parse(text), act);
        }
        for text in ["slow", "slow down", "recall it", "remember", "crash the car", ""] {
            assert_eq!(Act::parse(text), Act::Quote(text.to_owned()));
        }
    }
}
