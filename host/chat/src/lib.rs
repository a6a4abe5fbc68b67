//! The port between the host and its front-ends. [`Chat`] sends messages to a front-end, and [`Inbox`] stores the
//! front-end's updates. A front-end does not interpret the text of a message, and confirms an update only after the
//! store has committed it.

use std::{collections::BTreeMap, fs::File, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
pub use cordboard_core::updates_and_posts::{ButtonAction, MessageId, Update, UpdateKind};
use cordboard_core::{
    agent_event::PromptId,
    language::Language,
    render::{Message, RichMessage},
    types::{Alert, Authorship, Button, ChatFile, Place, SessionFile, SessionName, TopicAppearance, TopicEdit},
};

pub mod backoff;
pub mod console;
pub mod outbox;

/// A front-end that shows messages. It stores its updates in an [`Inbox`].
#[async_trait]
pub trait Chat: Send + Sync {
    /// Returns the limits that apply to messages in `place`.
    fn limits(&self, place: &Place) -> Limits;

    /// Returns how often frames of running turns may be shown in the chat that contains `place`.
    fn pacing(&self, place: &Place) -> Pacing;

    /// Returns how to show frames of running turns in `place`.
    fn streaming(&self, place: &Place) -> Streaming;

    /// Returns whether an answer in `place` may be a rich message.
    fn rich_messages(&self, _place: &Place) -> RichMessages {
        RichMessages::Off
    }

    /// Shows the draft of a running turn, replacing the turn's previous draft. The default implementation, for
    /// front-ends without drafts, returns an error.
    async fn show_draft(&self, _place: &Place, _draft: &Draft) -> Result<(), ChatError> {
        Err(ChatError::Rejected { why: "this chat has no drafts".to_owned() })
    }

    /// Disables the stop button of a turn's draft. Called when the turn has ended or its prompt is back in the queue.
    fn forget_draft(&self, _place: &Place, _turn: &PromptId) {}

    async fn send(&self, place: &Place, message: &Outgoing) -> Result<MessageId, ChatError>;

    /// Replaces the text and buttons of a message. An edit that changes nothing succeeds.
    async fn edit(&self, place: &Place, id: &MessageId, message: &Outgoing) -> Result<(), ChatError>;

    /// Removes a message's buttons and keeps its text. The default implementation does nothing. This is right for
    /// front-ends that print buttons as commands.
    async fn remove_buttons(&self, _place: &Place, _id: &MessageId) -> Result<(), ChatError> {
        Ok(())
    }

    /// Deletes a message. Succeeds if the message doesn't exist.
    async fn delete(&self, place: &Place, id: &MessageId) -> Result<(), ChatError>;

    /// Shows that a turn is running. If the front-end has a status line, it shows `line` there. `None` means that no
    /// turn is running. The host repeats the call every few seconds, because some front-ends show the indicator only
    /// for a few seconds.
    async fn show_activity(&self, place: &Place, line: Option<&str>);

    /// Silently marks a user's message as accepted and waiting. Returns false if the chat doesn't support such marks;
    /// the host then posts a line instead. `message` is `None` if the id of the user's message is unknown.
    async fn acknowledge(&self, place: &Place, message: Option<&MessageId>) -> bool;

    /// Downloads a file that a user has sent in `place`, and syncs it to the disk. The default implementation, for
    /// front-ends without files, returns an error.
    ///
    /// # Errors
    /// The front-end doesn't provide the file, or the file is too large, or it can't be written. The error text is
    /// shown to the user.
    async fn download(&self, _place: &Place, _file: &ChatFile, _to: File) -> Result<(), DownloadError> {
        Err(DownloadError("this chat can't send files to the host".to_owned()))
    }

    /// Sets the command menus. Skips menus that haven't changed.
    async fn set_menus(&self, menus: &Menus) -> Result<(), ChatError>;

    /// Returns whether [`create_topic`](Self::create_topic) may create a topic in the chat of `place`, which must be
    /// outside any topic. The chat may still refuse.
    fn can_create_topic(&self, _place: &Place) -> bool {
        false
    }

    /// Creates a topic in the chat of `place`, and returns the topic. The front-end chooses one of its icons; if none
    /// is suitable, the topic has no icon. The default implementation, for front-ends without topics, returns an error.
    async fn create_topic(&self, _place: &Place, _look: &TopicAppearance) -> Result<Place, ChatError> {
        Err(ChatError::Rejected { why: "this chat has no topics".to_owned() })
    }

    /// Changes a topic. An edit that changes nothing succeeds. The call must not delay messages, even if the front-end
    /// limits its rate.
    async fn edit_topic(&self, _topic: &Place, _edit: &TopicEdit) -> Result<(), ChatError> {
        Err(ChatError::Rejected { why: "this chat has no topics".to_owned() })
    }

    /// Returns a link to a topic, or `None` if its chat doesn't support links.
    fn topic_link(&self, _topic: &Place) -> Option<String> {
        None
    }
}

/// The properties of a front-end that determine how messages are composed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The maximum length of a message, in UTF-16 code units. With `usize::MAX`, no message is split.
    pub text_units: usize,
    /// The number of code characters that fit on a line. A wider table is shown as a list.
    pub columns: usize,
    pub live_line: LiveLine,
    pub edits: Edits,
    /// A streamed answer completes without a notification if less than this time has passed since the turn's first
    /// frame, unless newer messages are below it or have replaced its draft. Has no effect with [`Edits::Append`].
    pub ring_after: Duration,
    /// The length in characters above which an answer is shown truncated and sent in full as a file, and a code block
    /// becomes a separate file. `None` if the front-end can't send files.
    pub document_over: Option<usize>,
}

