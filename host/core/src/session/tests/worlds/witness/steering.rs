//! The witness's records of the prompts sent to the agent during a turn.

use super::{Fate, OpenTurn, Witness};
use crate::{
    agent_event::PromptId,
    config::{AgentKind, Busy},
    session::{Effect, Input, Prompt, Run},
    turn::Turn,
    types::{Phase, Place},
};

#[derive(Debug)]
pub(super) struct SteeredPrompt {
    pub id: PromptId,
    pub accepted: bool,
}

impl Witness {
    /// Returns the id and the place of the open turn.
    pub fn open_in(&self) -> Option<(PromptId, Place)> {
        self.open.as_ref().map(|open| (open.id.clone(), open.place.clone()))
    }

    pub fn steered(&self) -> Vec<PromptId> {
        let steered = self.open.as_ref().map_or(&[][..], |open| &open.steered);
        steered.iter().map(|steered| steered.id.clone()).collect()
    }

    pub(super) fn count_unaccepted(&self) -> usize {
        let steered = self.open.as_ref().map_or(&[][..], |open| &open.steered);
        steered.iter().filter(|steered| !steered.accepted).count()
    }

    /// Returns whether the prompt has to be sent to the agent immediately. Must be called before the machine handles
    /// the input.
    pub(super) fn has_to_steer(&self, input: &Input) -> bool {
        let (Input::Prompt(prompt), Some(open), Some(run)) = (input, &self.open, self.alive()) else { return false };
        let (process, record) = (&self.processes[&run], self.machine.record());
        let is_current = process.persona == record.persona && process.model == self.machine.view().model;
        let kind = self.settings.agent.as_ref().map(|agent| agent.kind);
        let takes_more = kind == Some(AgentKind::Claude) && process.agent == self.settings.agent && is_current;
        let is_answering = self.prompts.contains_key(&open.id) && !open.interrupted && open.place == prompt.place;
        // The queue already contains the new prompt.
        let is_alone = self.queue.len() == 1 && self.asked.is_empty();
        let is_busy = self.machine.phase() == Phase::Busy && self.settings.busy == Busy::Steer;
        is_busy && takes_more && is_answering && is_alone
    }

    /// Checks that the prompt was sent during the turn if and only if `has_to_steer` is true.
    pub(super) fn check_steered(&self, prompt: Option<&PromptId>, has_to_steer: bool) {
        let is_steered = prompt.is_some_and(|id| self.steered().contains(id));
        self.must(is_steered == has_to_steer, "a prompt is sent during the turn exactly if the agent can get it");
    }

    pub(super) fn perform_steer(&mut self, run: Run, prompt: &Prompt) {
        self.must(self.alive() == Some(run), "a prompt goes to the live process");
        let process = &self.processes[&run];
        let leaves = process.closed.is_some() || process.terminated.is_some() || process.killed;
        self.must(!leaves && self.shutdowns == 0, "an agent that is being stopped gets no prompt");
        let sent = self.step.sent.take();
        self.must(sent.as_ref() == Some(&prompt.id), "a prompt is stored as sent before the agent gets it");
        self.check_first_delivery(prompt);
        let Some(open) = &mut self.open else { self.fail("a prompt joins a turn") };
        open.steered.push(SteeredPrompt { id: prompt.id.clone(), accepted: false });
    }

    pub(super) fn perform_forget(&mut self, id: &PromptId) {
        let index = self.index_of_steered(id);
        let steered = self.open.as_mut().zip(index).map(|(open, index)| open.steered.remove(index));
        self.must(steered.is_some_and(|steered| !steered.accepted), "only an unaccepted prompt is forgotten");
        self.step.forgotten.push(id.clone());
    }

    fn index_of_steered(&self, id: &PromptId) -> Option<usize> {
        self.open.as_ref()?.steered.iter().position(|steered| steered.id == *id)
    }

    /// Records that a prompt is waiting again. Returns false if it was not sent during a turn.
    pub(super) fn requeue_steered(&mut self, id: &PromptId) -> bool {
        let Some((open, index)) = self.index_of_steered(id).and_then(|index| Some((self.open.as_mut()?, index))) else {
            return false;
        };
        let steered = open.steered.remove(index);
        let is_last = open.steered[index..].iter().all(|later| later.accepted);
        let fits = !steered.accepted || self.step.refuses_resume && !open.begun;
        self.must(is_last && fits, "a prompt that an agent received is not resent automatically");
        true
    }

    pub(super) fn observe_accepted(&mut self, id: &PromptId) {
        let Some(open) = &mut self.open else { return };
        let mut steered = open.steered.iter_mut().filter(|steered| steered.id == *id);
        let is_steered = steered.next().map(|steered| steered.accepted = true).is_some();
        if is_steered || open.id == *id {
            open.accepted = true;
            self.failed_starts = 0;
        }
    }

    /// Checks which prompts end with the turn, and keeps the others for the next turn.
    pub(super) fn end_steered(&mut self, turn: &Turn) {
        let Some(open) = &mut self.open else { return };
        let (interrupted, steered) = (open.interrupted, std::mem::take(&mut open.steered));
        for SteeredPrompt { id, accepted } in &steered {
            let ends = match &self.step.answered {
                Some(answered) => answered.contains(id) || *accepted && interrupted,
                None => *accepted,
            };
            self.must(ends == turn.also_answers.contains(id), "a turn ends the prompts that it answers");
        }
        let (_, left): (Vec<_>, Vec<_>) = steered.into_iter().partition(|one| turn.also_answers.contains(&one.id));
        self.must(left.is_empty() || self.step.answered.is_some(), "only the agent's result leaves prompts open");
        self.step.left = left;
    }

    /// Returns whether the prompts that the turn ends are kept as interrupted prompts.
    pub(super) fn keeps_ended(&self, effects: &[Effect]) -> bool {
        let ended =
            effects.iter().filter_map(|effect| if let Effect::Finish(turn) = effect { Some(turn) } else { None });
        ended.flat_map(|turn| &turn.also_answers).all(|id| self.interrupted.contains(id))
    }

    pub(super) fn complete_steered(&mut self, turn: &Turn) {
        for id in &turn.also_answers {
            self.change_fate(id, Fate::Sent, Fate::Answered);
        }
    }

    /// Opens the turn of the prompts that the last turn left unanswered.
    pub(super) fn begin_steered_turn(&mut self) {
        let mut left = std::mem::take(&mut self.step.left);
        if left.is_empty() {
            return;
        }
        self.must(self.open.is_none(), "an agent has one turn at a time");
        let accepted = left.iter().any(|steered| steered.accepted);
        let id = left.remove(0).id;
        let place = self.prompts[&id].0.place.clone();
        let interrupted = self.shutdowns > 0;
        self.open = Some(OpenTurn { accepted, interrupted, steered: left, ..OpenTurn::new(id, place, self.now) });
    }

    /// Checks that each prompt that was sent is part of the turn, or waits for the next host.
    pub(super) fn check_sent(&self) {
        let open = self.open.as_ref();
        let is_known = |id: &PromptId| {
            let is_steered = |open: &OpenTurn| open.steered.iter().any(|steered| steered.id == *id);
            open.is_some_and(|open| open.id == *id || is_steered(open)) || self.cut_off.contains(id)
        };
        self.must(self.sent.iter().all(is_known), "each sent prompt is answered, dropped, interrupted or open");
    }
}
