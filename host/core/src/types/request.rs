//! Open questions to users: about an interrupted prompt, a failed start of an agent, or the capabilities of a plugin.

use serde::{Deserialize, Serialize};

use super::SessionName;
use crate::agent::PromptId;

/// The id of a question to users. The first valid decision closes it in every message that asks it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Whether to send an interrupted prompt again.
    Prompt(PromptId),
    /// The decision after a failed start of an agent. Each failure has its own number.
    Start { session: SessionName, failure: u64 },
    /// Whether to grant a version of a plugin the capabilities that it requests. The digest has its displayed length.
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
    /// The label of the choice's button.
    #[must_use]
    pub const fn label(self) -> Option<&'static str> {
        match self {
            Self::SendAgain => Some("Send again"),
            Self::Leave => Some("Leave it"),
            Self::TryAgain => Some("Try again"),
            Self::StartFresh => Some("Start fresh"),
            Self::Grant => Some("Grant and activate"),
            Self::Refuse => Some("Refuse"),
            Self::Withdrawn => None,
        }
    }
}
