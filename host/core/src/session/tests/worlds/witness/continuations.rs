//! The witness's records of the notes that tell agents to continue turns that a killed host has interrupted.

use std::rc::Rc;

use super::{Fate, Step, Witness};
use crate::{
    agent_event::PromptId,
    messages::SessionNotice,
    session::{Continuation, Effect, Machine, Prompt, RestoredPrompts},
};

/// The maximum number of notes about one turn.
const MAX_NOTES: u32 = 3;

/// A turn that an agent was told to continue.
#[derive(Debug)]
pub(super) struct CoveredTurn {
    note: PromptId,
    prompts: Vec<PromptId>,
    notes: u32,
}

impl Witness {
    /// Starts another host from the stored state. `interrupted` contains the prompts that the previous host had sent
    /// and that were not answered. If `second_doom` is set, also kills the new host while it restores the prompts.
    pub(super) fn restore(&mut self, interrupted: Vec<Prompt>) {
        let ids: Vec<PromptId> = interrupted.iter().map(|prompt| prompt.id.clone()).collect();
        let from_users = interrupted.iter().filter(|prompt| !is_continuation(&prompt.id));
        self.received.extend(from_users.map(|prompt| prompt.text.clone()));
        // After a restart, a waiting note comes first, even before prompts that were urgent.
        let (notes, others): (Vec<_>, Vec<_>) = self.queue.drain(..).partition(is_continuation);
        self.queue = notes.into_iter().chain(others).collect();
        let mut queued: Vec<Prompt> = self.queue.iter().map(|id| self.prompts[id].0.clone()).collect();
        // The store returns prompts in the order in which they were accepted, and a note is accepted last.
        queued.sort_by_key(|prompt| is_continuation(&prompt.id));
        let continuation = self.continues.then(|| {
            self.last_continuation += 1;
            let note = PromptId(format!("note {}", self.last_continuation));
            Continuation { note, shown: Some("shown".to_owned()) }
        });
        let is_allowed = continuation.is_some();
        let turn = self.interrupted_turn(&ids);
        self.machine = Machine::new(self.stored.clone(), self.settings.clone());
        self.step = Step { phase: Some(self.machine.phase()), prompts: true, restores: true, ..Step::default() };
        let effects: Rc<[Effect]> =
            self.machine.restore(RestoredPrompts { queued, interrupted, continuation }, self.now).into();
        let continues = matches!(effects.first(), Some(Effect::Accept(_)));
        self.must(!continues || is_allowed && !ids.is_empty(), "an agent continues only an interrupted turn");
        let count = |wanted: fn(&SessionNotice) -> bool| {
            let is_wanted = |effect: &&Effect| {
                let (Effect::Post { notice, .. } | Effect::CompleteWithNotice { notice, .. }) = effect else {
                    return false;
                };
                wanted(notice)
            };
            effects.iter().filter(is_wanted).count()
        };
        let asked = count(|notice| matches!(notice, SessionNotice::Interrupted { .. }));
        let told = count(|notice| matches!(notice, SessionNotice::TurnContinues { .. }));
        self.must(told == usize::from(continues), "a continued turn is reported once");
        self.must(asked == if continues { 0 } else { turn.prompts.len() }, "an interruption is reported once");
        self.must(!continues || turn.notes < MAX_NOTES, "the notes about a turn end");
        self.interrupted.retain(|id| !turn.prompts.contains(id));
        if !continues {
            self.interrupted.extend(turn.prompts.iter().cloned());
        }
        self.step.interrupted_turn = Some(turn);
        match self.second_doom.take() {
            Some(count) => {
                self.perform(&effects, count);
                self.interrupted = self.stored.interrupted.iter().map(|prompt| prompt.id.clone()).collect();
                self.host_dies();
            }
            None => {
                self.perform_all(&effects);
                self.inspect();
            }
        }
    }

    /// Returns the turn that was interrupted: the prompts that users have sent, and the number of notes so far.
    fn interrupted_turn(&self, sent: &[PromptId]) -> CoveredTurn {
        let mut turn = CoveredTurn { note: PromptId(String::new()), prompts: Vec::new(), notes: 0 };
        let continued = self.continued.as_ref();
        if let Some(continued) = continued.filter(|continued| sent.contains(&continued.note)) {
            turn.prompts.clone_from(&continued.prompts);
            turn.notes = continued.notes;
        }
        let is_covered = |id: &PromptId| {
            continued.is_some_and(|continued| {
                let is_waiting = self.queue.contains(&continued.note) || sent.contains(&continued.note);
                is_waiting && (continued.note == *id || continued.prompts.contains(id))
            })
        };
        turn.prompts.extend(sent.iter().filter(|id| !is_covered(id)).cloned());
        turn
    }

    /// Records a note that was stored for an interrupted turn.
    pub(super) fn perform_continuation(&mut self, note: &Prompt) {
        let Some(turn) = self.step.interrupted_turn.take() else { self.fail("a note is about an interrupted turn") };
        self.must(is_continuation(&note.id), "a note has the id that the host chose");
        let covered = self.stored.continued_turn.as_ref().map(|continued| {
            (continued.note.clone(), continued.prompts.iter().map(|prompt| prompt.id.clone()).collect::<Vec<_>>())
        });
        self.must(covered == Some((note.id.clone(), turn.prompts.clone())), "a note covers all prompts of its turn");
        let before = self.prompts.insert(note.id.clone(), (note.clone(), Fate::Queued));
        self.must(before.is_none(), "a note has a new id");
        self.queue.push_front(note.id.clone());
        self.continued = Some(CoveredTurn { note: note.id.clone(), notes: turn.notes + 1, ..turn });
    }

    /// Checks a prompt that a note replaces, or a note that was interrupted.
    pub(super) fn perform_superseded(&mut self, prompt: &PromptId) {
        self.must(self.step.restores, "only a new host replaces prompts with a note");
        let is_covered = self.continued.as_ref().is_some_and(|continued| continued.prompts.contains(prompt));
        self.must(is_covered || is_continuation(prompt), "a note or the user decides about each prompt");
        self.change_fate(prompt, Fate::Sent, Fate::Completed);
    }

    /// Checks that no agent receives a prompt that may already have reached an agent of an earlier host, unless a user
    /// retried it.
    pub(super) fn check_first_delivery(&self, prompt: &Prompt) {
        let is_repeated = self.received.contains(&prompt.text);
        self.must(
            !is_repeated || self.retried.contains(&prompt.id),
            "a prompt is delivered once, unless a user retries",
        );
    }

    /// Returns whether an interrupted prompt is kept for the user or covered by a note.
    pub(super) fn is_taken_care_of(&self, id: &PromptId) -> bool {
        let record = self.machine.record();
        let is_kept = record.interrupted.iter().any(|kept| kept.id == *id);
        let continued = record.continued_turn.as_ref();
        is_kept
            || is_continuation(id)
            || continued.is_some_and(|continued| continued.prompts.iter().any(|prompt| prompt.id == *id))
    }
}

/// Returns whether the prompt is a note about an interrupted turn.
fn is_continuation(id: &PromptId) -> bool {
    id.0.starts_with("note ")
}
