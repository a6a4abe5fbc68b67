//! Requests: questions to people that stay open until somebody decides them.

use serde::{Deserialize, Serialize};

use super::SessionName;
use crate::agent::PromptId;

/// Names a question to people. It is decided once, by whoever is first, in every message that asks it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Whether an interrupted prompt is sent again.
    Prompt(PromptId),
    /// What becomes of a session whose agent did not start. Each failure has a number of its own.
    Start { session: SessionName, failure: u64 },
    /// Whether a version of a plugin gets what it asks for. The digest is as long as it is shown.
    Grant { plugin: String, digest: String },
}

/// How a request was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    SendAgain,
    Leave,
    TryAgain,
    StartFresh,
    Grant,
    Refuse,
    /// There is nothing left to decide.
    Withdrawn,
}

impl Choice {
    /// The label of its button.
    #[must_use]
    pub const fn label(self) -> Option<&'static str> {
        match self {
            Self::SendAgain => Some("Send again"),
            Self::Leave => Some("Leave it"),
            Self::TryAgain => Some("Try again"),
            Self::StartFresh => Some("Start fresh"),
            Self::Grant => Some("Grant and plug in"),
            Self::Refuse => Some("Refuse"),
            Self::Withdrawn => None,
        }
    }
}
