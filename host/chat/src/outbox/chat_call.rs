//! Defines the chat calls that show a post or a running turn, how a rejected call is retried, and which messages a post
//! may reuse.

use cordboard_core::updates_and_posts::OutboxRow;

use super::compose;
use crate::{Draft, Edits, Limits, MessageId, Outgoing};

/// A call to the front-end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ChatCall {
    Edit(MessageId, Outgoing),
    Send(Outgoing),
    Delete(MessageId),
    ShowDraft(Draft),
}

/// The form in which to send a message next, depending on how often it was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Attempt {
    #[default]
    Styled,
    /// The message was rejected with its styles, so this attempt omits the styles but keeps the buttons.
    Unstyled,
    /// The message was rejected even without styles, so this attempt omits both styles and buttons.
    Plain,
    /// The last attempt was rejected.
    Rejected,
}

impl Attempt {
    /// Returns the next attempt after one of `messages` was rejected. Skips attempts that would change nothing, except
    /// that a message is always retried at least once.
    pub fn next(self, messages: &[Outgoing]) -> Self {
        let have_styles = messages.iter().any(|message| !message.message.entities.is_empty());
        let have_buttons = messages.iter().any(|message| !message.buttons.is_empty());
        match (self, have_styles, have_buttons) {
            (Self::Styled, true, _) | (Self::Styled, false, false) => Self::Unstyled,
            (Self::Styled, false, true) | (Self::Unstyled, _, true) => Self::Plain,
            (Self::Unstyled, _, false) | (Self::Plain | Self::Rejected, _, _) => Self::Rejected,
        }
    }

    /// Returns the version of the message that this attempt sends.
    pub fn apply(self, message: &Outgoing) -> Outgoing {
        match self {
            Self::Styled => message.clone(),
            Self::Unstyled => compose::unstyled(message),
            Self::Plain | Self::Rejected => Outgoing { buttons: Vec::new(), ..compose::unstyled(message) },
        }
    }
}

/// The parts of a post that may be edited into existing messages. The other parts are sent as new messages; when all
/// parts are shown, the existing messages that they replace are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    All,
    /// Only silent parts are edited. A part that notifies is sent as a new message, because an edit doesn't notify.
    Silent,
    /// No parts are edited, because newer messages are below the existing ones, or because these can't be edited.
    Nothing,
}

/// The messages that a post replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExistingMessages {
    pub ids: Vec<MessageId>,
    pub reuse: Reuse,
    /// True if the user probably watched the whole turn as a draft, so that no notification is needed when the turn
    /// ends.
    pub was_watched: bool,
}

impl ExistingMessages {
    /// Returns the messages that a post without a live turn replaces: those stored with the post, or those that show an
    /// earlier post of the same series. If the post answers a turn and the front-end edits in place, the messages are
    /// not edited, because newer messages may be below them.
    pub fn of_stored(row: &OutboxRow, ids: Vec<MessageId>, limits: Limits) -> Self {
        let reuse = match (&row.turn, limits.edits) {
            (None, _) | (_, Edits::Append) => Reuse::All,
            (Some(_), Edits::Replace) => Reuse::Nothing,
        };
        Self { ids, reuse, was_watched: false }
    }
}
