//! The log of posts whose delivery did not go as intended.

use serde::{Deserialize, Serialize};

use super::{Place, Timestamp};

/// The outcome of a delivery that did not go as intended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryOutcome {
    /// The chat server rejected a message of the post, and then accepted it without styles, or without styles
    /// and buttons.
    #[serde(rename = "sent without styles")]
    SentWithoutStyles,
    /// The chat server rejected a message of the post even without styles.
    #[serde(rename = "not shown")]
    NotShown,
    /// The host sent only part of the post, or none of it.
    #[serde(rename = "dropped")]
    Dropped,
}

impl DeliveryOutcome {
    /// Returns a description of the outcome, which is also its JSON value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SentWithoutStyles => "sent without styles",
            Self::NotShown => "not shown",
            Self::Dropped => "dropped",
        }
    }
}

/// An outcome with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryIssue {
    pub outcome: DeliveryOutcome,
    /// The chat server's message, or the host's reason.
    pub why: String,
}

impl DeliveryIssue {
    #[must_use]
    pub fn new(outcome: DeliveryOutcome, why: impl Into<String>) -> Self {
        Self { outcome, why: why.into() }
    }
}

/// An entry in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryLogEntry {
    pub at: Timestamp,
    pub place: Place,
    #[serde(flatten)]
    pub issue: DeliveryIssue,
    /// The beginning of the post, on one line.
    pub beginning: String,
}
