//! Commands to a session, and the reasons for which it refuses them. The caller has already checked permissions,
//! personas and time spans.

use super::{
    ApiError, Effect, Machine, Prompt, RefusalCode, SessionCommand, Waiting,
    state::{Acknowledged, AfterStop, Ending, Interrupt, LastPress, Start, State, StopStage},
};
use crate::{
    agent::PromptId,
    messages,
    types::{Alert, Choice, Place, Request, Timestamp, is_model_name},
};

impl Machine {
    pub(super) fn apply_command(&mut self, order: SessionCommand, now: Timestamp) -> Result<(), ApiError> {
        if self.ending != Ending::No {
            return Err(refusal(RefusalCode::Failed, messages::ENDING));
        }
        if self.record.archived != (order == SessionCommand::Restore) {
            return Err(self.archive_mismatch());
        }
        match order {
            SessionCommand::Touch(place) => self.touch(place, now),
            SessionCommand::Start => self.resume(now),
            SessionCommand::Suspend => {
                self.spare_background("suspend")?;
                return self.suspend(now);
            }
            SessionCommand::SuspendAnyway => return self.suspend(now),
            SessionCommand::Interrupt { waiting, from } => return self.interrupt(waiting, from.as_ref(), now),
            SessionCommand::Retry(again) => return self.retry(again, now),
            SessionCommand::Fresh => return self.forget(now),
            SessionCommand::Leave => return self.leave(now),
            SessionCommand::Pressed(request, order) => return self.press(&request, *order, now),
            SessionCommand::Archive => return self.archive(now),
            SessionCommand::Restore => self.unarchive(),
            SessionCommand::SetIdleTimeout(span) => {
                self.record.idle_timeout = span;
                self.restart_idle_clock(now);
            }
            SessionCommand::SetModel(model) => return self.set_model(model, now),
            SessionCommand::SetPersona(persona) => self.set_persona(persona, now),
            SessionCommand::SetMode(mode) => self.record.mode = mode,
        }
        Ok(())
    }

    fn archive_mismatch(&self) -> ApiError {
        if self.record.archived {
            refusal(RefusalCode::Archived, &messages::archived(&self.record.name))
        } else {
            refusal(RefusalCode::Invalid, &messages::not_archived(&self.record.name))
        }
    }

    fn busy(&self) -> ApiError {
        refusal(RefusalCode::Busy, &messages::busy(&self.record.name))
    }

    /// Switches a place to the session. A session without prompts so far belongs to the first place that does.
    fn touch(&mut self, place: Place, now: Timestamp) {
        self.record.place.get_or_insert(place);
        self.record.last_active = now;
        self.restart_idle_clock(now);
    }

    /// Starts the agent without a prompt.
    fn resume(&mut self, now: Timestamp) {
        match &mut self.state {
            State::Suspended => self.start_anew(now),
            State::Stopping(stop) if matches!(stop.then, AfterStop::Suspend) => stop.then = AfterStop::Start,
            State::Asking(held) | State::Broken(held) => {
                let notice = held.notice.clone();
                self.tell_concerned(&notice);
            }
            State::Stopping(_) | State::Starting(_) | State::Idle(_) | State::Busy(_) | State::Archived => {}
        }
    }

