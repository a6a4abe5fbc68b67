//! Shows frames of running turns: chooses the next frame and its time.

use cordboard_core::{agent::PromptId, turn::TurnFrame};
use tokio::time::Instant;

use super::{
    super::{step::Step, streaming::Streaming},
    FIRST_FRAME, Worker,
};
use crate::{ChatError, Edits, MessageId};

impl Worker {
    pub(super) fn take_frames(&mut self, frames: Vec<(PromptId, TurnFrame)>) {
        let first_frame = Instant::now() + self.pacing().pause.min(FIRST_FRAME);
        for (id, frame) in frames {
            match self.turns.iter_mut().find(|turn| turn.turn == id) {
                Some(turn) => turn.set(frame),
                None => {
                    let mut turn = Streaming::new(id, first_frame);
                    turn.set(frame);
                    self.turns.push(turn);
                }
            }
        }
    }

    /// Returns the time of the next frame, if there is one. Its slot is reserved once, so that posts can't delay it
    /// forever.
    pub(super) fn frame_at(&mut self, now: Instant) -> Option<Instant> {
        let ready = self.turns.iter().filter(|turn| turn.is_stale()).map(|turn| turn.not_before).min()?;
        if ready > now {
            return Some(ready);
        }
        let pacing = self.pacing();
        let mut paces = self.shared.paces();
        let pace = paces.of(&self.place, now);
        if self.slot.is_some_and(|at| at <= now && !pace.has_room(now, pacing)) {
            self.slot = None;
        }
        Some(*self.slot.get_or_insert_with(|| pace.reserve(now, pacing)))
    }

    pub(super) async fn stream(&mut self) {
        let limits = self.shared.chat.limits();
        // Rotate through the turns of several sessions.
        self.turn = self.turn.wrapping_add(1);
        let now = Instant::now();
        let order = (0..self.turns.len()).map(|at| (at + self.turn) % self.turns.len());
        let order: Vec<usize> =
            order.filter(|at| self.turns[*at].not_before <= now || self.turns[*at].is_halting()).collect();
        let next = order.into_iter().find_map(|at| self.turns[at].step(limits).map(|step| (at, step)));
        let Some((at, mut step)) = next else { return };
        if let Step::Send(first) = &mut step
            && self.turns[at].is_unseen()
        {
            first.answers = self.shared.ledger.question(&self.turns[at].turn).await;
        }
        self.slot = None;
        let outcome = self.call(&step).await;
        let (now, pacing) = (Instant::now(), self.pacing());
        self.shared.paces().of(&self.place, now).shown(now, pacing);
        let turn = &mut self.turns[at];
        match outcome {
            Ok(id) => match (step, id) {
                (Step::Edit(id, message), _) => {
                    let text = message.source.clone();
                    turn.edited(&id, message);
                    self.remember(at, &id, &text).await;
                }
                (Step::Delete(id), _) => {
                    turn.deleted(id.clone());
                    self.forget(&id).await;
                }
                (Step::Send(message), Some(id)) => {
                    let (of, text) = (turn.turn.clone(), message.source.clone());
                    turn.sent(id.clone(), message);
                    self.bury(Some(&of));
                    self.remember(at, &id, &text).await;
                }
                (Step::Send(_), None) => {}
            },
            Err(ChatError::Refused { why }) => {
                tracing::warn!(place = %self.place, why, "a frame was rejected");
                turn.refused();
            }
            Err(ChatError::Gone { why } | ChatError::Forbidden { why }) => {
                tracing::warn!(place = %self.place, why, "a turn is not shown: its place is unreachable");
                turn.mute();
            }
            Err(error) => self.hold(&error),
        }
    }

    /// Stores the shown part of a turn, so that the next process can mark it as unfinished if this one is killed.
    /// Appended output can't be marked, so it isn't stored.
    async fn remember(&self, at: usize, message: &MessageId, text: &str) {
        if self.shared.chat.limits().edits == Edits::Append {
            return;
        }
        let turn = &self.turns[at].turn;
        if let Err(error) = self.shared.ledger.placeholder((turn, &self.place), message, text).await {
            tracing::warn!(%error, "failed to store the message of a running turn");
        }
    }

    /// Stores that a message was deleted, so that no process edits the final answer into it.
    async fn forget(&self, message: &MessageId) {
        if let Err(error) = self.shared.ledger.deleted(&self.place, message).await {
            tracing::warn!(%error, "failed to store that a message was deleted");
        }
    }
}
