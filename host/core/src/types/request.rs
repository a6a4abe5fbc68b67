//! Open questions to users: whether to send an interrupted prompt again, how to continue after a failed start or
//! the silence of an agent, whether to grant a plugin's capabilities, and the questions that agents ask.

use serde::{Deserialize, Serialize};

use super::{Button, SessionName, Timestamp};
use crate::agent_event::PromptId;

/// The id of a question to users. The first valid decision closes the question in every message that shows it.
/// `session` is the id of a session, not its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Whether to send an interrupted prompt again.
    Prompt(PromptId),
    /// The decision about how to continue after a failed start of an agent. Each failed start of a session has its own
    /// number.
    Start { session: SessionName, failure: u64 },
    /// Whether to grant a version of a plugin the capabilities that the version requests. `digest` is the shortened
    /// digest that messages show.
    Grant { plugin: String, digest: String },
    /// The decision about how to continue after an agent was silent during a turn. `since` is the time of its last
    /// output.
    Stall { session: SessionName, since: Timestamp },
    /// A question that the agent of a session asks.
    Agent { session: SessionName, id: RequestId },
}

impl Request {
    /// Replaces the session of the request with the session that has this id. A request without a session stays
    /// unchanged.
    #[must_use]
    pub fn bind_to_session(self, id: &SessionName) -> Self {
        let session = id.clone();
        match self {
            Self::Start { failure, .. } => Self::Start { session, failure },
            Self::Stall { since, .. } => Self::Stall { session, since },
            Self::Agent { id, .. } => Self::Agent { session, id },
            Self::Prompt(_) | Self::Grant { .. } => self,
        }
    }
}

/// The id of an agent's question, which is derived from the id that the agent gave the question.
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
    Wait,
    Interrupt,
    Restart,
    Grant,
    Refuse,
    /// An option that an agent offered, by its label.
    Offered(String),
    /// The request expired without a decision.
    Expired,
    /// The request was withdrawn, for example because there is nothing left to decide, or because users can no longer
    /// answer.
    Withdrawn,
}

impl Choice {
    /// Returns the label of the choice's button, or `None` if the request was closed without a decision.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::SendAgain => Some("Send again"),
            Self::Leave => Some("Leave it"),
            Self::TryAgain => Some("Try again"),
            Self::StartFresh => Some("Start fresh"),
            Self::Wait => Some("Wait"),
            Self::Interrupt => Some("Interrupt"),
            Self::Restart => Some("Restart the agent"),
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
    /// The kind of question: `permission`, `question` or `plan`. Later versions may add kinds.
    pub kind: &'static str,
    /// The question in one line, for lists.
    pub title: String,
    /// The question in Markdown.
    pub text: QuestionText,
    /// The end of the question in Markdown, which says what the option [`RequestOption::ALLOW_FOR_SESSION`] would
    /// allow. Shown only if the question has that option.
    pub session_rules: QuestionText,
    pub options: Vec<RequestOption>,
    /// The use of a tool, if the question is about a permission. The approval plugin is asked about the use before
    /// users are.
    pub tool_use: Option<Box<ToolUse>>,
    /// Whether the answer may consist of several options.
    pub multiple: bool,
}

impl AgentRequest {
    /// Creates a question without a text and without options.
    #[must_use]
    pub fn new(id: RequestId, title: String) -> Self {
        Self {
            id,
            kind: "question",
            title,
            text: QuestionText::default(),
            session_rules: QuestionText::default(),
            options: Vec::new(),
            tool_use: None,
            multiple: false,
        }
    }

    #[must_use]
    pub fn offers(&self, option: &str) -> bool {
        self.options.iter().any(|offered| offered.id == option)
    }

    /// Removes the options that also allow later uses, if another option allows only this use.
    pub fn limit_to_one_use(&mut self) {
        if self.offers(RequestOption::ALLOW) {
            self.options.retain(|option| !option.is_lasting());
        }
    }

    /// Returns the question as a message shows it, possibly shortened.
    #[must_use]
    pub fn shown_text(&self) -> String {
        self.parts().map(|part| part.shown.as_str()).collect()
    }

    /// Returns the question without omissions, as far as the host stores it.
    #[must_use]
    pub fn whole_text(&self) -> String {
        self.parts().map(QuestionText::whole).collect()
    }

