//! Executes or refuses session commands. The caller has already checked permissions, personas and time spans.

use super::{
    ApiError, ApiErrorCode, Effect, Machine, Prompt, QueuedPrompts, SessionCommand,
    state::{AfterStop, InterruptedBy, LastPress, Shutdown, StartStage, State, StopStage},
};
use crate::{
    agent_event::PromptId,
    messages,
    types::{Alert, Choice, Place, Request, Timestamp},
};

impl Machine {
    pub(super) fn apply_command(&mut self, command: SessionCommand, now: Timestamp) -> Result<(), ApiError> {
        if self.shutdown != Shutdown::No {
            return Err(refusal(ApiErrorCode::Failed, messages::shutting_down()));
        }
        if self.record.archived != (command == SessionCommand::Restore) {
            return Err(self.archive_mismatch());
        }
        self.check_no_terminal(&command)?;
        match command {
            SessionCommand::Touch(place) => self.touch(place, now),
            SessionCommand::Start => self.start_without_prompt(now),
            SessionCommand::Suspend => {
                self.check_no_background_work("suspend")?;
                return self.suspend(now);
            }
            SessionCommand::ForceSuspend => return self.suspend(now),
            SessionCommand::DropQueued(prompt) => return self.drop_one_queued(&prompt),
            SessionCommand::OpenTerminal(process) => return self.open_terminal(process, now),
            SessionCommand::Interrupt { queued, from } => return self.interrupt(queued, from.as_ref(), now),
            SessionCommand::Retry(new_id) => return self.retry(new_id, now),
            SessionCommand::Fresh => return self.start_fresh(now),
            SessionCommand::Leave => return self.leave(now),
            SessionCommand::Answer { number, options, text } => {
                let id = self.numbered_request(number)?;
                return self.answer(&id, options, text, now);
            }
            SessionCommand::Pressed(request, command) => return self.press(&request, *command, now),
            SessionCommand::Archive => return self.archive(now),
            SessionCommand::Restore => self.unarchive(),
            SessionCommand::SetIdleTimeout(span) => {
                self.record.idle_timeout = span;
                self.restart_idle_clock(now);
            }
            SessionCommand::SetModel(model) => return self.set_model(model, now),
            SessionCommand::SetPersona(persona) => return self.set_persona(persona, now),
            SessionCommand::SetAgent(agent) => return self.set_agent(agent, now),
            SessionCommand::SetMode(mode) => self.record.mode = mode,
            SessionCommand::SetPermissionMode(mode) => return self.set_permission_mode(mode),
        }
        Ok(())
    }

    fn archive_mismatch(&self) -> ApiError {
        if self.record.archived {
            refusal(ApiErrorCode::Archived, messages::session_archived(&self.record.name))
        } else {
            refusal(ApiErrorCode::Invalid, messages::not_archived(&self.record.name))
        }
    }

    pub(super) fn busy(&self) -> ApiError {
        refusal(ApiErrorCode::Busy, messages::busy(&self.record.name))
    }

    /// Handles a place's switch to the session. Until the first prompt arrives, the session's notices are posted in the
    /// first place that switched to it.
    fn touch(&mut self, place: Place, now: Timestamp) {
        self.record.place.get_or_insert(place);
        self.record.last_active = now;
        self.restart_idle_clock(now);
    }

    /// Starts the agent without a prompt.
    fn start_without_prompt(&mut self, now: Timestamp) {
        match &mut self.state {
            State::Suspended => self.start_anew(now),
            State::Broken(blocked) if blocked.is_startable() => self.start_anew(now),
            State::Stopping(stop) if matches!(stop.then, AfterStop::Suspend) => stop.then = AfterStop::Start,
            State::Asking(blocked) | State::Broken(blocked) => {
                let notice = blocked.notice.clone();
                self.post_to_affected_places(&notice);
            }
            State::Stopping(_) | State::Starting(_) | State::Idle(_) | State::Busy(_) | State::Archived => {}
        }
    }

    /// Stops the agent. The command is refused during a turn, and while prompts wait for the agent to start.
    fn suspend(&mut self, now: Timestamp) -> Result<(), ApiError> {
        let is_blocked = matches!(self.state, State::Asking(_) | State::Broken(_));
        if matches!(self.state, State::Busy(_)) || (!is_blocked && !self.queue.is_empty()) {
            return Err(self.busy());
        }
        match &mut self.state {
            State::Starting(StartStage::Agent { .. }) | State::Idle(_) => {
                self.stop(StopStage::Closed, AfterStop::Suspend, now)
            }
            State::Starting(_) => {
                self.state = State::Suspended;
                self.close_failure(Choice::Withdrawn);
            }
            State::Stopping(stop) if !matches!(stop.then, AfterStop::Ask(_)) => stop.then = AfterStop::Suspend,
            State::Stopping(_) | State::Suspended | State::Busy(_) => {}
            State::Asking(_) | State::Broken(_) | State::Archived => {}
        }
        Ok(())
    }

