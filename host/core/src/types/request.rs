//! Requests: questions to people that stay open until somebody decides them.

use serde::{Deserialize, Serialize};

use super::SessionName;
use crate::agent::PromptId;

/// The id of a question to people. The first valid decision closes it in every message that asks it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Whether an interrupted prompt is sent again.
    Prompt(PromptId),
    /// The decision after a failed start of an agent. Each failure has its own number.
    Start { session: SessionName, failure: u64 },
    /// Whether a version of a plugin gets the capabilities that it requests. The digest has its displayed length.
    Grant { plugin: String, digest: String },
}

/// The outcome of a closed request.
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
