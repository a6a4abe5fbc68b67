//! Open questions to users: whether to send an interrupted prompt again, how to continue after a failed start of an
//! agent, whether to grant a plugin's capabilities, and the questions that agents ask.

use serde::{Deserialize, Serialize};

use super::{Button, SessionName, Timestamp};
use crate::agent::PromptId;

/// The id of a question to users. The first valid decision closes the question in every message that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Whether to send an interrupted prompt again.
    Prompt(PromptId),
    /// The choice how to continue after a failed start of an agent. Each failed start of a session has its own number.
    Start { session: SessionName, failure: u64 },
    /// Whether to grant a version of a plugin the capabilities that the version requests. `digest` is the shortened
    /// digest that messages show.
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
    /// The request was withdrawn, because there is nothing left to decide.
    Withdrawn,
}

impl Choice {
    /// The label of the choice's button, or `None` if the request was closed without a decision.
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
            Self::Expired | Self::Withdrawn => None,
        }
    }
}

/// A question of an agent that a user answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentRequest {
    pub id: RequestId,
    /// The kind of question: `permission`, `question` or `plan`. Further kinds are possible.
    pub kind: &'static str,
    /// The question in one line, for lists.
    pub title: String,
    /// The question in Markdown, for the message.
    pub text: String,
    pub options: Vec<RequestOption>,
    /// The use of a tool, if the question is about a permission. The approval plugin is asked before users are.
    pub tool_use: Option<Box<ToolUse>>,
    /// Whether the answer may consist of several options.
    pub multiple: bool,
}

/// A use of a tool for which an agent asks permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolUse {
    pub tool: String,
    /// The arguments of the tool, as JSON.
    pub input: String,
    /// The shell command, if the tool runs one.
    pub command: Option<String>,
    /// The files and folders that the tool reads or changes, as the agent names them.
    pub paths: Vec<String>,
    pub url: Option<String>,
    /// The home folder of the agent.
    pub home: Option<String>,
}

/// A use of a tool about which the approval plugin decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The number of the request.
    pub number: u64,
    pub tool_use: ToolUse,
}

impl ToolUse {
    /// The tool and its most important argument, in one line.
    #[must_use]
    pub fn title(&self) -> String {
        match self.detail().lines().next() {
            Some(detail) => format!("{}: {detail}", self.tool),
            None => self.tool.clone(),
        }
    }

    /// The command, else the URL, else the first path, else an empty string.
    #[must_use]
    pub fn detail(&self) -> &str {
        let path = self.paths.first().map(String::as_str);
        self.command.as_deref().or(self.url.as_deref()).or(path).unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestOption {
    /// Unique within the request.
    pub id: String,
    /// The label of the option's button.
    pub label: String,
    pub text: OptionText,
}

/// The ids of the options of a permission. Every request for a permission offers `DENY`, and `ALLOW` if the agent can
/// allow a single use.
impl RequestOption {
    pub const ALLOW: &'static str = "allow";
    pub const ALLOW_FOR_SESSION: &'static str = "session";
    pub const DENY: &'static str = "deny";
    pub const DENY_WITH_REASON: &'static str = "why";
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
    /// At least one option, and the text for the last one if the user gave a text.
    Options { ids: Vec<String>, text: Option<String> },
    /// The configuration or the approval plugin denied the request. Contains the reason.
    Denied(String),
    /// No user answered: the request expired or was withdrawn, no place could show it, or too many requests were open.
    Nobody,
}

/// A question of an agent that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenRequest {
    /// Unique within the session until the host exits.
    pub number: u64,
    pub request: AgentRequest,
    /// The buttons that the approval plugin adds to the answers.
    pub buttons: Vec<Button>,
    /// The start of the time to answer: when the agent asked or, if later, when a question of the session was last
    /// shown.
    pub since: Timestamp,
}
