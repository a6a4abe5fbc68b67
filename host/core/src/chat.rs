//! What a chat hands in and what it is asked to show, as the store keeps it. Data alone: no front-end's own types, no decisions.

use serde::{Deserialize, Serialize};

use crate::{
    agent::PromptId,
    types::{Button, Caller, Place, Reply, SessionName, Timestamp},
};

/// A message as its front-end names it; unique within its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub String);

/// Something that came in from a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Unique within the front-end: what comes twice is accepted once.
    pub key: String,
    pub caller: Caller,
    pub place: Place,
    pub what: What,
    pub at: Timestamp,
    /// The caller's language, as `de`, where the front-end tells it.
    pub locale: Option<String>,
    #[serde(default)]
    pub origin: Origin,
}

/// Details of the message that an update came with, as far as the front-end has them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    #[serde(default)]
    pub part: Part,
    /// The sender's name, set in chats with several people so that the agent can tell them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
}

/// Whether a message is one part of an album or of a longer text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Part {
    /// The message is complete.
    #[default]
    Alone,
    /// One message of the album with this id.
    Album(String),
    /// A text of about the maximum length: the client may have split it. `joint` is the white space that the split
    /// removed.
    Cut { joint: String },
    /// A shorter text, which may be the rest of a text that was split.
    Text,
    /// All parts, joined.
    Joined,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A command or a prompt; routing decides.
    Text(String),
    /// A button was pressed: what it gives, and the message that it hangs on.
    Press {
        #[serde(flatten)]
        line: ButtonLine,
        message: Option<MessageId>,
    },
    /// A photo, a voice, a file…; `kind` in a word for the user to read.
    NotText { kind: String, caption: Option<String> },
    /// The origin's message was edited; this is its new text.
    Edited(String),
}

impl What {
    /// The words that its author would recognise it by.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Edited(text) | Self::NotText { caption: Some(text), .. } => text,
            Self::Press { line, .. } => &line.command,
            Self::NotText { kind, caption: None } => kind,
        }
    }
}

/// What a button gives, and whose it is; what is kept of one until it is pressed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ButtonLine {
    pub command: String,
    /// The plugin that showed it; none: the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The session that it acts on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionName>,
    /// The stored message that shows the button. `None` in a frame of a running turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyboard: Option<PostId>,
}

impl ButtonLine {
    #[must_use]
    pub fn of(button: &Button) -> Self {
        Self {
            command: button.command.clone(),
            of: button.of.clone(),
            session: button.session.clone(),
            keyboard: button.keyboard,
        }
    }
}

/// Names an accepted update; grows with the order of acceptance and is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InboxId(pub i64);

/// An accepted update that is not done yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    pub id: InboxId,
    pub update: Update,
    pub state: InboxState,
    /// What the update is called if it turns out to be a prompt; made when it was accepted.
    pub prompt: PromptId,
    /// When it was accepted.
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboxState {
    /// Not routed yet.
    New,
    /// A prompt that waits for this session's agent.
    Waiting { session: SessionName },
    /// A prompt that this session's agent was given.
    Handed { session: SessionName },
}

/// What has been dealt with, by either of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    Update(InboxId),
    Prompt(PromptId),
}

/// Names a post in the outbox; grows with the order in which posts are to be sent and is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostId(pub i64);

/// A post to be stored and sent. Posts to one place go out in the order in which they were stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPost {
    pub place: Place,
    pub reply: Reply,
    /// The message that the post takes the place of.
    pub edit: Option<MessageId>,
    /// The turn that this post answers, in full or in part. The first post of a turn replaces the messages that the
    /// turn was streamed into.
    pub turn: Option<PromptId>,
}

impl NewPost {
    /// A post that is a message of its own.
    #[must_use]
    pub const fn new(place: Place, reply: Reply) -> Self {
        Self { place, reply, edit: None, turn: None }
    }
}

/// A stored post that is not wholly sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    pub id: PostId,
    pub place: Place,
    pub reply: Reply,
    pub turn: Option<PromptId>,
    pub state: Delivery,
}

/// How far a post has come. A post that is split has several messages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// The messages that show the post, in order; they exist, so they are edited, and what goes beyond them is sent anew.
    pub messages: Vec<MessageId>,
    /// How many of them, from the first, already show their final content.
    pub shown: u32,
}
