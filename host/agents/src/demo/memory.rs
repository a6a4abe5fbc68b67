//! The memory of a demo conversation: a small file in the session's folder, from which a later process resumes, and a
//! transcript next to it, in claude's format.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::json;

/// The memory of one conversation.
pub(super) struct Memory {
    path: PathBuf,
    transcript: PathBuf,
    stored: StoredMemory,
    /// The number of turns that the conversation's cost covers.
    turns: u64,
    forgotten: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct StoredMemory {
    /// The number of turns when the last process exited normally. Like the real CLI, a process stores its cost only
    /// when it exits normally.
    turns: u64,
    remembered: Vec<String>,
}

/// A made-up price per turn, so that totals aren't zero.
const COST_USD: f64 = 0.0001;

impl Memory {
    pub(super) fn new(conversation: &str) -> Self {
        let transcript = transcript(Path::new(""), conversation);
        Self { path: path(conversation), transcript, stored: StoredMemory::default(), turns: 0, forgotten: false }
    }

    /// Loads the memory that an earlier process stored, or returns `None` if there is no such conversation.
    pub(super) fn load(conversation: &str) -> Option<Self> {
        let new = Self::new(conversation);
        let stored: StoredMemory = serde_json::from_slice(&std::fs::read(&new.path).ok()?).ok()?;
        Some(Self { turns: stored.turns, stored, ..new })
    }

    /// Copies the memory of `from` to the new conversation `to`.
    pub(super) fn fork(from: &str, to: &str) -> Option<Self> {
        let (origin, new) = (Self::load(from)?, Self::new(to));
        // Ignore a failed copy, because conversations stored by older versions have no transcript.
        drop(std::fs::copy(origin.transcript, &new.transcript));
        Some(Self { turns: origin.turns, stored: origin.stored, ..new })
    }

    pub(super) fn remember(&mut self, what: &str) {
        self.stored.remembered.push(what.to_owned());
    }

    pub(super) fn recall(&self) -> String {
        match self.stored.remembered.as_slice() {
            [] => "I remember nothing.".to_owned(),
            remembered => format!("I remember: {}", remembered.join(", ")),
        }
    }

    pub(super) fn forget(&mut self) {
        self.stored.remembered.clear();
        self.forgotten = true;
        for file in [&self.path, &self.transcript] {
            if let Err(error) = std::fs::remove_file(file)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                eprintln!("failed to forget '{}': {error}", file.display());
            }
        }
    }

    /// Counts a turn and stores it.
    pub(super) fn store_turn(&mut self, prompt: &str, answer: &str) {
        self.turns += 1;
        if self.forgotten {
            return;
        }
        self.store();
        if let Err(error) = self.append(prompt, answer) {
            eprintln!("failed to store '{}': {error}", self.transcript.display());
        }
    }

    /// Stores the cost when the process ends.
    pub(super) fn end(&mut self) {
        let is_stored = self.stored.turns == self.turns;
        self.stored.turns = self.turns;
        if !is_stored && !self.forgotten {
            self.store();
        }
    }

    fn store(&self) {
        let stored = serde_json::to_vec(&self.stored).unwrap_or_default();
        if let Err(error) = std::fs::write(&self.path, stored) {
            eprintln!("failed to store '{}': {error}", self.path.display());
        }
    }

    fn append(&self, prompt: &str, answer: &str) -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&self.transcript)?;
        let answer = json!([{ "type": "text", "text": answer }]);
        writeln!(file, "{}", json!({ "type": "user", "message": { "content": prompt } }))?;
        writeln!(file, "{}", json!({ "type": "assistant", "message": { "content": answer } }))
    }

    /// Returns the cost of the whole conversation, which the real CLI also reports.
    pub(super) fn cost_usd(&self) -> f64 {
        f64::from(u32::try_from(self.turns).unwrap_or(u32::MAX)) * COST_USD
    }
}

/// Returns the path of a conversation's memory file.
fn path(conversation: &str) -> PathBuf {
    transcript(Path::new(""), conversation).with_extension("json")
}

/// Returns the path of a conversation's transcript in `folder`. Replaces `/` in the id, because the id is part of the
/// file name.
pub(crate) fn transcript(folder: &Path, conversation: &str) -> PathBuf {
    folder.join(format!(".demo-{}.jsonl", conversation.replace('/', "-")))
}
