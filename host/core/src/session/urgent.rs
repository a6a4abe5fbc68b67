//! Interrupts the running turn for an urgent prompt, for `/stop`, or because the author of one of its prompts lost
//! access. Also drops individual waiting prompts.

use super::{
    ApiError, ApiErrorCode, Effect, Machine, Prompt,
    state::{Acknowledged, Interrupt, InterruptedBy, State},
};
use crate::{agent_event::PromptId, messages, types::Timestamp};

impl Machine {
    /// Accepts an urgent prompt and interrupts the running turn. The prompt runs before the other waiting prompts, but
    /// after earlier urgent ones.
    pub(super) fn accept_urgent(&mut self, prompt: Prompt, now: Timestamp) {
        let is_waiting = |id: &PromptId| self.queue.iter().any(|queued| queued.id == *id);
        let mut urgent = std::mem::take(&mut self.urgent);
        urgent.retain(is_waiting);
        let at = self.queue.iter().take_while(|queued| urgent.contains(&queued.id)).count();
        urgent.push(prompt.id.clone());
        self.urgent = urgent;
        let place = prompt.place.clone();
        self.queue.insert(at, prompt);
        self.interrupt_turn(InterruptedBy::Prompt, now);
        self.wake(place, now);
    }

    /// Interrupts the running turn, unless there is none or it is already interrupted.
    pub(super) fn interrupt_turn(&mut self, by: InterruptedBy, now: Timestamp) {
        let State::Busy(open) = &mut self.state else { return };
        if open.interrupt.is_none() {
            open.interrupt = Some(Interrupt::ByUser { since: now, acknowledged: Acknowledged::No, by });
            self.withdraw_requests();
            match by {
                InterruptedBy::Stop => self.forget_unaccepted(Self::drop_prompt),
                InterruptedBy::Prompt | InterruptedBy::AccessLost => self.forget_unaccepted(Self::keep_canceled),
            }
            self.emit_live(|run| Effect::Interrupt { run });
        }
    }

    pub(super) fn drop_one_queued(&mut self, prompt: &PromptId) -> Result<(), ApiError> {
        let index = self.queue.iter().position(|queued| queued.id == *prompt);
        let not_waiting = || ApiError { code: ApiErrorCode::Invalid, text: messages::not_waiting(&self.record.name) };
        let index = index.ok_or_else(not_waiting)?;
        if let Some(prompt) = self.queue.remove(index) {
            self.drop_prompt(prompt);
        }
        Ok(())
    }

    /// Handles prompts whose authors lost access: drops those that are waiting, and interrupts a turn that contains one
    /// of them. If the turn began with one of them, this interrupt replaces an earlier one, such as a `/stop`, so that
    /// the turn ends without a final message.
    pub(super) fn handle_access_lost(&mut self, prompts: &[PromptId], now: Timestamp) {
        let queue = std::mem::take(&mut self.queue);
        let (lost, remaining): (Vec<_>, Vec<_>) = queue.into_iter().partition(|prompt| prompts.contains(&prompt.id));
        self.queue = remaining.into();
        for prompt in lost {
            self.drop_prompt(prompt);
        }
        if !self.open().is_some_and(|open| open.contains_any(prompts)) {
            return;
        }
        self.forget_unaccepted(|machine, prompt| {
            if prompts.contains(&prompt.id) { machine.drop_prompt(prompt) } else { machine.keep_canceled(prompt) }
        });
        let Some(open) = self.open_mut().filter(|open| prompts.contains(&open.turn.prompt)) else {
            return self.interrupt_turn(InterruptedBy::AccessLost, now);
        };
        let before = open.interrupt.replace(Interrupt::AccessLost { since: now });
        self.withdraw_requests();
        if before.is_none() {
            self.emit_live(|run| Effect::Interrupt { run });
        }
    }
}
