//! Open questions to users: whether to resend an interrupted prompt, how to continue after an agent failed to start or
//! went silent, whether to grant a plugin's capabilities, and the questions that agents ask.

use serde::{Deserialize, Serialize};
use tr::tr;

use super::{Button, SessionName, Timestamp};
use crate::{agent_event::PromptId, render};

/// The id of a question to users. The first valid decision closes the question in every message that shows it.
/// `session` is the id of a session, not its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Asks whether to send an interrupted prompt again.
    Prompt(PromptId),
    /// Asks how to continue after an agent failed to start. Each failed start of a session has its own number.
    Start { session: SessionName, failure: u64 },
    /// Asks whether to grant a plugin version the capabilities that it requests. `digest` is the shortened digest that
    /// messages show.
    Grant { plugin: String, digest: String },
    /// Asks how to continue after an agent went silent during a turn. `since` is the time of its last output.
    Stall { session: SessionName, since: Timestamp },
    /// A question from a session's agent.
    Agent { session: SessionName, id: RequestId },
}

impl Request {
    /// Replaces the request's session with the session with this id. A request without a session stays unchanged.
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
    pub fn label(&self) -> Option<String> {
        match self {
            Self::SendAgain => Some(tr!("Send again")),
            Self::Leave => Some(tr!("Leave it")),
            Self::TryAgain => Some(tr!("Try again")),
            Self::StartFresh => Some(tr!("Start fresh")),
            Self::Wait => Some(tr!("Wait")),
            Self::Interrupt => Some(tr!("Interrupt")),
            Self::Restart => Some(tr!("Restart the agent")),
            Self::Grant => Some(tr!("Grant and activate")),
            Self::Refuse => Some(tr!("Refuse")),
            Self::Offered(label) => Some(label.clone()),
            Self::Expired | Self::Withdrawn => None,
        }
    }
}

/// The maximum length of a question's title, in characters.
const LONGEST_TITLE: usize = 300;

/// The title of a question for which the agent gave none.
const NO_TITLE: &str = "…";

/// A question from an agent for a user to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentRequest {
    pub id: RequestId,
    /// The kind of question: `permission`, `question` or `plan`. Later versions may add kinds.
    pub kind: &'static str,
    /// A one-line form of the question, for lists.
    pub title: String,
    /// The question in Markdown.
    pub text: QuestionText,
    /// The last part of the question, in Markdown. It says what the option [`RequestOption::ALLOW_FOR_SESSION`] would
    /// allow. Shown only if the question has that option.
    pub session_rules: QuestionText,
    pub options: Vec<RequestOption>,
    /// The tool use, if the question is about a permission. The approval plugin is asked about it before users are.
    pub tool_use: Option<Box<ToolUse>>,
    /// Whether the answer may consist of several options.
    pub multiple: bool,
}

impl AgentRequest {
    /// Creates a question without text or options. The title comes from the agent, so it is made one visible line.
    #[must_use]
    pub fn new(id: RequestId, title: String) -> Self {
        let title = render::one_line(&title, LONGEST_TITLE);
        let title = if render::is_blank(&title) { NO_TITLE.to_owned() } else { title };
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

    /// Returns the question in the longest form that the host stores.
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
    /// The text that fits into a message. If anything is omitted, the text says how much.
    pub shown: String,
    /// The text without omissions, or with fewer omissions than `shown`. `None` if `shown` omits nothing.
    pub unshortened: Option<String>,
}

impl QuestionText {
    /// Creates a text from its short and long forms, which may be equal.
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

/// A tool use that an agent announces or asks permission for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolUse {
    pub tool: String,
    /// The arguments of the tool, as JSON.
    pub input: String,
    /// The shell command, if the tool runs one.
    pub command: Option<String>,
    /// The files and folders that the tool reads or changes, as the agent names them. Once the agent has changed its
    /// current folder, relative paths are converted to absolute ones.
    pub paths: Vec<String>,
    pub url: Option<String>,
    /// The home folder of the user who runs the host.
    pub home: Option<String>,
}

/// A tool use that the approval plugin decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The number of the agent's question, or `None` if the agent has only announced the use and might not ask about
    /// it.
    pub number: Option<u64>,
    pub tool_use: ToolUse,
}

impl ToolUse {
    /// Returns the tool and its most important argument, on one line.
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

/// The text that an option accepts: none, an optional one, or a required one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionText {
    No,
    Optional,
    Required,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestAnswer {
    /// At least one option, and the text for the last one if the user entered a text.
    Options { ids: Vec<String>, text: Option<String> },
    /// The configuration or the approval plugin denied the request. Contains the reason.
    Denied(String),
    /// No user answered: the request expired or was withdrawn, no place could show it, or too many requests were open.
    Nobody,
    /// No rule objects to a use that the agent has announced. The agent decides whether to ask, as it would without
    /// rules.
    NoObjection,
    /// The agent has to ask about a use that it has announced.
    MustAsk,
}

/// The reason why a user has to decide about a permission. There is no reason if no rule covers the request.
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
    /// Returns whether an answer must be limited to this use, because a user has to, or might have to, decide about
    /// later uses too.
    #[must_use]
    pub const fn is_for_each_use(&self) -> bool {
        match self {
            Self::Rule(_) | Self::PluginFailed | Self::InputTooLarge => true,
            Self::NotOffered => false,
        }
    }
}

/// An agent's question that is waiting for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenRequest {
    /// Unique within the session, even across restarts of the host.
    pub number: u64,
    pub request: AgentRequest,
    /// The buttons that the approval plugin adds to the answers.
    pub buttons: Vec<Button>,
    pub reason: Option<AskReason>,
    /// The start of the time limit for the answer: the time at which the agent asked or at which one of the session's
    /// questions was last shown, whichever is later.
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_one_visible_line() {
        let title = |title: &str| AgentRequest::new(RequestId("1".to_owned()), title.to_owned()).title;
        assert_eq!(title("Bash: ls"), "Bash: ls");
        assert_eq!(title("Write: a\u{1b}[2Jb\nc\u{202e}"), "Write: a[2Jb c");
        assert_eq!([title(""), title(" \n\u{200b}")], ["…", "…"]);
        assert_eq!(title(&"x".repeat(9999)).chars().count(), LONGEST_TITLE + 1);
    }
}
