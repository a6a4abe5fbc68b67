//! The port to a chat: what a front-end can do for the host, and how what comes in reaches the store.
//!
//! Front-ends show and deliver. They must never decide what a text means, and never keep a message that the store has not seen.

use std::time::Duration;

use async_trait::async_trait;
pub use cordboard_core::chat::{ButtonLine, MessageId, Update, What};
use cordboard_core::{
    render::Message,
    types::{Alert, Authorship, Button, Place, SessionName},
};

mod backoff;
pub mod console;
pub mod outbox;
mod preview;
pub mod telegram;

pub use preview::preview;

/// Where messages are shown and come from.
#[async_trait]
pub trait Chat: Send + Sync {
    /// The `front_end` of its places.
    fn front_end(&self) -> &'static str;

    fn limits(&self) -> Limits;

    /// The pacing of frames of running turns in the chat of `place`.
    fn pacing(&self, place: &Place) -> Pacing;

    async fn send(&self, place: &Place, message: &Outgoing) -> Result<MessageId, ChatError>;

    /// Shows `message` in place of what stands there. Editing to what stands there already is a success.
    async fn edit(&self, place: &Place, id: &MessageId, message: &Outgoing) -> Result<(), ChatError>;

    /// Deleting what is not there is a success.
    async fn delete(&self, place: &Place, id: &MessageId) -> Result<(), ChatError>;

    /// Shows that somebody works here, and `line` where the front-end has a status line; called again every few seconds, because
    /// some front-ends show it for a few seconds only. None: no longer.
    async fn working(&self, place: &Place, line: Option<&str>);

    /// Marks a user's message as accepted and waiting, if the front-end can do so without a notification.
    async fn acknowledge(&self, _place: &Place, _message: &MessageId) {}

    /// Sets the menu of commands; setting it to what it is costs nothing.
    async fn menu(&self, commands: &[MenuEntry]) -> Result<(), ChatError>;
}

/// What a front-end takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in UTF-16 units; `usize::MAX`: nothing is ever split.
    pub text_units: usize,
    pub live: LiveLine,
    pub edits: Edits,
}

/// The effect of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edits {
    /// The front-end prints new text after all earlier output.
    Append,
    /// The front-end changes the message in place, without a notification.
    Replace,
}

/// Limits the rate of frames. Answers are exempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// The least time between two frames in a chat. Zero turns pacing off.
    pub pause: Duration,
    /// The calls of any kind that a chat may have had before a frame is shown.
    pub quota: Option<Quota>,
}

/// Fewer than `calls` calls within the last `within`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub calls: usize,
    pub within: Duration,
}

/// Where the one line goes that tells what an agent is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveLine {
    /// It is appended to the message in which the answer streams.
    InMessage,
    /// It is given to [`Chat::working`].
    Status,
}

/// One message as a front-end sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The Markdown source without the live line. If the message was split, the source of this part.
    pub source: String,
    /// At most [`Limits::text_units`] long.
    pub message: Message,
    /// In rows.
    pub buttons: Vec<Vec<Button>>,
    pub last: Completeness,
    /// Whose source it is.
    pub words: Authorship,
    /// The session that says it, where it is not the active one here. `message` begins with its name already, `source` does not.
    pub session: Option<SessionName>,
    pub alert: Alert,
    /// The message that this one answers. Only the first message of an answer has it.
    pub answers: Option<MessageId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// More of it may come, by an edit.
    Partial,
    /// More of it may come, but others have a word first: its last line is shown as far as it goes.
    Halted,
    /// It stays as it is.
    Complete,
}

/// A command in a front-end's menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuEntry {
    /// Without the slash.
    pub name: String,
    pub summary: String,
}

/// Why a message was not shown, by what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// Nothing more to this place for so long; other places are not concerned.
    #[error("send to a chat that is held for {after:?}: {why}")]
    Later { after: Duration, why: String },
    /// The place can't be written to: the bot is blocked, or the chat or topic is deleted or closed. It may become
    /// writable again.
    #[error("send to a chat that cannot be reached: {why}")]
    Gone { why: String },
    /// The message must never be delivered to this place.
    #[error("send to a chat that gets nothing any more: {why}")]
    Forbidden { why: String },
    /// The front-end itself cannot be reached; it is tried again.
    #[error("reach the chat: {why}")]
    Down { why: String },
    /// It cannot be delivered as it is.
    #[error("send a message as it is: {why}")]
    Refused { why: String },
    /// The front-end does not know us; nothing can be sent until the operator acts.
    #[error("sign in to the chat: {why}")]
    Unauthorised { why: String },
}

/// Where a front-end puts what comes in, and what its buttons give. One inbox belongs to one front-end.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Returns when the batch is stored and synced, so that its origin may forget it; an update whose key is known is dropped.
    /// `offset` is where the front-end goes on, stored with the batch.
    ///
    /// # Errors
    /// Nothing of the batch was stored: ask again.
    async fn accept(&self, updates: Vec<Update>, offset: Option<i64>) -> Result<(), InboxError>;

    /// The offset that was stored last.
    ///
    /// # Errors
    /// The store's.
    async fn offset(&self) -> Result<Option<i64>, InboxError>;

    /// Stores what a button gives and returns a token of at most 64 bytes for it.
    ///
    /// # Errors
    /// The store's.
    async fn button(&self, line: &ButtonLine) -> Result<String, InboxError>;

    /// What the button of a token gives; none if it was forgotten.
    ///
    /// # Errors
    /// The store's.
    async fn line_of(&self, token: &str) -> Result<Option<ButtonLine>, InboxError>;

    /// Stores that the chat `home` has the new id `chat`. Places keep the first id.
    ///
    /// # Errors
    /// The store's.
    async fn move_chat(&self, home: &str, chat: &str) -> Result<(), InboxError>;

    /// All chats with a new id, as pairs of first and current id.
    ///
    /// # Errors
    /// The store's.
    async fn moved_chats(&self) -> Result<Vec<(String, String)>, InboxError>;
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InboxError(pub String);
