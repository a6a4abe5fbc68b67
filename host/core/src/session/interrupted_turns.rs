//! Restores the prompts that the previous host had accepted. A turn that was interrupted when that host ended is never
//! repeated: users decide about its prompts, or a note tells the agent to continue.

use super::{Completion, Continuation, Effect, Machine, Prompt, RestoredPrompts, state::Shutdown};
use crate::{
    agent_event::PromptId,
    messages::{self, SessionNotice},
    turn::Turn,
    types::{ContinuedTurn, PromptKind, Timestamp},
};

/// The maximum number of notes about one turn. After another interruption, users decide, because the turn itself may be
/// the reason why the host ends.
const MAX_NOTES: u32 = 3;

/// A turn that was interrupted when the previous host ended.
struct InterruptedTurn {
    /// The turn's prompts from users, excluding notes.
    prompts: Vec<Prompt>,
    /// The prompts, possibly including a note, that the store still marks as sent.
    sent: Vec<PromptId>,
    /// The number of notes about this turn so far.
    notes: u32,
}

impl Machine {
    /// Restores the prompts that the previous host had accepted. The queued prompts still have to be sent: they join the
    /// queue, or are rejected if the session is archived. The interrupted prompts were sent but not answered before that
    /// host ended. Each of them is reported once and kept for `/retry` or `/leave`, unless the agent can continue.
    #[must_use]
    pub fn restore(&mut self, restored: RestoredPrompts, now: Timestamp) -> Vec<Effect> {
        let RestoredPrompts { mut queued, interrupted, continuation } = restored;
        if !interrupted.is_empty() {
            self.handle_interrupted(interrupted, &queued, continuation, now);
        }
        if let Some(continued) = &self.record.continued_turn {
            // The agent must get the note before any other prompt.
            queued.sort_by_key(|prompt| prompt.id != continued.note);
        }
        for prompt in queued {
            if self.record.archived {
                self.reject_archived(prompt);
            } else {
                self.accept(prompt, now);
            }
        }
        self.flush()
    }

    fn handle_interrupted(
        &mut self,
        interrupted: Vec<Prompt>,
        queued: &[Prompt],
        continuation: Option<Continuation>,
        now: Timestamp,
    ) {
        let mut turn = InterruptedTurn::of(interrupted, self.record.continued_turn.as_ref());
        if let Some(continued) = &self.record.continued_turn
            && queued.iter().any(|prompt| prompt.id == continued.note)
        {
            // The previous host stored the note, but ended before it completed the prompts that the note covers.
            turn.prompts.retain(|prompt| !continued.covers(&prompt.id));
            return self.report_interrupted(turn);
        }
        match continuation.filter(|_| self.can_continue(&turn)) {
            Some(continuation) => self.continue_turn(turn, continuation, now),
            None => self.report_interrupted(turn),
        }
    }

    /// Returns whether the agent can be told to continue a turn. The agent must be able to resume its conversation, and
    /// the turn must not be one of its own commands, which only the agent's program can continue.
    fn can_continue(&self, turn: &InterruptedTurn) -> bool {
        let remembers = self.conversation_start().resumed().is_some();
        let is_text = turn.prompts.iter().all(|prompt| prompt.kind == PromptKind::Text);
        let is_available = !self.record.archived && self.shutdown == Shutdown::No;
        is_available && remembers && is_text && turn.notes < MAX_NOTES
    }

