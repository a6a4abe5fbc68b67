//! Asks users about a turn whose agent is silent, for example because it lost its connection. The question is asked
//! once per silence, and closed when a user decides, the agent produces output again, or the turn ends or is
//! interrupted.

use super::{
    ApiError, ApiErrorCode, Effect, Machine, Prompt, SessionCommand,
    background_work::BackgroundWork,
    commands::refusal,
    state::{AfterStop, State, StopStage},
};
use crate::{
    agent_event::PromptId,
    messages::{self, SessionNotice},
    turn::TurnState,
    types::{Choice, Request, Timestamp},
};

impl Machine {
    /// Returns the time at which to ask users about the running turn's silence. Returns `None` if the question is
    /// disabled or already open, or if the silence has a reason: a tool is running, an agent's question is open, or the
    /// turn is being interrupted.
    pub(super) fn stall_deadline(&self) -> Option<Timestamp> {
        let State::Busy(open) = &self.state else { return None };
        let is_expected = open.interrupt.is_some() || !self.open_requests().is_empty() || open.turn.runs_tool();
        let is_off = self.settings.stall.is_zero();
        (!is_expected && !is_off && self.open_stall.is_none()).then(|| open.silent_since.after(self.settings.stall))
    }

    /// Restarts the silence clock, because the agent produced output, a question was closed, or a user chose to wait.
    pub(super) const fn end_silence(&mut self, now: Timestamp) {
        if let State::Busy(open) = &mut self.state {
            open.silent_since = now;
        }
    }

    pub(super) fn ask_about_stall(&mut self) {
        let State::Busy(open) = &self.state else { return };
        let (place, since) = (open.turn.place.clone(), open.silent_since);
        let work = self.background().map(BackgroundWork::list).unwrap_or_default();
        self.open_stall = Some(since);
        self.post(place, SessionNotice::Stalled { since, silent: self.settings.stall, work });
    }

    /// Closes the question about the silence if it no longer applies.
    pub(super) fn close_past_stall(&mut self) {
        let applies = match &self.state {
            State::Busy(open) => open.interrupt.is_none() && self.open_stall == Some(open.silent_since),
            State::Suspended | State::Starting(_) | State::Idle(_) | State::Stopping(_) => false,
            State::Asking(_) | State::Broken(_) | State::Archived => false,
        };
        if !applies {
            self.close_stall(Choice::Withdrawn);
        }
    }

    fn close_stall(&mut self, choice: Choice) {
        if let Some(since) = self.open_stall.take() {
            let request = Request::Stall { session: self.record.id().clone(), since };
            self.emit(Effect::CloseRequest { request, choice });
        }
    }

    /// Applies the command of one of the open question's buttons.
    pub(super) fn decide_stall(&mut self, command: SessionCommand, now: Timestamp) -> Result<(), ApiError> {
        if let SessionCommand::Retry(new_id) = command {
            self.restart_turn(new_id, now);
        } else if let SessionCommand::Interrupt { queued, from } = command {
            self.close_stall(Choice::Interrupt);
            self.interrupt(queued, from.as_ref(), now)?;
        } else if matches!(&command, SessionCommand::Answer { options, .. } if options == &[messages::WAIT]) {
            self.close_stall(Choice::Wait);
            self.end_silence(now);
        } else {
            return Err(refusal(ApiErrorCode::Invalid, messages::not_open()));
        }
        Ok(())
    }

    /// Stops the silent agent and its background work, which the question lists, and sends the prompt to a new agent.
    /// The prompt gets a new id, because agents ignore a prompt whose id they have already seen. Steered prompts that
    /// the old agent has not accepted go to the new agent; the others are kept as interrupted prompts.
    fn restart_turn(&mut self, new_id: PromptId, now: Timestamp) {
        let Some(mut open) = self.take_open(|_| true) else { return };
        let accepted = self.settle_steered(&mut open);
        if let Some(prompt) = open.prompt {
            let prompt = Prompt { id: new_id, ..prompt };
            self.last_press.retry = Some(now);
            self.retried_prompt = Some(prompt.id.clone());
            // Stored before the turn ends, so that the prompt isn't lost if the host dies in between.
            self.emit(Effect::Accept(prompt.clone()));
            self.queue.push_front(prompt);
        }
        self.close_stall(Choice::Restart);
        self.finish(open.turn, TurnState::Failed(messages::restarted()), now);
        accepted.into_iter().for_each(|prompt| self.keep_unanswered(prompt));
        self.stop(StopStage::Closed, AfterStop::Suspend, now);
    }
}
