//! Open questions to users: about an interrupted prompt, a failed start of an agent or the capabilities of a plugin,
//! and the questions of agents.

use serde::{Deserialize, Serialize};

use super::{SessionName, Timestamp};
use crate::agent::PromptId;

/// The id of a question to users. The first valid decision closes the question in every message that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Whether to send an interrupted prompt again.
    Prompt(PromptId),
    /// The decision after a failed start of an agent. Each failure has its own number.
    Start { session: SessionName, failure: u64 },
    /// Whether to grant a version of a plugin the capabilities that it requests. `digest` is shortened as for display.
    Grant { plugin: String, digest: String },
    /// A question that the agent of a session asks.
    Agent { session: SessionName, id: RequestId },
}

/// The id that the agent gave to its question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub String);

/// The outcome of a closed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    SendAgain,
    Leave,
    TryAgain,
    StartFresh,
    Grant,
    Refuse,
    /// An option that an agent offered, by its label.
    Offered(String),
    /// The request expired without a decision.
    Expired,
    /// There is nothing left to decide.
    Withdrawn,
}

impl Choice {
    /// The label of the choice's button.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::SendAgain => Some("Send again"),
            Self::Leave => Some("Leave it"),
            Self::TryAgain => Some("Try again"),
            Self::StartFresh => Some("Start fresh"),
            Self::Grant => Some("Grant and activate"),
            Self::Refuse => Some("Refuse"),
            Self::Offered(label) => Some(label),
            Self::Expired => Some("no answer in time"),
            Self::Withdrawn => None,
        }
    }
}

/// A question of an agent that a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentRequest {
    pub id: RequestId,
    /// `permission`, `question` or `plan`; further kinds are possible.
    pub kind: &'static str,
    /// The question in one line, for lists.
    pub title: String,
    /// The question in Markdown, for the message.
    pub text: String,
    pub options: Vec<RequestOption>,
    /// Whether the answer may consist of several options.
    pub multiple: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestOption {
    /// Unique within the request.
    pub id: String,
    /// The label of its button.
    pub label: String,
    pub text: OptionText,
}

/// Whether an option takes a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionText {
    No,
    Optional,
    Required,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestAnswer {
    /// At least one option, and the text of the last one.
    Options { ids: Vec<String>, text: Option<String> },
    /// No decision was made: the request expired, or its session is being stopped.
    Nobody,
}

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenRequest {
    /// Unique within the session until the host exits.
    pub number: u64,
    pub request: AgentRequest,
    /// The time of the question, or of the decision about the question that was shown before it.
    pub since: Timestamp,
}