    /// Sends the agent a note about its interrupted turn, before all other prompts. The note and the record are stored
    /// together and first, so that a host that is killed here neither forgets the turn nor sends a second note.
    fn continue_turn(&mut self, turn: InterruptedTurn, continuation: Continuation, now: Timestamp) {
        let InterruptedTurn { prompts, sent, notes } = turn;
        let Some(first) = prompts.first() else { return };
        let (place, mode, beginning) = (first.place.clone(), first.mode.clone(), messages::beginning(&first.text));
        let Continuation { note: id, shown } = continuation;
        let texts: Vec<&str> = prompts.iter().map(|prompt| prompt.text.as_str()).collect();
        let text = messages::continuation_prompt(&texts, shown.as_deref());
        let (kind, files) = (PromptKind::Text, Vec::new());
        let note = Prompt { id: id.clone(), place: place.clone(), kind, text, mode, files };
        self.record.interrupted.retain(|kept| prompts.iter().all(|prompt| prompt.id != kept.id));
        let prompts = prompts.into_iter().map(Into::into).collect();
        self.record.continued_turn = Some(ContinuedTurn { prompts, note: id, notes: notes + 1 });
        self.emit(Effect::Accept(note.clone()));
        for prompt in sent {
            self.emit(Effect::Complete { prompt, how: Completion::Superseded });
        }
        self.post(place.clone(), SessionNotice::TurnContinues { prompt: beginning });
        self.queue.push_front(note);
        self.wake(place, now);
    }

    /// Reports the prompts of an interrupted turn, and keeps them until users decide. The record keeps the continued turn
    /// until a later turn ends: a host that is killed before the note is completed must recognize the note.
    fn report_interrupted(&mut self, turn: InterruptedTurn) {
        let InterruptedTurn { prompts, mut sent, .. } = turn;
        let mut covered = Vec::new();
        for prompt in prompts {
            let (id, beginning) = (prompt.id.clone(), messages::beginning(&prompt.text));
            let notice = SessionNotice::Interrupted { id: id.clone(), prompt: beginning };
            match sent.iter().position(|sent| *sent == id) {
                Some(index) => {
                    sent.remove(index);
                    self.complete_with_notice(&prompt, Completion::Interrupted, notice);
                }
                None => covered.push((prompt.place.clone(), notice)),
            }
            self.keep_interrupted(prompt);
        }
        // The last notice is stored together with the completion of the note, and the others before it.
        let last = if sent.is_empty() { None } else { covered.pop() };
        for (place, notice) in covered {
            self.post(place, notice);
        }
        if let Some((place, notice)) = last {
            self.emit(Effect::CompleteWithNotice {
                prompt: sent.remove(0),
                how: Completion::Superseded,
                place,
                notice,
            });
        }
        for prompt in sent {
            self.emit(Effect::Complete { prompt, how: Completion::Superseded });
        }
    }

    /// Forgets the turn that the agent was told to continue, once a later turn has ended. Earlier, the answer to the
    /// note may not be stored yet, and a restarted host would still need the turn.
    pub(super) fn forget_continued_turn(&mut self, ended: &Turn) {
        let Some(continued) = &self.record.continued_turn else { return };
        let is_waiting = self.queue.iter().any(|prompt| prompt.id == continued.note);
        if !is_waiting && ended.prompts().all(|prompt| *prompt != continued.note) {
            self.record.continued_turn = None;
        }
    }
}

impl InterruptedTurn {
    /// Creates the turn of the prompts that are marked as sent. If these include the note of `continued`, the turn is the
    /// one that the note was about.
    fn of(sent: Vec<Prompt>, continued: Option<&ContinuedTurn>) -> Self {
        let ids = sent.iter().map(|prompt| prompt.id.clone()).collect();
        let continued = continued.filter(|continued| sent.iter().any(|prompt| prompt.id == continued.note));
        let Some(continued) = continued else { return Self { prompts: sent, sent: ids, notes: 0 } };
        let covered = continued.prompts.iter().cloned().map(Prompt::from);
        let others = sent.into_iter().filter(|prompt| prompt.id != continued.note && !continued.covers(&prompt.id));
        Self { prompts: covered.chain(others).collect(), sent: ids, notes: continued.notes }
    }
}

impl ContinuedTurn {
    fn covers(&self, id: &PromptId) -> bool {
        self.prompts.iter().any(|prompt| prompt.id == *id)
    }
}
