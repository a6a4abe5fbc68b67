//! Tracks a running turn in a place: the messages in the chat, the messages of the newest frame, and the next call that
//! brings the chat closer to that frame. Does no I/O.

use cordboard_core::{agent_event::PromptId, turn::TurnFrame, updates_and_posts::ButtonAction};
use tokio::time::{Duration, Instant};

use super::{
    chat_call::{Attempt, ChatCall, ExistingMessages, Reuse},
    compose,
    mailbox::NewFrame,
    turn_draft::TurnDraft,
};
use crate::{Completeness, Edits, Limits, MessageId, Outgoing, Streaming};

/// Tracks a request to show the turn's incomplete last line before the next post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    No,
    Requested,
    /// The line is being shown. Newer frames wait, so that an agent that never pauses can't delay the post forever.
    Started,
}

pub(super) struct LiveTurn {
    pub turn: PromptId,
    began: Instant,
    /// The earliest time of the first frame. A turn that ends earlier shows only its answer.
    pub not_before: Instant,
    /// The turn's messages in the chat, in order.
    shown: Vec<(MessageId, Outgoing)>,
    wanted: Vec<Outgoing>,
    /// The newest frame, if it is not rendered yet. Frames are rendered only when needed, so replaced frames cost
    /// nothing.
    frame: Option<TurnFrame>,
    /// The live line of the newest frame.
    pub line: Option<String>,
    /// Whether to show the whole text so far, including an incomplete line, before the next post.
    halt: Halt,
    /// True if an agent is working on the turn. Otherwise, the turn's prompt is back in the queue, and none of the turn
    /// is shown.
    is_working: bool,
    /// The way in which the front-end shows new turns in this place. [`streaming`](Self::streaming) also takes this
    /// turn's state into account.
    place_streaming: Streaming,
    /// The action of the draft's stop button.
    stop: Option<ButtonAction>,
    pub draft: TurnDraft,
    attempt: Attempt,
    /// True if there are newer messages below the turn's own messages.
    is_buried: bool,
    /// The turn's deleted messages. An answer that was stored before they were deleted still lists them.
    deleted: Vec<MessageId>,
}

impl LiveTurn {
    /// Creates a turn that begins now and shows its first frame after `delay`.
    pub fn new(turn: PromptId, delay: Duration) -> Self {
        let began = Instant::now();
        Self {
            turn,
            began,
            not_before: began + delay,
            shown: Vec::new(),
            wanted: Vec::new(),
            frame: None,
            line: None,
            halt: Halt::No,
            is_working: true,
            place_streaming: Streaming::Messages,
            stop: None,
            draft: TurnDraft::default(),
            attempt: Attempt::Styled,
            is_buried: false,
            deleted: Vec::new(),
        }
    }

    pub fn set(&mut self, new: NewFrame, streaming: Streaming) {
        self.line.clone_from(&new.frame.live);
        self.frame = Some(new.frame);
        self.is_working = true;
        self.place_streaming = streaming;
        if new.stop.is_none() {
            self.end_draft();
            if streaming == Streaming::Drafts && self.shown.is_empty() && !self.has_text() {
                // The turn is waiting for the user, and a status line below the question would only distract.
                self.frame = None;
                self.wanted.clear();
            }
        }
        self.stop = new.stop;
    }

    /// Returns how the turn is shown now. A turn that already has a message stays in that message until the turn ends.
    /// Drafts don't have buttons.
    fn streaming(&self) -> Streaming {
        let fits_draft = || {
            self.shown.is_empty()
                && !self.draft.has_ended()
                && self.wanted.iter().all(|message| message.buttons.is_empty())
        };
        match self.place_streaming {
            Streaming::Off => Streaming::Off,
            Streaming::Drafts if fits_draft() => Streaming::Drafts,
            Streaming::Drafts | Streaming::Messages => Streaming::Messages,
        }
    }

    /// Returns whether the turn is shown as a draft, or will be.
    pub fn uses_draft(&self) -> bool {
        self.is_working && self.streaming() == Streaming::Drafts
    }

    /// Makes the turn continue as a message. Call this before sending a request, because the request removes the draft.
    /// The text so far is then sent above the request. Some clients don't let the user type an answer while a draft is
    /// shown.
    pub fn end_draft(&mut self) {
        if self.streaming() != Streaming::Drafts {
            return;
        }
        let has_text = self.has_text();
        self.draft.end();
        if has_text {
            self.halt();
        }
    }

    /// Returns whether the newest frame contains text from the agent.
    fn has_text(&self) -> bool {
        match &self.frame {
            Some(frame) => frame.messages.iter().any(|message| !message.text.trim().is_empty()),
            None => self.wanted.iter().any(|message| !message.source.is_empty()),
        }
    }

    /// Handles the return of the turn's prompt to the queue: drops the frame, and makes [`next_call`](Self::next_call)
    /// delete its messages.
    pub fn requeue(&mut self) {
        self.wanted.clear();
        (self.frame, self.line) = (None, None);
        (self.halt, self.is_working) = (Halt::No, false);
    }

