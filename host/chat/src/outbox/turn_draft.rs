//! Tracks the draft of a running turn: the content it shows, and whether the turn still uses it. Does no I/O.

use std::time::Duration;

use cordboard_core::{
    agent_event::PromptId,
    render::{self, Message},
    updates_and_posts::ButtonAction,
};
use tokio::time::Instant;

use super::{chat_call::Attempt, compose};
use crate::{Draft, Outgoing};

/// An unchanged draft is sent again after this time, because Telegram removes a draft after 30 seconds.
const REPEAT: Duration = Duration::from_secs(20);

/// After this many consecutive failures, the turn is shown as a message instead.
const MAX_FAILURES: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct TurnDraft {
    /// The content to show.
    wanted: Message,
    /// The content of the draft in the chat, and the time at which it was shown.
    shown: Option<(Message, Instant)>,
    /// The number of failures since the last success.
    failures: u32,
    /// The form of the next draft: unstyled after the front-end has rejected a draft.
    attempt: Attempt,
    has_ended: bool,
}

impl TurnDraft {
    /// Sets the content to the last part of the messages, at most `limit` UTF-16 units.
    pub fn set(&mut self, messages: &[Outgoing], limit: usize) {
        self.wanted = render::tail(&compose::joined(messages), limit);
    }

    /// Returns whether the draft is currently visible in the chat.
    pub const fn is_shown(&self) -> bool {
        self.shown.is_some()
    }

    /// Returns whether the turn no longer uses a draft.
    pub const fn has_ended(&self) -> bool {
        self.has_ended || self.failures >= MAX_FAILURES
    }

    pub const fn end(&mut self) {
        self.has_ended = true;
    }

    /// Returns the draft to show, or `None` if it is already visible in the chat.
    pub fn update(&self, turn: &PromptId, stop: &ButtonAction) -> Option<Draft> {
        let styled = self.attempt == Attempt::Styled;
        let entities = if styled { self.wanted.entities.clone() } else { Vec::new() };
        let message = Message { text: self.wanted.text.clone(), entities };
        if render::is_blank(&message.text) {
            return None;
        }
        let is_shown = |(shown, at): &(Message, Instant)| *shown == message && at.elapsed() < REPEAT;
        let is_current = self.shown.as_ref().is_some_and(is_shown);
        (!is_current).then(|| Draft { turn: turn.clone(), message, stop: stop.clone() })
    }

    pub fn on_shown(&mut self, message: Message, now: Instant) {
        self.shown = Some((message, now));
        self.failures = 0;
    }

    pub const fn on_failed(&mut self) {
        self.failures += 1;
    }

    /// Handles a rejected draft. Later drafts omit styles.
    pub const fn on_rejected(&mut self) {
        self.attempt = Attempt::Unstyled;
        self.on_failed();
    }

    /// Records that a message was sent to the chat, which removes the draft.
    pub fn on_message_below(&mut self) {
        self.shown = None;
    }
}
