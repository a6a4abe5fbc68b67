//! A fake agent that accepts prompts during its turn, as claude does, and records each prompt's number and latency in a
//! file that all agents share. Its first turn never ends.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, Write as _},
    path::Path,
};

use serde_json::{Value, json};

use crate::fake_agent;

/// The argument that makes this program run as the recording agent. The host puts its own arguments before this one.
/// The next argument is the path of the file.
pub const ROLE: &str = "recording-agent";

/// Returns a prompt's text, which contains the prompt's number and the time when the update was due.
pub fn prompt(number: u64, due: u128) -> String {
    format!("message {number} of {due}")
}

/// Parses a line of the file. Returns a prompt's number, and its latency in nanoseconds.
pub fn recorded(line: &str) -> (u64, u64) {
    let (number, span) = line.trim_end().split_once(' ').unwrap();
    (number.parse().unwrap(), span.parse().unwrap())
}

pub fn run(path: &Path) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    let mut turn = Turn::NotBegun;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let received = fake_agent::now();
        let message: Value = serde_json::from_str(&line).unwrap();
        match message["type"].as_str() {
            Some("control_request") => fake_agent::acknowledge(&message),
            Some("user") => {
                record(&mut file, &message["message"].to_string(), received);
                turn = turn.take(&message);
            }
            _ => {}
        }
    }
}

enum Turn {
    NotBegun,
    Running,
}

impl Turn {
    /// Accepts a prompt. The first one begins the turn.
    fn take(self, prompt: &Value) -> Self {
        match self {
            Self::NotBegun => {
                fake_agent::print(&json!({ "type": "system", "subtype": "init", "session_id": "s", "model": "m" }));
                fake_agent::accept(prompt);
                fake_agent::begin_answer(&json!([prompt["uuid"]]));
            }
            Self::Running => fake_agent::accept(prompt),
        }
        Self::Running
    }
}

/// Writes a line if the text comes from [`prompt`]. The file is open for appending and the line is written with a
/// single call, so lines from different processes don't mix.
fn record(file: &mut File, text: &str, received: u128) {
    let mut numbers =
        text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse::<u128>().ok());
    if let (Some(number), Some(due)) = (numbers.next(), numbers.next()) {
        let line = format!("{number} {}\n", received.saturating_sub(due));
        file.write_all(line.as_bytes()).unwrap();
    }
}