    /// Returns whether the chat shows none of the turn's messages.
    pub const fn is_hidden(&self) -> bool {
        self.shown.is_empty()
    }

    pub const fn is_working(&self) -> bool {
        self.is_working
    }

    /// Requests that the text so far be shown before the next post.
    pub const fn halt(&mut self) {
        self.halt = Halt::Requested;
    }

    pub fn is_halting(&self) -> bool {
        self.halt != Halt::No && self.attempt != Attempt::Rejected
    }

    /// Returns whether there may be a call to make.
    pub fn is_stale(&self) -> bool {
        self.attempt != Attempt::Rejected && (self.halt != Halt::No || self.frame.is_some() || self.diff().is_some())
    }

    /// Returns the next call, if any.
    pub fn next_call(&mut self, limits: Limits) -> Option<ChatCall> {
        if let Some(frame) = self.frame.take_if(|_| self.halt != Halt::Started) {
            self.wanted = compose::frame(&frame, limits);
            self.omit_rejected_parts();
            if self.streaming() == Streaming::Drafts {
                self.draft.set(&self.wanted, limits.text_units);
            }
        }
        if self.halt == Halt::Requested {
            self.halt = Halt::Started;
            if let Some(end) = self.wanted.last_mut() {
                end.completeness = Completeness::Halted;
            }
        }
        let step = self.diff();
        if step.is_none() {
            self.halt = Halt::No;
        }
        step
    }

    fn diff(&self) -> Option<ChatCall> {
        // An empty frame of a working turn deletes nothing, because the message will be needed again.
        if self.attempt == Attempt::Rejected || (self.wanted.is_empty() && self.is_working) {
            return None;
        }
        match self.streaming() {
            Streaming::Off if self.is_working => return None,
            Streaming::Drafts => return self.draft_call(),
            Streaming::Off | Streaming::Messages => {}
        }
        for (at, wanted) in self.wanted.iter().enumerate() {
            match self.shown.get(at) {
                None => return Some(ChatCall::Send(wanted.clone())),
                Some((id, shown)) if shown != wanted => return Some(ChatCall::Edit(id.clone(), wanted.clone())),
                Some(_) => {}
            }
        }
        let (superfluous, _) = self.shown.get(self.wanted.len()..)?.last()?;
        Some(ChatCall::Delete(superfluous.clone()))
    }

    fn draft_call(&self) -> Option<ChatCall> {
        self.draft.update(&self.turn, self.stop.as_ref()?).map(ChatCall::ShowDraft)
    }

    pub fn on_edited(&mut self, id: &MessageId, message: Outgoing) {
        if let Some((_, shown)) = self.shown.iter_mut().find(|(of, _)| of == id) {
            *shown = message;
        }
    }

    pub fn on_sent(&mut self, id: MessageId, message: Outgoing) {
        self.shown.push((id, message));
    }

    pub fn on_deleted(&mut self, id: MessageId) {
        self.shown.retain(|(of, _)| *of != id);
        if self.shown.is_empty() {
            self.is_buried = false;
        }
        self.deleted.push(id);
    }

    /// Handles a rejected call. Later attempts omit the styles, then also the buttons. If the last attempt is rejected
    /// too, no more frames are shown. The final answer is always sent.
    pub fn on_rejected(&mut self) {
        self.attempt = self.attempt.next(&self.wanted);
        self.omit_rejected_parts();
    }

    fn omit_rejected_parts(&mut self) {
        if self.attempt != Attempt::Styled {
            self.wanted = self.wanted.iter().map(|message| self.attempt.apply(message)).collect();
        }
    }

    /// Records that another message was shown below this turn's messages.
    pub fn on_message_below(&mut self) {
        self.draft.on_message_below();
        if !self.shown.is_empty() {
            self.is_buried = true;
        }
    }

    /// Stops showing frames, because the place can't be written to.
    pub const fn stop_frames(&mut self) {
        self.attempt = Attempt::Rejected;
    }

    /// Returns the turn's messages in the chat, in order.
    pub fn shown_messages(&self) -> Vec<(MessageId, Outgoing)> {
        self.shown.clone()
    }

    /// Returns the messages that the final answer replaces. `stored` lists the turn's messages that were in the store
    /// when the answer was stored.
    pub fn into_existing(self, stored: Vec<MessageId>, limits: Limits) -> ExistingMessages {
        let is_short = self.began.elapsed() < limits.ring_after;
        let was_watched = is_short && self.draft.is_shown();
        let reuse = match (limits.edits, self.is_buried) {
            (Edits::Append, _) => Reuse::All,
            (Edits::Replace, false) if is_short => Reuse::All,
            (Edits::Replace, false) => Reuse::Silent,
            (Edits::Replace, true) => Reuse::Nothing,
        };
        let mut ids = stored;
        for (id, _) in self.shown {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids.retain(|id| !self.deleted.contains(id));
        ExistingMessages { ids, reuse, was_watched }
    }
}
