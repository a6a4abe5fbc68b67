//! The audit log of decisions about agents' requests.

use serde::{Deserialize, Serialize};

use super::{AgentRequest, Place, SessionName, Timestamp};

/// A decision about an agent's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedRequest {
    pub request: AgentRequest,
    /// The labels of the options that a user chose, or a short description of a decision made without a user, such as
    /// `expired`.
    pub outcome: String,
    pub by: DecidedBy,
    /// The rule or the reason for the decision, the text of the user's answer, or the rules that the answer adds for
    /// the session.
    pub reason: Option<String>,
}

/// The part of an open question that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// As in [`AuditEntry`].
    pub kind: String,
    pub title: String,
    pub tool: Option<String>,
    /// The place in which the question is shown, or `None` if no user can answer it.
    pub place: Option<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecidedBy {
    User,
    /// A rule in `[access] deny_tools`.
    Configuration,
    /// The approval plugin.
    Plugin,
    /// The request expired, could not be shown to a user, or was withdrawn by the host.
    Host,
    /// The agent withdrew the request, or exited.
    Agent,
}

impl DecidedBy {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Configuration => "configuration",
            Self::Plugin => "plugin",
            Self::Host => "host",
            Self::Agent => "agent",
        }
    }
}

/// An entry in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub session: SessionName,
    /// The kind of the request, such as `permission`.
    pub kind: String,
    /// The request on one line.
    pub title: String,
    pub tool: Option<String>,
    /// The SHA-256 of the tool's arguments as JSON, in hex.
    pub input_sha256: Option<String>,
    pub outcome: String,
    pub by: DecidedBy,
    /// The name of the user who decided.
    pub user: Option<String>,
    /// The rule or the reason for the decision, the text of the user's answer, or the rules that the answer adds for
    /// the session.
    pub reason: Option<String>,
}