    /// Interrupts the turn, and drops all waiting prompts. With [`QueuedPrompts::Keep`], drops only the next prompt,
    /// and only if it is waiting for an agent to start or for a terminal to close: the user who sent `/stop` doesn't
    /// want that prompt answered.
    pub(super) fn interrupt(
        &mut self,
        queued: QueuedPrompts,
        from: Option<&Place>,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let waits_for_terminal = self.record.terminal.is_some();
        let about_to_run = matches!(self.state, State::Starting(_)) || self.will_start() || waits_for_terminal;
        let drop = match queued {
            QueuedPrompts::Drop => self.queue.len(),
            QueuedPrompts::Keep => usize::from(about_to_run && !self.queue.is_empty()),
        };
        if let State::Busy(open) = &mut self.state {
            if from == Some(&open.turn.place) {
                open.turn.alert = Alert::Silent;
            }
            self.interrupt_turn(InterruptedBy::Stop, now);
        } else if drop == 0 {
            return Err(refusal(ApiErrorCode::Invalid, messages::nothing_runs()));
        }
        self.drop_queued(drop);
        Ok(())
    }

    /// Returns whether another agent will be started for the waiting prompts once the stopping process exits.
    fn will_start(&self) -> bool {
        match &self.state {
            State::Stopping(stop) => !matches!(stop.then, AfterStop::Ask(_) | AfterStop::Archive),
            State::Suspended | State::Starting(_) | State::Idle(_) | State::Busy(_) => false,
            State::Asking(_) | State::Broken(_) | State::Archived => false,
        }
    }

    /// Applies a button's command to that button's request, even if other requests are open.
    fn press(&mut self, request: &Request, command: SessionCommand, now: Timestamp) -> Result<(), ApiError> {
        match (request, command) {
            (Request::Prompt(id), SessionCommand::Retry(new_id)) => {
                let index = self.index_of_interrupted(id)?;
                self.send_again(index, new_id, now);
            }
            (Request::Prompt(id), SessionCommand::Leave) => {
                let index = self.index_of_interrupted(id)?;
                self.drop_interrupted(index);
            }
            (Request::Start { failure, .. }, SessionCommand::Retry(_)) if self.open_failure == Some(*failure) => {
                if !self.try_again(now) {
                    // The agent is already starting.
                    self.close_failure(Choice::TryAgain);
                }
            }
            (Request::Start { failure, .. }, SessionCommand::Fresh) if self.open_failure == Some(*failure) => {
                return self.start_fresh(now);
            }
            (Request::Stall { since, .. }, command) if self.open_stall == Some(*since) => {
                return self.decide_stall(command, now);
            }
            (Request::Agent { id, .. }, SessionCommand::Answer { options, text, .. }) => {
                return self.answer(id, options, text, now);
            }
            (Request::Prompt(_) | Request::Start { .. } | Request::Stall { .. }, _)
            | (Request::Grant { .. } | Request::Agent { .. }, _) => {
                return Err(refusal(ApiErrorCode::Invalid, messages::not_open()));
            }
        }
        Ok(())
    }

    fn index_of_interrupted(&self, id: &PromptId) -> Result<usize, ApiError> {
        let index = self.record.interrupted.iter().position(|prompt| prompt.id == *id);
        index.ok_or_else(|| refusal(ApiErrorCode::Invalid, messages::not_open()))
    }

    /// Starts the agent if the start was waiting for a user's decision or for the end of a backoff. Returns whether it
    /// was. If the previous process hasn't exited yet, the next one starts once it does.
    fn try_again(&mut self, now: Timestamp) -> bool {
        match &mut self.state {
            State::Asking(_) | State::Broken(_) | State::Starting(StartStage::Backoff { .. }) => {
                self.last_press.retry = Some(now);
                self.close_failure(Choice::TryAgain);
                self.start_anew(now);
                true
            }
            State::Stopping(stop) if matches!(stop.then, AfterStop::Ask(_)) => {
                stop.then = AfterStop::Start;
                self.close_failure(Choice::TryAgain);
                true
            }
            State::Stopping(_) | State::Suspended | State::Starting(_) => false,
            State::Idle(_) | State::Busy(_) | State::Archived => false,
        }
    }

    fn retry(&mut self, new_id: PromptId, now: Timestamp) -> Result<(), ApiError> {
        if self.try_again(now) {
            return Ok(());
        }
        let is_retrying = self.is_retry_pending() || LastPress::is_recent(self.last_press.retry, now);
        if is_retrying && !self.record.interrupted.is_empty() {
            return Err(refusal(ApiErrorCode::Busy, messages::sent_again(&self.record.name)));
        }
        let latest = self.record.interrupted.len().checked_sub(1);
        let index = latest.ok_or_else(|| refusal(ApiErrorCode::Invalid, messages::nothing_to_retry()))?;
        self.send_again(index, new_id, now);
        Ok(())
    }

