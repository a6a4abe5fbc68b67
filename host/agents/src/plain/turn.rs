//! The lines that a turn sends to the program.

use std::collections::VecDeque;

use cordboard_core::{agent_event::PromptId, session::Prompt};

/// A turn of a program that reads lines.
pub struct Turn {
    pub prompt: PromptId,
    /// The lines of the prompt that are not sent yet.
    pub lines: VecDeque<String>,
    /// The sent lines that the program may repeat.
    pub sent: VecDeque<String>,
    /// Output lines that equal the input, until it is known whether the program repeats its input.
    pub possible_echoes: Vec<String>,
    /// Whether a line was sent before the program showed its prompt. If so, the next prompt may belong to an earlier
    /// line.
    pub is_ahead: bool,
    pub is_interrupted: bool,
}

impl Turn {
    pub fn new(prompt: &Prompt) -> Self {
        Self {
            prompt: prompt.id.clone(),
            lines: lines(&prompt.text),
            sent: VecDeque::new(),
            possible_echoes: Vec::new(),
            is_ahead: false,
            is_interrupted: false,
        }
    }

    /// Returns the next line of the prompt for the program.
    pub fn send_next(&mut self) -> Option<Vec<u8>> {
        let line = self.lines.pop_front()?;
        let bytes = line.clone().into_bytes();
        if !line.trim().is_empty() {
            self.sent.push_back(line);
        }
        Some(bytes)
    }
}

/// Returns the lines of a prompt. An interpreter that reads lines, such as Python, ends an indented block at an empty
/// line. Messages are trimmed, so this function adds an empty line after an indented last line.
fn lines(prompt: &str) -> VecDeque<String> {
    let mut lines: VecDeque<String> = prompt.trim_end().lines().map(str::to_owned).collect();
    if lines.back().is_some_and(|line| lines.len() > 1 && line.starts_with([' ', '\t'])) {
        lines.push_back(String::new());
    }
    lines
}
