//! The memory of a demo conversation: a small file in the session's folder, from which a later process resumes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The memory of one conversation.
pub(super) struct Memory {
    path: PathBuf,
    stored: StoredMemory,
    forgotten: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct StoredMemory {
    turns: u64,
    remembered: Vec<String>,
}

/// A fictional price per turn, so that sums aren't zero.
const COST_USD: f64 = 0.0001;

impl Memory {
    pub(super) fn new(conversation: &str) -> Self {
        Self { path: path(conversation), stored: StoredMemory::default(), forgotten: false }
    }

    /// Loads the memory that an earlier process stored, or returns `None` if there is no such conversation.
    pub(super) fn load(conversation: &str) -> Option<Self> {
        let path = path(conversation);
        let stored = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        Some(Self { path, stored, forgotten: false })
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
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            eprintln!("failed to forget '{}': {error}", self.path.display());
        }
    }

    pub(super) fn count_turn(&mut self) {
        self.stored.turns += 1;
        if self.forgotten {
            return;
        }
        let stored = serde_json::to_vec(&self.stored).unwrap_or_default();
        if let Err(error) = std::fs::write(&self.path, stored) {
            eprintln!("failed to store '{}': {error}", self.path.display());
        }
    }

    /// Returns the cost of the whole conversation, as the real CLI does.
    pub(super) fn cost_usd(&self) -> f64 {
        f64::from(u32::try_from(self.stored.turns).unwrap_or(u32::MAX)) * COST_USD
    }
}

/// Returns the path of a conversation's file. Replaces `/` in the id, because the id is part of the file name.
fn path(conversation: &str) -> PathBuf {
    PathBuf::from(format!(".demo-{}.json", conversation.replace('/', "-")))
}
