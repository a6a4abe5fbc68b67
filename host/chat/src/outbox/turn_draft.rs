//! Tracks the draft of a running turn: what it shows, and whether the turn still uses it. Does no I/O.

use std::time::Duration;

use cordboard_core::{agent_event::PromptId, render::Message, updates_and_posts::ButtonAction};
use tokio::time::Instant;

use super::chat_call::Attempt;
use crate::Draft;

/// The time after which an unchanged draft is shown again. Telegram removes a draft after 30 seconds.
const REPEAT: Duration = Duration::from_secs(20);

/// After this many failures in a row, the turn is shown as a message instead.
const MOST_FAILURES: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct TurnDraft {
    /// The content of the draft in the chat, and the time at which it was shown.
    shown: Option<(Message, Instant)>,
    /// The number of failures since the last success.
    failures: u32,
    /// Whether the front-end has rejected a draft with styles.
    attempt: Attempt,
    has_ended: bool,
}

impl TurnDraft {
    /// Returns whether the turn no longer uses a draft.
    pub const fn has_ended(&self) -> bool {
        self.has_ended || self.failures >= MOST_FAILURES
    }

    pub const fn end(&mut self) {
        self.has_ended = true;
    }

    /// Returns the draft that shows `message`, or `None` if the chat shows it already.
    pub fn update(&self, turn: &PromptId, message: &Message, stop: &ButtonAction) -> Option<Draft> {
        let styled = self.attempt == Attempt::Styled;
        let entities = if styled { message.entities.clone() } else { Vec::new() };
        let message = Message { text: message.text.clone(), entities };
        let is_shown = |(shown, at): &(Message, Instant)| *shown == message && at.elapsed() < REPEAT;
        let is_current = self.shown.as_ref().is_some_and(is_shown);
        (!is_current).then(|| Draft { turn: turn.clone(), message, stop: stop.clone() })
    }

    pub fn on_shown(&mut self, message: Message, now: Instant) {
        self.shown = Some((message, now));
        self.failures = 0;
    }

    /// Handles a failure. After a rejection, drafts have no styles.
    pub const fn on_failed(&mut self, is_rejected: bool) {
        self.failures += 1;
        if is_rejected {
            self.attempt = self.attempt.next();
        }
    }

    /// Records that a message was sent to the chat, which removes the draft.
    pub fn on_message_below(&mut self) {
        self.shown = None;
    }
}