/// The ways a front-end can show an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edits {
    /// The front-end prints new text after all earlier output.
    Append,
    /// The front-end changes the message in place, without a notification.
    Replace,
}

/// The way in which a front-end shows the frames of running turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streaming {
    /// As messages that are edited in place.
    Messages,
    /// As drafts, through [`Chat::show_draft`].
    Drafts,
    /// Not at all. The user only sees that the agent is working.
    Off,
}

/// The policy for sending rich messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RichMessages {
    Off,
    /// For answers with a table or long code.
    Auto,
}

/// The latest content of a running turn, shown outside of messages. It usually disappears when a message is sent to the
/// chat, or when it isn't updated for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub turn: PromptId,
    /// Never empty, and at most [`Limits::text_units`] long.
    pub message: Message,
    /// The action of the draft's stop button.
    pub stop: ButtonAction,
}

/// Limits the rate of frames. Answers are exempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// The minimum time between two frames in a chat. Zero means no pause.
    pub pause: Duration,
    /// A frame is shown only while the chat is within this quota. Every send, edit and delete counts toward it.
    pub quota: Option<Quota>,
}

/// A limit on the number of calls to a chat. The chat is within its quota if fewer than `calls` calls were made during
/// the last `within`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub calls: usize,
    pub within: Duration,
}

/// The position of the live line, which shows what the agent is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveLine {
    /// At the end of the message that streams the answer.
    InMessage,
    /// Outside messages. The front-end receives the line through [`Chat::show_activity`].
    Status,
}

/// A message that is ready for a front-end to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The Markdown source without the live line. If the message was split, the source of this part.
    pub source: String,
    /// The rendered message, at most [`Limits::text_units`] long.
    pub message: Message,
    /// Rows of buttons.
    pub buttons: Vec<Vec<Button>>,
    pub completeness: Completeness,
    /// The kind of author who wrote the source.
    pub author: Authorship,
    /// The session that sent the message, if it isn't the active session of the place. The text of `message` then
    /// starts with the name of the session, except in later parts of a split message.
    pub session: Option<SessionName>,
    pub alert: Alert,
    /// The message that this one replies to. Set only for the first message of an answer.
    pub reply_to: Option<MessageId>,
    /// The file, if this is a file message. File messages have neither text nor buttons.
    pub file: Option<OutgoingFile>,
    /// The rich message to send instead of `message`. If it is set, `message` may exceed the length limit. If the
    /// front-end rejects it, the outbox sends the answer as normal messages.
    pub rich: Option<RichMessage>,
}

/// A file that is ready for a front-end to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingFile {
    pub name: String,
    pub content: FileContent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// Never empty.
    Bytes(Bytes),
    /// A file that the front-end reads when sending.
    SessionFile(SessionFile),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// An edit may add text.
    Partial,
    /// An edit may add text, but another message is shown first. An appending front-end therefore prints the last line
    /// even though it is incomplete.
    Halted,
    /// No edit will add text.
    Complete,
}

/// A command in a front-end's menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuEntry {
    /// The name without the slash.
    pub name: String,
    /// The summary for users in whose language it isn't translated.
    pub summary: String,
    /// The summaries in the languages of the host's texts.
    pub translations: BTreeMap<Language, String>,
}

