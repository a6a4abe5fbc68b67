//! Updates from chats and posts to chats, as they are stored. The types are plain data and shared by all front-ends.

use serde::{Deserialize, Serialize};

use crate::{
    agent_event::PromptId,
    types::{Button, Caller, ChatFile, MessageAuthor, Place, PromptKind, Reply, SessionName, Timestamp, Urgency},
};

/// The id that a front-end assigns to a message, unique within the message's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub String);

/// A person's action in a chat: sending a message, editing one, or pressing a button. Prompts from plugins and retried
/// prompts are also stored as updates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The front-end's key for the update, unique within the front-end. An update that arrives twice is accepted only
    /// once.
    pub key: String,
    pub caller: Caller,
    pub place: Place,
    pub what: UpdateKind,
    pub at: Timestamp,
    /// The caller's language, for example `de`, if the front-end reports it.
    pub locale: Option<String>,
    #[serde(default)]
    pub origin: Origin,
}

/// Details about the message that an update comes from, to the extent that the front-end provides them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    #[serde(default)]
    pub part: MessagePart,
    /// The sender's name, which is set in chats with several people so that the agent can tell them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// The kind of prompt, if the text doesn't determine it. For example, a plugin's prompt is never an agent command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_kind: Option<PromptKind>,
    /// The session to which a plugin has sent this prompt, which still has to be filtered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressee: Option<Addressee>,
    /// The host message that this message replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<ReplyToHost>,
    /// The author of the message that a command replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replied_author: Option<MessageAuthor>,
    /// The author's original text, if filters changed it or the update is a correction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfiltered: Option<String>,
    /// The most recent edit that was applied to the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_by: Option<InboxId>,
    /// Whether the update informs an agent that the message was edited.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_correction: bool,
}

/// The session that a plugin has sent a prompt to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressee {
    /// The id of the session.
    pub session: SessionName,
    pub urgency: Urgency,
}

/// A reply to one of the host's messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyToHost {
    pub message: MessageId,
    /// The author's text, without the quoted message at the start of the prompt.
    pub words: String,
}

/// Distinguishes complete messages from the parts of albums and of longer texts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MessagePart {
    /// The message is complete.
    #[default]
    Alone,
    /// One message of the album with this id.
    Album(String),
    /// A text of nearly the maximum length, which may be part of a longer text that the client split. `joint` is the
    /// white space removed at the split, if any.
    Cut { joint: String },
    /// A shorter text, which may be the last part of a text that the client split.
    Text,
    /// A message that was joined from several parts.
    Joined,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateKind {
    /// A command or a prompt. The `route` module decides which.
    Text(String),
    /// A button was pressed. `message` is the message that shows the button, if the front-end reports it.
    Press {
        #[serde(flatten)]
        line: ButtonAction,
        message: Option<MessageId>,
    },
    /// A photo, a voice message, a file and so on. `kind` describes the content in messages to the user.
    NotText {
        kind: String,
        caption: Option<String>,
        /// The files of the message. Empty if the host can't download content of this kind.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<ChatFile>,
    },
    /// The message that `Update::origin` identifies was edited. Contains its new text.
    Edited(String),
}

impl UpdateKind {
    /// Returns the content of an update that the host creates for a prompt.
    #[must_use]
    pub fn prompt(text: String, files: Vec<ChatFile>) -> Self {
        if files.is_empty() {
            return Self::Text(text);
        }
        Self::NotText { kind: "message".to_owned(), caption: Some(text), files }
    }

    /// Returns the text that a notice quotes, so that the author recognizes the update.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Edited(text) | Self::NotText { caption: Some(text), .. } => text,
            Self::Press { line, .. } => &line.command,
            Self::NotText { kind, caption: None, .. } => kind,
        }
    }
}

/// The command and the origin of a button. A front-end's button can hold only a few bytes, so it contains a short
/// token, which the store maps to this value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ButtonAction {
    pub command: String,
    /// The plugin that shows the button, or `None` if the host shows it.
    #[serde(default, rename = "of", skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The session that the button acts on, even if another session is active when the button is pressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionName>,
    /// The stored post that shows the button, or `None` if a frame of a running turn shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyboard: Option<PostId>,
}

impl ButtonAction {
    #[must_use]
    pub fn of(button: &Button) -> Self {
        Self {
            command: button.command.clone(),
            plugin: button.plugin.clone(),
            session: button.session.clone(),
            keyboard: button.keyboard,
        }
    }
}

/// The id of an accepted update. Ids increase in the order of acceptance and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InboxId(pub i64);

/// An accepted update that is not completed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    pub id: InboxId,
    pub update: Update,
    pub state: InboxState,
    /// The id of the prompt, if the update turns out to be a prompt. Every update gets such an id on acceptance.
    pub prompt: PromptId,
    /// The time of acceptance.
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboxState {
    /// The update hasn't been routed yet.
    New,
    /// A prompt in the queue of this session.
    Queued { session: SessionName },
    /// A prompt that was sent to this session's agent.
    Sent { session: SessionName },
}

/// Identifies a completed update by either of its ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompletedUpdate {
    Update(InboxId),
    Prompt(PromptId),
}

/// The id of a post in the outbox. Ids increase in the order in which posts are stored, and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostId(pub i64);

/// A post to store and send. Posts to the same place are sent in the order in which they were stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPost {
    pub place: Place,
    pub reply: Reply,
    /// The existing message that the post replaces, if any.
    pub edit: Option<MessageId>,
    /// The turn that this post answers, in full or in part. The first post of a turn replaces the turn's live messages.
    pub turn: Option<PromptId>,
}

impl NewPost {
    /// Creates a post that becomes a new message.
    #[must_use]
    pub const fn new(place: Place, reply: Reply) -> Self {
        Self { place, reply, edit: None, turn: None }
    }
}

/// A stored post that is not yet completely delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    pub id: PostId,
    pub place: Place,
    pub reply: Reply,
    pub turn: Option<PromptId>,
    pub state: Delivery,
}

/// The delivery progress of a post. A long post is split into several messages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// The post's existing messages. The first `shown` already show their final content; the others will be edited or
    /// deleted.
    pub messages: Vec<MessageId>,
    /// The number of leading messages that already show their final content.
    pub shown: u32,
    /// The number of messages that make up the complete post, or zero if the delivery hasn't begun.
    #[serde(default)]
    pub parts: u32,
    /// The reason why the post is undeliverable, for example because its topic was deleted. The post is then kept, so
    /// that `cordboard outbox` can list it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undeliverable: Option<String>,
}