    #[must_use]
    pub fn is_shortened(&self) -> bool {
        self.parts().any(|part| part.unshortened.is_some())
    }

    fn parts(&self) -> impl Iterator<Item = &QuestionText> {
        let is_lasting = self.options.iter().any(RequestOption::is_lasting);
        std::iter::once(&self.text).chain(is_lasting.then_some(&self.session_rules))
    }
}

/// A part of a question.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct QuestionText {
    /// The text that fits into a message. If something is omitted, it says how much.
    pub shown: String,
    /// The text without omissions, or with fewer of them. `None` if `shown` omits nothing.
    pub unshortened: Option<String>,
}

impl QuestionText {
    /// Creates a text from its short and its long form, which may be equal.
    #[must_use]
    pub fn new(shown: String, whole: String) -> Self {
        let unshortened = (whole != shown).then_some(whole);
        Self { shown, unshortened }
    }

    #[must_use]
    pub fn whole(&self) -> &str {
        self.unshortened.as_ref().unwrap_or(&self.shown)
    }
}

impl From<String> for QuestionText {
    fn from(shown: String) -> Self {
        Self { shown, unshortened: None }
    }
}

/// A use of a tool for which an agent asks permission, or which it announces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolUse {
    pub tool: String,
    /// The arguments of the tool, as JSON.
    pub input: String,
    /// The shell command, if the tool runs one.
    pub command: Option<String>,
    /// The files and folders that the tool reads or changes, as the agent names them. After the agent has changed its
    /// current folder, relative paths become absolute.
    pub paths: Vec<String>,
    pub url: Option<String>,
    /// The home folder of the user who runs the host.
    pub home: Option<String>,
}

/// A use of a tool about which the approval plugin decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The number of the agent's question, or `None` if the agent has only announced the use and might not ask about
    /// it.
    pub number: Option<u64>,
    pub tool_use: ToolUse,
}

impl ToolUse {
    /// Returns the tool and its most important argument, in one line.
    #[must_use]
    pub fn title(&self) -> String {
        match self.detail().lines().next() {
            Some(detail) => format!("{}: {detail}", self.tool),
            None => self.tool.clone(),
        }
    }

    /// Returns the command, else the URL, else the first path, else an empty string.
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

/// The ids of the options of a permission request. Every such request offers `DENY`, and `ALLOW` if the agent can allow
/// a single use.
impl RequestOption {
    pub const ALLOW: &'static str = "allow";
    pub const ALLOW_FOR_SESSION: &'static str = "session";
    pub const DENY: &'static str = "deny";
    pub const DENY_WITH_REASON: &'static str = "why";

    /// Returns whether the option also allows later uses, so that the agent doesn't ask about them. If a request has
    /// several such options, all ids but the first end in a number: `session`, `session2`, and so on.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        let number = self.id.strip_prefix(Self::ALLOW_FOR_SESSION);
        number.is_some_and(|number| number.chars().all(|digit| digit.is_ascii_digit()))
    }
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
    /// No rule objects to a use that the agent has announced. The agent asks or not, as it would without the rules.
    NoObjection,
    /// The agent has to ask about a use that it has announced.
    MustAsk,
}

/// The reason why a user has to decide about a permission. A request that no rule covers has no such reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum AskReason {
    /// A rule of the approval plugin requires a user's decision.
    Rule(String),
    /// The approval plugin failed, so no rule was checked.
    PluginFailed,
    /// The arguments of the tool are too large for the approval plugin, so no rule was checked.
    InputTooLarge,
    /// The approval plugin allows the use, but the agent doesn't offer that answer.
    NotOffered,
}

impl AskReason {
    /// Returns whether an answer must be limited to this use, because a user also has to decide about later uses, or
    /// might have to.
    #[must_use]
    pub const fn is_for_each_use(&self) -> bool {
        match self {
            Self::Rule(_) | Self::PluginFailed | Self::InputTooLarge => true,
            Self::NotOffered => false,
        }
    }
}

/// A question of an agent that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenRequest {
    /// Unique within the session, even across restarts of the host.
    pub number: u64,
    pub request: AgentRequest,
    /// The buttons that the approval plugin adds to the answers.
    pub buttons: Vec<Button>,
    pub reason: Option<AskReason>,
    /// The start of the time limit for the answer: the time when the agent asked or, if later, when a question of the
    /// session was last shown.
    pub since: Timestamp,
}
