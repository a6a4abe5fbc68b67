//! The memory of a demo conversation: a small file in the session's folder, from which a later process resumes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The memory of one conversation.
pub(super) struct Memory {
    path: PathBuf,
    kept: Kept,
    forgotten: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    turns: u64,
    remembered: Vec<String>,
}

/// The reason that a conversation can't be opened.
pub(super) enum ResumeRefused {
    /// The conversation to resume doesn't exist.
    Unknown,
    /// The conversation to create already exists.
    InUse,
}

/// A fictional price per turn, so that sums aren't zero.
const COST_USD: f64 = 0.0001;

impl Memory {
    pub(super) fn open(conversation: &str, resume: bool) -> Result<Self, ResumeRefused> {
        // The id becomes part of a file name.
        if !conversation.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(ResumeRefused::Unknown);
        }
        let path = PathBuf::from(format!(".demo-{conversation}.json"));
        let kept = std::fs::read(&path).ok().and_then(|kept| serde_json::from_slice(&kept).ok());
        match (resume, kept) {
            (true, Some(kept)) => Ok(Self { path, kept, forgotten: false }),
            (true, None) => Err(ResumeRefused::Unknown),
            (false, None) => Ok(Self { path, kept: Kept::default(), forgotten: false }),
            (false, Some(_)) => Err(ResumeRefused::InUse),
        }
    }

    pub(super) fn remember(&mut self, what: &str) {
        self.kept.remembered.push(what.to_owned());
    }

    pub(super) fn recall(&self) -> String {
        match self.kept.remembered.as_slice() {
            [] => "I remember nothing.".to_owned(),
            remembered => format!("I remember: {}", remembered.join(", ")),
        }
    }

    pub(super) fn forget(&mut self) {
        self.kept.remembered.clear();
        self.forgotten = true;
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            eprintln!("failed to forget '{}': {error}", self.path.display());
        }
    }

    pub(super) fn count_turn(&mut self) {
        self.kept.turns += 1;
        if self.forgotten {
            return;
        }
        let kept = serde_json::to_vec(&self.kept).unwrap_or_default();
        if let Err(error) = std::fs::write(&self.path, kept) {
            eprintln!("failed to store '{}': {error}", self.path.display());
        }
    }

    /// Returns the cost of the whole conversation, as the real CLI does.
    pub(super) fn cost_usd(&self) -> f64 {
        f64::from(u32::try_from(self.kept.turns).unwrap_or(u32::MAX)) * COST_USD
    }
}