impl MenuEntry {
    #[must_use]
    pub fn summary_in(&self, language: Option<Language>) -> &str {
        language.and_then(|language| self.translations.get(&language)).unwrap_or(&self.summary)
    }
}

/// The menus of a front-end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Menus {
    /// The default menu, for chats without their own.
    pub everyone: Vec<MenuEntry>,
    /// The menus of private chats. `None` removes the chat's own menu.
    pub chats: BTreeMap<Place, Option<Vec<MenuEntry>>>,
}

/// The reason why a message wasn't shown. The outbox handles each variant differently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// The chat is rate-limited for `after`. Other chats are not affected.
    #[error("send to a rate-limited chat, paused for {after:?}: {why}")]
    RateLimited { after: Duration, why: String },
    /// The host can't write to the place, for example because the user has blocked the bot, or the chat or topic is
    /// deleted or closed. The place may become writable again.
    #[error("send to an unreachable chat: {why}")]
    Unreachable { why: String },
    /// The topic no longer exists. Its posts are resent only if a user writes there, which proves that the topic exists
    /// after all.
    #[error("send to a deleted topic: {why}")]
    Deleted { why: String },
    /// The chat is private, and its user is not in `[access]`.
    #[error("send to a chat without access: {why}")]
    Forbidden { why: String },
    /// The front-end is unreachable. The outbox retries the call.
    #[error("reach the chat: {why}")]
    Unavailable { why: String },
    /// The front-end rejects the content of the message.
    #[error("send a message with its formatting: {why}")]
    Rejected { why: String },
    /// The front-end rejects the credentials. Nothing can be sent until the operator fixes them.
    #[error("sign in to the chat: {why}")]
    Unauthorised { why: String },
}

impl ChatError {
    /// Returns whether the host can't write to the place.
    const fn concerns_place(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Deleted { .. } | Self::Forbidden { .. })
    }
}

/// The reason why a file could not be downloaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DownloadError(pub String);

/// Stores the updates and button data of a front-end. Each front-end has its own inbox.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Stores a batch of updates and passes them on. Drops updates whose key is already stored. `offset`, the position
    /// from which the front-end continues, is stored with the batch. Before a front-end confirms the updates to their
    /// source, it must call [`sync`](Self::sync).
    ///
    /// # Errors
    /// After [`StorageError::Failed`], nothing in the batch was stored, so the front-end should try again.
    async fn accept(&self, updates: Vec<Update>, offset: Option<i64>) -> Result<(), StorageError>;

    /// Syncs all accepted updates to disk, so that they survive a power failure. They are handled in the meantime.
    ///
    /// # Errors
    /// After [`StorageError::Failed`], the updates must not be confirmed, and the front-end should accept them again.
    async fn sync(&self) -> Result<(), StorageError>;

    /// Records that a place was told that the store is failing. Returns false if the place had already been notified
    /// since the store last worked.
    fn record_failure(&self, place: &Place) -> bool;

    /// Returns the last stored offset.
    async fn offset(&self) -> Result<Option<i64>, StorageError>;

    /// Stores the data of a button and returns a token of at most 64 bytes for it.
    async fn store_button(&self, action: &ButtonAction) -> Result<String, StorageError>;

    /// Returns the button data for this token, or `None` if the store has deleted it.
    async fn find_button(&self, token: &str) -> Result<Option<ButtonAction>, StorageError>;

    /// Records that the chat whose original id is `home` now has the id `chat`. Places keep the original id.
    async fn move_chat(&self, home: &str, chat: &str) -> Result<(), StorageError>;

    /// Returns all chats whose id has changed, as pairs of original and current id.
    async fn moved_chats(&self) -> Result<Vec<(String, String)>, StorageError>;

    /// Records that a person has renamed, closed or reopened a topic, or changed its icon. From then on, the host no
    /// longer edits the topic. The default implementation, for front-ends without topics, does nothing.
    async fn on_topic_changed(&self, _topic: &Place) -> Result<(), StorageError> {
        Ok(())
    }
}

/// The reason why an [`Inbox`] or [`DeliveryStore`](outbox::DeliveryStore) call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The store's error text, which usually says how to fix the problem.
    #[error("{0}")]
    Failed(String),
    #[error("accept messages: Cordboard is shutting down")]
    Closed,
}