    /// Resends an interrupted prompt under a new id, because agents ignore a prompt whose id they have already seen.
    fn send_again(&mut self, index: usize, new_id: PromptId, now: Timestamp) {
        let interrupted = self.record.interrupted.remove(index);
        let (was_latest, id) = (index == self.record.interrupted.len(), interrupted.id.clone());
        self.retried_prompt = Some(new_id.clone());
        let prompt = Prompt { id: new_id, ..interrupted.into() };
        let place = prompt.place.clone();
        self.emit(Effect::Accept(prompt.clone()));
        self.emit(Effect::CloseRequest { request: Request::Prompt(id), choice: Choice::SendAgain });
        self.queue.push_front(prompt);
        self.wake(place, now);
        if was_latest {
            self.post_earlier_interrupted();
        }
    }

    /// Returns whether the most recently retried prompt is still unanswered.
    fn is_retry_pending(&self) -> bool {
        let Some(retried) = &self.retried_prompt else { return false };
        self.queue.iter().any(|prompt| prompt.id == *retried) || self.open().is_some_and(|open| open.is(retried))
    }

    fn leave(&mut self, now: Timestamp) -> Result<(), ApiError> {
        if self.record.interrupted.is_empty() {
            return Err(refusal(ApiErrorCode::Invalid, messages::nothing_to_leave()));
        }
        if LastPress::is_recent(self.last_press.leave, now) {
            return Err(refusal(ApiErrorCode::Busy, messages::left_already(&self.record.name)));
        }
        self.last_press.leave = Some(now);
        self.drop_interrupted(self.record.interrupted.len() - 1);
        Ok(())
    }

    fn drop_interrupted(&mut self, index: usize) {
        let dropped = self.record.interrupted.remove(index);
        self.emit(Effect::CloseRequest { request: Request::Prompt(dropped.id.clone()), choice: Choice::Leave });
        if index == self.record.interrupted.len() {
            self.post_earlier_interrupted();
        }
    }

    pub(super) fn check_no_waiting_prompts(&self) -> Result<(), ApiError> {
        if self.queue.is_empty() {
            return Ok(());
        }
        Err(refusal(ApiErrorCode::Busy, messages::messages_wait(&self.record.name, self.queue.len())))
    }

    pub(super) fn start_fresh(&mut self, now: Timestamp) -> Result<(), ApiError> {
        if matches!(self.state, State::Busy(_)) {
            return Err(self.busy());
        }
        self.check_no_background_work("fresh")?;
        self.close_failure(Choice::StartFresh);
        self.record.conversation = None;
        self.record.resumable = false;
        self.record.fork = None;
        self.record.reset_usage();
        if let Some(live) = &mut self.live {
            live.conversation_discarded = true;
        }
        match &mut self.state {
            State::Asking(_) | State::Broken(_) => self.start_anew(now),
            State::Starting(StartStage::Agent { .. }) | State::Idle(_) => {
                self.stop(StopStage::Closed, AfterStop::Start, now)
            }
            State::Stopping(stop) if matches!(stop.then, AfterStop::Ask(_)) => stop.then = AfterStop::Start,
            State::Stopping(_) | State::Suspended | State::Starting(_) | State::Busy(_) | State::Archived => {}
        }
        Ok(())
    }

    fn archive(&mut self, now: Timestamp) -> Result<(), ApiError> {
        if matches!(self.state, State::Busy(_)) {
            return Err(self.busy());
        }
        // The waiting prompts were accepted, so archiving the session must not drop them.
        self.check_no_waiting_prompts()?;
        self.check_no_background_work("archive")?;
        self.close_failure(Choice::Withdrawn);
        for prompt in std::mem::take(&mut self.record.interrupted) {
            self.emit(Effect::CloseRequest { request: Request::Prompt(prompt.id.clone()), choice: Choice::Withdrawn });
        }
        self.resume_notice = None;
        self.record.archived = true;
        if self.live.is_none() {
            self.state = State::Archived;
            return Ok(());
        }
        match &mut self.state {
            State::Stopping(stop) => stop.then = AfterStop::Archive,
            State::Starting(_) | State::Idle(_) => self.stop(StopStage::Closed, AfterStop::Archive, now),
            State::Suspended | State::Busy(_) | State::Asking(_) | State::Broken(_) | State::Archived => {}
        }
        Ok(())
    }

    fn unarchive(&mut self) {
        self.record.archived = false;
        match &mut self.state {
            State::Stopping(stop) => stop.then = AfterStop::Suspend,
            State::Archived => self.state = State::Suspended,
            State::Suspended | State::Starting(_) | State::Idle(_) => {}
            State::Busy(_) | State::Asking(_) | State::Broken(_) => {}
        }
    }
}

pub(super) fn refusal(code: ApiErrorCode, text: impl Into<String>) -> ApiError {
    ApiError { code, text: text.into() }
}