    /// Stops the agent. Refused during a turn, and while a prompt waits for a start.
    fn suspend(&mut self, now: Timestamp) -> Result<(), ApiError> {
        let held = matches!(self.state, State::Asking(_) | State::Broken(_));
        if matches!(self.state, State::Busy(_)) || (!held && !self.waiting.is_empty()) {
            return Err(self.busy());
        }
        match &mut self.state {
            State::Starting(Start::Agent { .. }) | State::Idle(_) => {
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

    /// Interrupts the turn. A prompt that is about to be sent counts as running: after `/stop`, the user does not want
    /// an answer to it.
    fn interrupt(&mut self, waiting: Waiting, from: Option<&Place>, now: Timestamp) -> Result<(), ApiError> {
        let about_to_run = matches!(self.state, State::Starting(_)) || self.will_start();
        let drop = match waiting {
            Waiting::Drop => self.waiting.len(),
            Waiting::Keep => usize::from(about_to_run && !self.waiting.is_empty()),
        };
        if let State::Busy(open) = &mut self.state {
            let here = from == Some(&open.turn.place);
            if here {
                open.turn.alert = Alert::Silent;
            }
            if let Some(Interrupt::ByUser { told, .. }) = &mut open.interrupt {
                *told |= here;
            } else if open.interrupt.is_none() {
                open.interrupt = Some(Interrupt::ByUser { since: now, told: here, acknowledged: Acknowledged::No });
                self.emit_live(|run| Effect::Interrupt { run });
            }
        } else if drop == 0 {
            return Err(refusal(RefusalCode::Invalid, messages::NOTHING_RUNS));
        }
        self.drop_waiting(drop);
        Ok(())
    }

    /// Whether another agent starts for the waiting prompts once the stopping process has exited.
    fn will_start(&self) -> bool {
        match &self.state {
            State::Stopping(stop) => !matches!(stop.then, AfterStop::Ask(_) | AfterStop::Archive),
            State::Suspended | State::Starting(_) | State::Idle(_) | State::Busy(_) => false,
            State::Asking(_) | State::Broken(_) | State::Archived => false,
        }
    }

    /// A button decides its own request, even if other requests are open.
    fn press(&mut self, request: &Request, order: SessionCommand, now: Timestamp) -> Result<(), ApiError> {
        match (request, order) {
            (Request::Prompt(id), SessionCommand::Retry(again)) => {
                let index = self.index_of_kept(id)?;
                self.send_again(index, again, now);
            }
            (Request::Prompt(id), SessionCommand::Leave) => {
                let index = self.index_of_kept(id)?;
                self.drop_kept(index);
            }
            (Request::Start { failure, .. }, SessionCommand::Retry(_)) if self.failure == Some(*failure) => {
                if !self.try_again(now) {
                    // The agent is already starting.
                    self.close_failure(Choice::TryAgain);
                }
            }
            (Request::Start { failure, .. }, SessionCommand::Fresh) if self.failure == Some(*failure) => {
                return self.forget(now);
            }
            (Request::Prompt(_) | Request::Start { .. } | Request::Grant { .. }, _) => {
                return Err(refusal(RefusalCode::Invalid, messages::NOT_OPEN));
            }
        }
        Ok(())
    }

    fn index_of_kept(&self, id: &PromptId) -> Result<usize, ApiError> {
        let index = self.record.kept.iter().position(|kept| kept.id == *id);
        index.ok_or_else(|| refusal(RefusalCode::Invalid, messages::NOT_OPEN))
    }

    /// Starts the agent if the start waits for the user or for a backoff.
    fn try_again(&mut self, now: Timestamp) -> bool {
        match &mut self.state {
            State::Asking(_) | State::Broken(_) | State::Starting(Start::Again { .. }) => {
                self.pressed.retry = Some(now);
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

    fn retry(&mut self, again: PromptId, now: Timestamp) -> Result<(), ApiError> {
        if self.try_again(now) {
            return Ok(());
        }
        let at_it = self.is_sent_again() || LastPress::is_recent(self.pressed.retry, now);
        if at_it && !self.record.kept.is_empty() {
            return Err(refusal(RefusalCode::Busy, &messages::sent_again(&self.record.name)));
        }
        let latest = self.record.kept.len().checked_sub(1);
        let index = latest.ok_or_else(|| refusal(RefusalCode::Invalid, messages::NOTHING_TO_RETRY))?;
        self.send_again(index, again, now);
        Ok(())
    }

    /// Sends an interrupted prompt again, with `again` as its new id, because agents drop a prompt whose id they have
    /// seen.
    fn send_again(&mut self, index: usize, again: PromptId, now: Timestamp) {
        let kept = self.record.kept.remove(index);
        let (was_latest, id) = (index == self.record.kept.len(), kept.id.clone());
        self.again = Some(again.clone());
        let prompt = Prompt { id: again, ..kept.into() };
        let place = prompt.place.clone();
        self.emit(Effect::Accept(prompt.clone()));
        self.emit(Effect::CloseRequest { request: Request::Prompt(id), choice: Choice::SendAgain });
        self.waiting.push_front(prompt);
        self.wake(place, now);
        if was_latest {
            self.tell_still_kept();
        }
    }

    /// Whether the prompt that was sent again last is unanswered.
    fn is_sent_again(&self) -> bool {
        let Some(again) = &self.again else { return false };
        self.waiting.iter().any(|prompt| prompt.id == *again) || self.open().is_some_and(|open| open.is(again))
    }

    fn leave(&mut self, now: Timestamp) -> Result<(), ApiError> {
        if self.record.kept.is_empty() {
            return Err(refusal(RefusalCode::Invalid, messages::NOTHING_TO_LEAVE));
        }
        if LastPress::is_recent(self.pressed.leave, now) {
            return Err(refusal(RefusalCode::Busy, &messages::left_already(&self.record.name)));
        }
        self.pressed.leave = Some(now);
        self.drop_kept(self.record.kept.len() - 1);
        Ok(())
    }

    fn drop_kept(&mut self, index: usize) {
        let kept = self.record.kept.remove(index);
        self.emit(Effect::CloseRequest { request: Request::Prompt(kept.id.clone()), choice: Choice::Leave });
        if index == self.record.kept.len() {
            self.tell_still_kept();
        }
    }

    fn forget(&mut self, now: Timestamp) -> Result<(), ApiError> {
        if matches!(self.state, State::Busy(_)) {
            return Err(self.busy());
        }
        self.spare_background("fresh")?;
        self.close_failure(Choice::StartFresh);
        self.record.conversation = None;
        self.record.resumable = false;
        self.record.cost_usd = None;
        if let Some(live) = &mut self.live {
            live.forgotten = true;
        }
        match &mut self.state {
            State::Asking(_) | State::Broken(_) => self.start_anew(now),
            State::Starting(Start::Agent { .. }) | State::Idle(_) => {
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
        // The waiting prompts were accepted, so only their authors drop them.
        if !self.waiting.is_empty() {
            let text = messages::messages_wait(&self.record.name, self.waiting.len());
            return Err(refusal(RefusalCode::Busy, &text));
        }
        self.spare_background("archive")?;
        self.close_failure(Choice::Withdrawn);
        for kept in std::mem::take(&mut self.record.kept) {
            self.emit(Effect::CloseRequest { request: Request::Prompt(kept.id.clone()), choice: Choice::Withdrawn });
        }
        self.resuming = None;
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

    fn set_model(&mut self, model: Option<String>, now: Timestamp) -> Result<(), ApiError> {
        if let Some(name) = &model
            && !is_model_name(name)
        {
            return Err(refusal(RefusalCode::Invalid, &messages::invalid_model(name)));
        }
        if let Some(name) = &model
            && !self.models.is_empty()
            && !self.models.contains(name)
        {
            return Err(refusal(RefusalCode::Invalid, &messages::unknown_model(name, &self.models)));
        }
        self.record.model = model;
        self.renew(now);
        Ok(())
    }

    fn set_persona(&mut self, persona: Option<String>, now: Timestamp) {
        if self.record.persona == persona {
            return;
        }
        self.record.persona = persona;
        self.greeting = None;
        self.record.greeted = false;
        match &self.state {
            State::Starting(Start::Persona { .. }) => self.start(now),
            State::Suspended | State::Starting(_) | State::Idle(_) | State::Busy(_) => self.renew(now),
            State::Stopping(_) | State::Asking(_) | State::Broken(_) | State::Archived => {}
        }
    }

    /// Restarts an idle agent silently if it no longer matches the record. An agent with background work keeps running,
    /// and the user is notified.
    fn renew(&mut self, now: Timestamp) {
        if !self.is_outdated() {
            return;
        }
        if self.background().is_some() {
            self.tell_counts_later();
        } else if matches!(self.state, State::Idle(_)) {
            self.stop(StopStage::Closed, AfterStop::Start, now);
        }
    }
}

fn refusal(code: RefusalCode, text: &str) -> ApiError {
    ApiError { code, text: text.to_owned() }
}
