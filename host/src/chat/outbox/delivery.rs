//! A stored post on its way: which of its messages stand in the chat, and the next call that brings it further. Pure.

use cordboard_core::chat::{Delivery, OutboxRow, PostId};

use super::{
    compose,
    streaming::{Attempt, Step},
};
use crate::chat::{Limits, MessageId, Outgoing};

pub(super) struct Delivering {
    pub post: PostId,
    parts: Vec<Outgoing>,
    /// Messages that exist, in order; those beyond the parts are to be deleted.
    messages: Vec<MessageId>,
    /// How many of the parts stand in the chat as they shall.
    shown: usize,
    /// Messages that could not be edited: deleted before what takes their place is sent, so that the order holds.
    strays: Vec<MessageId>,
    attempt: Attempt,
}

impl Delivering {
    pub fn new(row: &OutboxRow, messages: Vec<MessageId>, limits: Limits) -> Self {
        let parts = compose::reply(&row.reply, limits);
        let shown = usize::try_from(row.state.shown).unwrap_or(usize::MAX).min(parts.len()).min(messages.len());
        Self { post: row.id, parts, messages, shown, strays: Vec::new(), attempt: Attempt::Styled }
    }

    /// The next call; none: all is shown.
    pub fn step(&self) -> Option<Step> {
        if let Some(stray) = self.strays.last() {
            return Some(Step::Delete(stray.clone()));
        }
        if let Some(part) = self.parts.get(self.shown) {
            let message = if self.attempt == Attempt::Styled { part.clone() } else { compose::plain(part) };
            return Some(match self.messages.get(self.shown) {
                Some(id) => Step::Edit(id.clone(), message),
                None => Step::Send(message),
            });
        }
        let superfluous = self.messages.get(self.parts.len()..)?.last()?;
        Some(Step::Delete(superfluous.clone()))
    }

    pub fn edited(&mut self) {
        self.shown += 1;
        self.attempt = Attempt::Styled;
    }

    pub fn sent(&mut self, id: MessageId) {
        self.messages.push(id);
        self.edited();
    }

    pub fn deleted(&mut self, id: &MessageId) {
        self.strays.retain(|stray| stray != id);
        self.messages.retain(|message| message != id);
    }

    /// An edit was refused: once more without styles, then as new messages, with all that follows.
    pub fn edit_refused(&mut self) {
        self.attempt = self.attempt.next();
        if self.attempt == Attempt::Never {
            self.strays = self.messages.split_off(self.shown);
            self.attempt = Attempt::Styled;
        }
    }

    /// A new message was refused: once more without styles, then that part is given up.
    pub fn send_refused(&mut self) -> Attempt {
        let attempt = self.attempt.next();
        self.attempt = attempt;
        if attempt == Attempt::Never {
            self.parts.remove(self.shown);
            self.attempt = Attempt::Styled;
        }
        attempt
    }

    /// As it is stored.
    pub fn state(&self) -> Delivery {
        Delivery { messages: self.messages.clone(), shown: u32::try_from(self.shown).unwrap_or(u32::MAX) }
    }
}
