//! Shows frames of running turns: chooses the next frame and its time.

use tokio::time::Instant;

use super::{
    super::{chat_call::ChatCall, live_turn::LiveTurn, mailbox::NewFrame},
    FIRST_FRAME, Worker,
};
use crate::{ChatError, Edits, MessageId, Streaming};

impl Worker {
    pub(super) fn take_frames(&mut self, frames: Vec<NewFrame>) {
        let delay = self.pacing().pause.min(FIRST_FRAME);
        let streaming = self.shared.chat.streaming(&self.place);
        for frame in frames {
            match self.turns.iter_mut().find(|turn| turn.turn == frame.turn) {
                Some(turn) => turn.set(frame, streaming),
                None => {
                    let mut turn = LiveTurn::new(frame.turn.clone(), delay);
                    if self.turns.iter().any(LiveTurn::uses_draft) {
                        // A chat shows only one draft at a time.
                        turn.draft.end();
                    }
                    turn.set(frame, streaming);
                    self.turns.push(turn);
                }
            }
        }
    }

    /// Returns the time of the next frame, if there is one. Keeps the slot reserved, so that posts can't delay the
    /// frame forever.
    pub(super) fn frame_at(&mut self, now: Instant) -> Option<Instant> {
        let ready = self.turns.iter().filter(|turn| turn.is_stale()).map(|turn| turn.not_before).min()?;
        if ready > now {
            return Some(ready);
        }
        let pacing = self.pacing();
        let mut paces = self.shared.paces();
        let pace = paces.of(&self.place, now);
        if self.slot.is_some_and(|slot| pace.is_void(slot, now, pacing)) {
            self.slot = None;
        }
        Some(self.slot.get_or_insert_with(|| pace.reserve(now, pacing)).at)
    }

    pub(super) async fn show_frame(&mut self) {
        let limits = self.shared.chat.limits(&self.place);
        // Alternate between the turns of several sessions.
        self.rotation = self.rotation.wrapping_add(1);
        let now = Instant::now();
        let order = (0..self.turns.len()).map(|at| (at + self.rotation) % self.turns.len());
        let order: Vec<usize> =
            order.filter(|at| self.turns[*at].not_before <= now || self.turns[*at].is_halting()).collect();
        let next = order.into_iter().find_map(|at| self.turns[at].next_call(limits).map(|call| (at, call)));
        let Some((at, mut call)) = next else { return };
        if let ChatCall::Send(first) = &mut call
            && self.turns[at].is_hidden()
        {
            first.reply_to = self.shared.store.answered_message(&self.turns[at].turn).await;
        }
        self.slot = None;
        let outcome = self.call(&call).await;
        let now = Instant::now();
        self.shared.paces().of(&self.place, now).record_frame(now);
        let turn = &mut self.turns[at];
        match outcome {
            Ok(id) => match (call, id) {
                (ChatCall::ShowDraft(draft), _) => turn.draft.on_shown(draft.message, now),
                (ChatCall::Edit(id, message), _) => {
                    let text = message.source.clone();
                    turn.on_edited(&id, message);
                    self.store_placeholder(at, &id, &text).await;
                }
                (ChatCall::Delete(id), _) => {
                    turn.on_deleted(id.clone());
                    self.store_deleted(&id).await;
                }
                (ChatCall::Send(message), Some(id)) => {
                    let (of, text) = (turn.turn.clone(), message.source.clone());
                    turn.on_sent(id.clone(), message);
                    self.on_message_below(Some(&of));
                    self.store_placeholder(at, &id, &text).await;
                }
                (ChatCall::Send(_), None) => {}
            },
            Err(error) if matches!(call, ChatCall::ShowDraft(_)) && !error.concerns_place() => {
                self.on_draft_failed(at, error);
            }
            Err(ChatError::Rejected { why }) => {
                tracing::warn!(place = %self.place, why, "a frame was rejected");
                turn.on_rejected();
            }
            Err(ChatError::Unreachable { why } | ChatError::Deleted { why } | ChatError::Forbidden { why }) => {
                tracing::warn!(place = %self.place, why, "a turn is not shown: its place can't be written to");
                turn.stop_frames();
            }
            Err(error) => self.pause_after(&error),
        }
    }

    fn on_draft_failed(&mut self, at: usize, error: ChatError) {
        tracing::debug!(place = %self.place, %error, "failed to show a draft");
        let streaming = self.shared.chat.streaming(&self.place);
        let turn = &mut self.turns[at];
        match error {
            // The failure showed that the server doesn't support drafts.
            _ if streaming != Streaming::Drafts => turn.draft.end(),
            // The limit is for drafts, so it must not delay answers.
            ChatError::RateLimited { after, .. } => turn.not_before = Instant::now() + after,
            ChatError::Rejected { .. } => turn.draft.on_rejected(),
            ChatError::Unreachable { .. }
            | ChatError::Deleted { .. }
            | ChatError::Forbidden { .. }
            | ChatError::Unavailable { .. }
            | ChatError::Unauthorised { .. } => {
                turn.draft.on_failed();
                self.pause_after(&error);
            }
        }
    }

    /// Stores the shown part of a turn, so that if this host process is killed, the next one can mark the turn as
    /// unfinished. Appended output can't be marked, so it isn't stored.
    async fn store_placeholder(&self, at: usize, message: &MessageId, text: &str) {
        if self.shared.chat.limits(&self.place).edits == Edits::Append {
            return;
        }
        let turn = &self.turns[at].turn;
        if let Err(error) = self.shared.store.save_placeholder(turn, &self.place, message, text).await {
            tracing::warn!(%error, "failed to store the message of a running turn");
        }
    }

    /// Removes a deleted message from the store, so that neither this process nor a restarted host tries to edit the
    /// final answer into it.
    async fn store_deleted(&self, message: &MessageId) {
        if let Err(error) = self.shared.store.forget_placeholder(&self.place, message).await {
            tracing::warn!(%error, "failed to store that a message was deleted");
        }
    }
}
