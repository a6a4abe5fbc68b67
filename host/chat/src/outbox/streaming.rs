//! Tracks a running turn in a place: the messages shown, the messages wanted, and the next call that reduces the
//! difference. Pure.

use cordboard_core::{agent::PromptId, turn::TurnFrame};
use tokio::time::Instant;

use super::{
    compose,
    step::{Attempt, Reuse, Step},
};
use crate::{Completeness, Edits, Limits, MessageId, Outgoing};

/// Whether an incomplete line is shown before posts that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    No,
    Asked,
    /// Newer frames wait until the line is shown. Otherwise an agent that writes without pause would delay the post
    /// forever.
    Begun,
}

/// Whether an agent works on the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    On,
    /// The turn is waiting again, and shows nothing.
    Off,
}

/// Whether the messages of the turn are the last ones of the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Bottom,
    Buried,
}

pub(super) struct Streaming {
    pub turn: PromptId,
    /// The earliest time of the first frame. A turn that ends before it shows only its answer.
    pub not_before: Instant,
    /// The messages of the turn in the chat, in order.
    shown: Vec<(MessageId, Outgoing)>,
    wanted: Vec<Outgoing>,
    /// The newest frame. It is rendered only when it is needed, so that a replaced frame costs nothing.
    frame: Option<TurnFrame>,
    /// The live line of the last frame.
    pub line: Option<String>,
    /// Whether to show the whole text so far, including an incomplete line, before posts that follow.
    halt: Halt,
    work: Work,
    attempt: Attempt,
    position: Position,
    /// Deleted messages, which the store still lists.
    deleted: Vec<MessageId>,
}

impl Streaming {
    pub const fn new(turn: PromptId, not_before: Instant) -> Self {
        Self {
            turn,
            not_before,
            shown: Vec::new(),
            wanted: Vec::new(),
            frame: None,
            line: None,
            halt: Halt::No,
            work: Work::On,
            attempt: Attempt::Styled,
            position: Position::Bottom,
            deleted: Vec::new(),
        }
    }

    pub fn set(&mut self, frame: TurnFrame) {
        self.line.clone_from(&frame.live);
        self.frame = Some(frame);
        self.work = Work::On;
    }

    /// Handles a turn that is waiting again: its messages are to be deleted, and its frame is dropped.
    pub fn rest(&mut self) {
        self.wanted.clear();
        (self.frame, self.line) = (None, None);
        (self.halt, self.work) = (Halt::No, Work::Off);
    }

    /// Returns whether the chat shows no message of the turn.
    pub const fn is_unseen(&self) -> bool {
        self.shown.is_empty()
    }

    pub fn works(&self) -> bool {
        self.work == Work::On
    }

    /// Shows the text so far before posts that follow.
    pub const fn halt(&mut self) {
        self.halt = Halt::Asked;
    }

    pub fn is_halting(&self) -> bool {
        self.halt != Halt::No && self.attempt != Attempt::Never
    }

    /// Returns whether there may be a call to make.
    pub fn is_stale(&self) -> bool {
        self.attempt != Attempt::Never && (self.halt != Halt::No || self.frame.is_some() || self.diff().is_some())
    }

    /// Returns the next call, if any.
    pub fn step(&mut self, limits: Limits) -> Option<Step> {
        if let Some(frame) = self.frame.take_if(|_| self.halt != Halt::Begun) {
            self.wanted = compose::frame(&frame, limits);
            if self.attempt == Attempt::Plain {
                self.wanted = self.wanted.iter().map(compose::plain).collect();
            }
        }
        if self.halt == Halt::Asked {
            self.halt = Halt::Begun;
            if let Some(end) = self.wanted.last_mut() {
                end.last = Completeness::Halted;
            }
        }
        let step = self.diff();
        if step.is_none() {
            self.halt = Halt::No;
        }
        step
    }

    fn diff(&self) -> Option<Step> {
        // An empty frame of a working turn deletes nothing, because the message will be needed again.
        if self.attempt == Attempt::Never || (self.wanted.is_empty() && self.works()) {
            return None;
        }
        for (at, wanted) in self.wanted.iter().enumerate() {
            match self.shown.get(at) {
                None => return Some(Step::Send(wanted.clone())),
                Some((id, shown)) if shown != wanted => return Some(Step::Edit(id.clone(), wanted.clone())),
                Some(_) => {}
            }
        }
        let (superfluous, _) = self.shown.get(self.wanted.len()..)?.last()?;
        Some(Step::Delete(superfluous.clone()))
    }

    pub fn edited(&mut self, id: &MessageId, message: Outgoing) {
        if let Some((_, shown)) = self.shown.iter_mut().find(|(of, _)| of == id) {
            *shown = message;
        }
    }

    pub fn sent(&mut self, id: MessageId, message: Outgoing) {
        self.shown.push((id, message));
    }

    pub fn deleted(&mut self, id: MessageId) {
        self.shown.retain(|(of, _)| *of != id);
        if self.shown.is_empty() {
            self.position = Position::Bottom;
        }
        self.deleted.push(id);
    }

    /// Handles a rejected call. The next attempt has no styles; a second rejection ends the frames. The final answer
    /// is sent in any case.
    pub fn refused(&mut self) {
        self.attempt = self.attempt.next();
        self.wanted = self.wanted.iter().map(compose::plain).collect();
    }

    /// Records that another message was shown below those of this turn.
    pub fn bury(&mut self) {
        if !self.shown.is_empty() {
            self.position = Position::Buried;
        }
    }

    /// Stops showing frames, because the place can't be written to.
    pub const fn mute(&mut self) {
        self.attempt = Attempt::Never;
    }

    /// Returns the messages of the turn in the chat, in order.
    pub fn standing(&self) -> Vec<(MessageId, Outgoing)> {
        self.shown.clone()
    }

    /// Returns the messages that the final answer replaces, and which of them it may edit. `stored` are the messages
    /// that the store knew when the answer was stored.
    pub fn hand_over(self, stored: Vec<MessageId>, limits: Limits) -> (Vec<MessageId>, Reuse) {
        let reuse = match (limits.edits, self.position) {
            (Edits::Append, _) => Reuse::All,
            (Edits::Replace, Position::Bottom) => Reuse::Silent,
            (Edits::Replace, Position::Buried) => Reuse::Nothing,
        };
        let mut messages = stored;
        for (id, _) in self.shown {
            if !messages.contains(&id) {
                messages.push(id);
            }
        }
        messages.retain(|id| !self.deleted.contains(id));
        (messages, reuse)
    }
}
