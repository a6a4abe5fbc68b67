//! Prompts that are sent to the agent during a turn. The agent answers each of them in that turn or in a later one. All
//! prompts of a turn come from the same place, so all of their authors see the answer.

use super::{
    Completion, Effect, Machine, Prompt,
    state::{Interrupt, OpenTurn, Receipt, State, SteeredPrompt},
};
use crate::{
    agent_event::PromptId,
    messages::{self, SessionNotice},
    types::{PromptKind, Timestamp},
};

impl Machine {
    /// Sends a prompt to the agent during the running turn. If that isn't possible, the prompt waits.
    pub(super) fn accept_steering(&mut self, prompt: Prompt, now: Timestamp) {
        if !self.can_steer(&prompt) {
            return self.accept(prompt, now);
        }
        self.record.last_active = now;
        self.record.place = Some(prompt.place.clone());
        self.emit(Effect::MarkSent(prompt.id.clone()));
        let sent = prompt.clone();
        self.emit_live(|run| Effect::Steer { run, prompt: sent });
        if let Some(open) = self.open_mut() {
            open.steered.push(SteeredPrompt { prompt, receipt: Receipt::Sent });
        }
    }

    /// Returns whether the prompt can be sent to the agent now. A prompt never overtakes a waiting one. While a
    /// question is open, the prompt waits, because the user may want to answer the question first.
    fn can_steer(&self, prompt: &Prompt) -> bool {
        let State::Busy(open) = &self.state else { return false };
        let agent = self.settings.agent.as_ref();
        let is_possible = agent.is_some_and(|agent| agent.kind.accepts_prompts_during_turn()) && !self.is_outdated();
        let is_alone = self.queue.is_empty() && self.open_requests().is_empty();
        let fits = open.prompt.is_some() && open.interrupt.is_none() && open.turn.place == prompt.place;
        is_possible && is_alone && fits && prompt.kind == PromptKind::Text
    }

    /// Returns the number of steered prompts that the agent has not accepted. They count towards the limit of waiting
    /// prompts.
    pub(super) fn count_unaccepted(&self) -> usize {
        let steered = self.open().map_or(&[][..], |open| &open.steered);
        steered.iter().filter(|steered| steered.receipt == Receipt::Sent).count()
    }

    /// Begins the turn that answers the prompts left unanswered by earlier turns.
    pub(super) fn begin_steered_turn(&mut self, steered: Vec<SteeredPrompt>, now: Timestamp) {
        let is_accepted = steered.iter().any(|steered| steered.receipt == Receipt::Accepted);
        let receipt = if is_accepted { Receipt::Accepted } else { Receipt::Sent };
        let mut steered = steered.into_iter();
        let Some(SteeredPrompt { prompt, .. }) = steered.next() else { return };
        let (id, place) = (prompt.id.clone(), prompt.place.clone());
        let turn = self.turn_of(&prompt, now);
        let open = OpenTurn { steered: steered.collect(), ..OpenTurn::new(Some(prompt), turn, receipt) };
        if let State::Stopping(stop) = &mut self.state {
            // The interrupt has canceled the prompts, unless the agent has just begun to answer them. When the agent
            // exits, the prompts that it hasn't accepted are queued for the next host.
            stop.open = Some(OpenTurn { interrupt: Some(Interrupt::ByHost), ..open });
        } else {
            self.state = State::Busy(open);
            self.emit(Effect::SteeredTurnStarted { prompt: id, place });
        }
    }

    /// Settles the steered prompts that the agent has not accepted, because an interrupt is about to cancel them. The
    /// agent ignores a prompt whose id it has seen, so the host can't send these prompts again after the interrupt.
    pub(super) fn forget_unaccepted(&mut self, settle: impl Fn(&mut Self, Prompt)) {
        let Some(open) = self.open_mut() else { return };
        let (accepted, forgotten) =
            std::mem::take(&mut open.steered).into_iter().partition(|steered| steered.receipt == Receipt::Accepted);
        open.steered = accepted;
        let forgotten: Vec<SteeredPrompt> = forgotten;
        for SteeredPrompt { prompt, .. } in forgotten {
            let id = prompt.id.clone();
            self.emit_live(|run| Effect::Forget { run, prompt: id });
            settle(self, prompt);
        }
    }

    /// Keeps a prompt that was canceled by an interrupt that wasn't aimed at it.
    pub(super) fn keep_canceled(&mut self, prompt: Prompt) {
        self.complete_with_notice(&prompt, Completion::Interrupted, not_answered(&prompt));
        self.keep_interrupted(prompt);
    }

    /// Keeps a steered prompt that the agent did not answer, and notifies its author.
    pub(super) fn keep_unanswered(&mut self, prompt: Prompt) {
        self.post(prompt.place.clone(), not_answered(&prompt));
        self.keep_interrupted(prompt);
    }

    /// Ends the accepted steered prompts together with the turn, and returns them. The other steered prompts return to
    /// the queue, because this agent process will not answer them.
    pub(super) fn settle_steered(&mut self, open: &mut OpenTurn) -> Vec<Prompt> {
        let accepted = open.end_steered(|steered| steered.receipt == Receipt::Accepted);
        self.requeue_steered(std::mem::take(&mut open.steered));
        accepted
    }

    /// Moves the steered prompts back to the front of the queue.
    pub(super) fn requeue_steered(&mut self, steered: Vec<SteeredPrompt>) {
        for SteeredPrompt { prompt, .. } in steered.into_iter().rev() {
            self.requeue(prompt);
        }
    }
}

impl OpenTurn {
    /// Returns whether the turn contains one of these prompts.
    pub(super) fn contains_any(&self, prompts: &[PromptId]) -> bool {
        let mut steered = self.steered.iter().map(|steered| &steered.prompt.id);
        prompts.contains(&self.turn.prompt) || steered.any(|id| prompts.contains(id))
    }

    /// Removes and returns the steered prompts that `ends` selects, and records that they end with the turn.
    pub(super) fn end_steered(&mut self, ends: impl Fn(&SteeredPrompt) -> bool) -> Vec<Prompt> {
        let (ended, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.steered).into_iter().partition(ends);
        self.steered = others;
        let ended: Vec<Prompt> = ended.into_iter().map(|steered| steered.prompt).collect();
        self.turn.also_answers = ended.iter().map(|prompt| prompt.id.clone()).collect();
        ended
    }
}

fn not_answered(prompt: &Prompt) -> SessionNotice {
    SessionNotice::NotAnswered { id: prompt.id.clone(), prompt: messages::beginning(&prompt.text) }
}
