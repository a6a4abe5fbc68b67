//! Prompts and turns: the queue, the prompt in progress, the agent's output, and the end of a turn. Prompts are sent to
//! the agent in queue order, one at a time unless `steering` sends more.

use std::time::Duration;

use super::{
    Completion, Effect, Machine, Prompt, Ticket,
    state::{
        Acknowledged, AfterStop, ExitInfo, Interrupt, InterruptedBy, OpenTurn, Receipt, Shutdown, State, StopStage,
    },
};
use crate::{
    agent_event::{Change, Outcome, PromptId},
    messages::{self, DenialCause, SessionNotice},
    turn::{Turn, TurnState},
    types::{Alert, Place, PromptKind, Timestamp, TurnUsage},
};

impl Machine {
    /// Accepts a prompt by calling `accept`, or rejects it.
    pub(super) fn handle_prompt(&mut self, prompt: Prompt, accept: fn(&mut Self, Prompt, Timestamp), now: Timestamp) {
        if self.record.archived {
            return self.reject_archived(prompt);
        }
        let (interrupted, limit) = (self.record.interrupted.len(), self.settings.max_interrupted.max(1));
        if interrupted >= limit {
            let notice = |prompt| SessionNotice::TooManyInterrupted { interrupted, limit, prompt };
            return self.reject_prompt(prompt, notice);
        }
        let limit = self.settings.max_queued.max(1);
        if self.queue.len() + self.count_unaccepted() >= limit {
            return self.reject_prompt(prompt, |prompt| SessionNotice::QueueFull { limit, prompt });
        }
        accept(self, prompt, now);
    }

    pub(super) fn handle_edited(&mut self, prompt: &PromptId, kind: PromptKind, text: String) {
        if let Some(queued) = self.queue.iter_mut().find(|queued| queued.id == *prompt) {
            queued.kind = kind;
            queued.text = text;
        }
    }

    /// Rejects a prompt to an archived session.
    pub(super) fn reject_archived(&mut self, prompt: Prompt) {
        self.reject_prompt(prompt, |prompt| SessionNotice::Archived { prompt });
    }

    /// Rejects a prompt with a notice that quotes its beginning.
    fn reject_prompt(&mut self, prompt: Prompt, notice: impl FnOnce(String) -> SessionNotice) {
        let notice = notice(messages::beginning(&prompt.text));
        self.complete_with_notice(&prompt, Completion::Rejected(Box::new(notice.clone())), notice);
    }

    /// Completes a prompt that the agent doesn't answer, and posts the notice in the prompt's place.
    pub(super) fn complete_with_notice(&mut self, prompt: &Prompt, how: Completion, notice: SessionNotice) {
        let (prompt, place) = (prompt.id.clone(), prompt.place.clone());
        self.emit(Effect::CompleteWithNotice { prompt, how, place, notice });
    }

    pub(super) fn drop_prompt(&mut self, prompt: Prompt) {
        let how = Completion::Dropped(messages::beginning(&prompt.text));
        self.emit(Effect::Complete { prompt: prompt.id, how });
    }

    /// Appends a prompt to the queue, and starts or resumes the agent if needed.
    pub(super) fn accept(&mut self, prompt: Prompt, now: Timestamp) {
        let place = prompt.place.clone();
        self.queue.push_back(prompt);
        self.wake(place, now);
    }

    /// Handles a prompt from `place` that has joined the queue: sends the next prompt to an idle agent, starts the
    /// agent if there is none, or posts the reason why the prompt has to wait.
    pub(super) fn wake(&mut self, place: Place, now: Timestamp) {
        let idle_for = now.since(self.record.last_active);
        self.record.last_active = now;
        self.record.place = Some(place.clone());
        if self.record.terminal.is_some() {
            return self.post_waits_for_terminal(place);
        }
        match &self.state {
            State::Suspended => {
                self.request_resume_notice(place, idle_for);
                self.start_anew(now);
            }
            State::Stopping(stop) => {
                if matches!(stop.then, AfterStop::Suspend) && stop.open.is_none() && self.queue.len() == 1 {
                    self.request_resume_notice(place, idle_for);
                }
            }
            State::Idle(_) => self.next_prompt(now),
            State::Broken(blocked) if blocked.is_startable() => self.start_anew(now),
            State::Asking(blocked) | State::Broken(blocked) => {
                let notice = blocked.notice.clone();
                self.post(place, notice);
            }
            State::Starting(_) | State::Busy(_) | State::Archived => {}
        }
    }

    /// Requests the text of the resume notice. If there is no conversation to resume, for example after an interrupted
    /// first turn, no notice is sent, because the agent does not remember anything.
    fn request_resume_notice(&mut self, place: Place, idle_for: Duration) {
        if self.conversation_start().resumed().is_some() && self.shutdown == Shutdown::No {
            let ticket = self.next_ticket();
            self.resume_notice = Some((ticket, place));
            self.emit(Effect::RequestResumeNotice { ticket, idle_for });
        }
    }

    pub(super) fn handle_resume_notice(&mut self, ticket: Ticket, text: Option<String>) {
        if let Some((_, place)) = self.resume_notice.take_if(|(pending, _)| *pending == ticket)
            && let Some(text) = text
        {
            self.post(place, SessionNotice::Resuming(text));
        }
    }

    /// Continues with an agent that is ready. Restarts it if its persona, model or configuration is outdated and it has
    /// no background work. Otherwise sends the next prompt, or becomes idle if no prompt is waiting.
    pub(super) fn next_prompt(&mut self, now: Timestamp) {
        if self.is_outdated() && self.background().is_none() {
            return self.stop(StopStage::Closed, AfterStop::Start, now);
        }
        let Some(prompt) = self.queue.pop_front() else {
            self.failed_starts = 0;
            return self.become_idle(now);
        };
        self.urgent.retain(|id| *id != prompt.id);
        let turn = self.turn_of(&prompt, now);
        self.emit(Effect::MarkSent(prompt.id.clone()));
        let sent = prompt.clone();
        self.emit_live(|run| Effect::Send { run, prompt: sent });
        self.state = State::Busy(OpenTurn::new(Some(prompt), turn, Receipt::Sent));
    }

    pub(super) fn new_turn(&self, id: PromptId, place: Place, now: Timestamp) -> Turn {
        Turn { mode: self.record.mode.clone(), ..Turn::new(id, place, now) }
    }

    /// Creates the turn that answers the prompt. The session's view mode takes precedence over the author's.
    pub(super) fn turn_of(&self, prompt: &Prompt, now: Timestamp) -> Turn {
        let turn = self.new_turn(prompt.id.clone(), prompt.place.clone(), now);
        Turn { mode: turn.mode.or_else(|| prompt.mode.clone()), ..turn }
    }

    pub(super) fn is_outdated(&self) -> bool {
        self.live.as_ref().is_some_and(|live| {
            live.persona != self.record.persona || live.model != self.model() || live.agent != self.settings.agent
        })
    }

    pub(super) fn handle_prompt_accepted(&mut self, prompt: &PromptId) {
        let Some(open) = self.open_mut() else { return };
        if open.contains_any(std::slice::from_ref(prompt)) {
            let steered = open.steered.iter_mut().filter(|steered| steered.prompt.id == *prompt);
            steered.for_each(|steered| steered.receipt = Receipt::Accepted);
            // The agent accepts prompts in order, so it has also accepted the turn's first prompt.
            open.receipt = Receipt::Accepted;
            self.failed_starts = 0;
        }
    }

    /// Applies a change to the answer, and marks the prompt as accepted, because resending it would repeat output that
    /// was already shown.
    pub(super) fn handle_part(&mut self, at: u32, change: Change) {
        let Some(open) = self.open_mut() else { return };
        open.receipt = Receipt::Accepted;
        open.turn.change(at, change);
        let shown = !matches!(open.interrupt, Some(Interrupt::AccessLost { .. }));
        self.failed_starts = 0;
        if shown {
            self.emit(Effect::ShowTurn);
        }
    }

    pub(super) fn handle_denied(&mut self, tool: String, detail: String) {
        let place = self.open().map(|open| open.turn.place.clone()).or_else(|| self.record.place.clone());
        if let Some(place) = place {
            self.post(
                place,
                SessionNotice::Denied { tool, detail, cause: DenialCause::Agent(self.record.agent.clone()) },
            );
        }
    }

    pub(super) const fn handle_interrupt_accepted(&mut self) {
        if let State::Busy(OpenTurn { interrupt: Some(Interrupt::ByUser { acknowledged, .. }), .. }) = &mut self.state {
            *acknowledged = Acknowledged::Yes;
        }
    }

    /// Posts a message that the agent sent without being prompted, and restarts the idle time to give the user time to
    /// answer.
    pub(super) fn handle_unprompted_text(&mut self, text: String, now: Timestamp) {
        if let Some(place) = self.record.place.clone() {
            self.post(place, SessionNotice::UnpromptedText(text));
        }
        self.restart_idle_clock(now);
    }

    /// Ends the open turn. Ignores an event that names none of the turn's prompts, because such an event is a duplicate
    /// or belongs to an abandoned turn. Prompts sent during this turn that the event doesn't name are left for the next
    /// turn. After an interrupt, the accepted ones end with this turn instead.
    pub(super) fn handle_finished(
        &mut self,
        answered: &[PromptId],
        outcome: Outcome,
        usage: &TurnUsage,
        now: Timestamp,
    ) {
        let Some(mut open) = self.take_open(|open| open.contains_any(answered)) else { return };
        let is_interrupted = open.interrupt.is_some();
        open.end_steered(|steered| {
            answered.contains(&steered.prompt.id) || is_interrupted && steered.receipt == Receipt::Accepted
        });
        let OpenTurn { mut turn, interrupt, steered, .. } = open;
        turn.cost_usd = self.record_usage(usage, now);
        self.failed_starts = 0;
        match (outcome, interrupt) {
            (_, Some(Interrupt::AccessLost { .. })) => self.finish(turn, TurnState::Stopped, now),
            (Outcome::Done, _) => self.finish(turn, TurnState::Done, now),
            // The host interrupted the turn, even if the agent reports a failure.
            (Outcome::Interrupted | Outcome::Failed(_), Some(Interrupt::ByHost)) => self.finish_interrupted(turn),
            (Outcome::Failed(why), _) => self.finish(turn, TurnState::Failed(why), now),
            (Outcome::Interrupted, Some(Interrupt::ByUser { by, .. })) => self.finish_stopped(turn, by, now),
            (Outcome::Interrupted, None) => self.finish(turn, TurnState::Failed(messages::interrupted()), now),
        }
        if !steered.is_empty() {
            return self.begin_steered_turn(steered, now);
        }
        match &self.state {
            State::Stopping(stop) if stop.stage == StopStage::Interrupted => self.advance_stop(StopStage::Closed, now),
            State::Stopping(_) => {}
            State::Busy(_) | State::Suspended | State::Starting(_) | State::Idle(_) => self.next_prompt(now),
            State::Asking(_) | State::Broken(_) | State::Archived => {}
        }
    }

    /// Ends a turn. Its prompts count as answered even if the turn failed.
    pub(super) fn finish(&mut self, mut turn: Turn, state: TurnState, now: Timestamp) {
        turn.state = state;
        self.resume_notice = None;
        self.forget_continued_turn(&turn);
        self.record.turns += 1;
        self.record.last_active = now;
        self.emit(Effect::Finish(turn));
    }

    /// Ends a turn after an [`Interrupt::ByUser`].
    pub(super) fn finish_stopped(&mut self, turn: Turn, by: InterruptedBy, now: Timestamp) {
        let state = match by {
            InterruptedBy::Stop => state_of_stopped(&turn),
            InterruptedBy::Prompt => TurnState::Failed(messages::interrupted_by_prompt()),
            InterruptedBy::AccessLost => TurnState::Failed(messages::interrupted_by_lost_access()),
        };
        self.finish(turn, state, now);
    }

    /// Ends a turn that the shutdown interrupted. Its prompts count as unanswered, and the next host keeps them as
    /// interrupted prompts.
    pub(super) fn finish_interrupted(&mut self, mut turn: Turn) {
        turn.state = TurnState::Failed(messages::host_ended());
        self.emit(Effect::FinishInterrupted(turn));
    }

    pub(super) const fn open(&self) -> Option<&OpenTurn> {
        match &self.state {
            State::Busy(open) => Some(open),
            State::Stopping(stop) => stop.open.as_ref(),
            State::Suspended | State::Starting(_) | State::Idle(_) => None,
            State::Asking(_) | State::Broken(_) | State::Archived => None,
        }
    }

    pub(super) const fn open_mut(&mut self) -> Option<&mut OpenTurn> {
        match &mut self.state {
            State::Busy(open) => Some(open),
            State::Stopping(stop) => stop.open.as_mut(),
            State::Suspended | State::Starting(_) | State::Idle(_) => None,
            State::Asking(_) | State::Broken(_) | State::Archived => None,
        }
    }

    /// Takes the open turn if `wanted` returns true for it. If the session was busy, the caller must set a new state.
    pub(super) fn take_open(&mut self, wanted: impl FnOnce(&OpenTurn) -> bool) -> Option<OpenTurn> {
        if !self.open().is_some_and(wanted) {
            return None;
        }
        if let State::Stopping(stop) = &mut self.state {
            return stop.open.take();
        }
        let State::Busy(open) = std::mem::replace(&mut self.state, State::Suspended) else { return None };
        Some(open)
    }

    /// Moves the prompts of the turn back to the front of the queue, because the agent refused the resume. If the
    /// author of the first prompt lost access, ends the turn instead.
    pub(super) fn requeue_open_prompts(&mut self, now: Timestamp) {
        let Some(mut open) = self.take_open(|open| open.prompt.is_some()) else { return };
        if let Some(Interrupt::AccessLost { .. }) = open.interrupt {
            open.end_steered(|_| true);
            return self.finish(open.turn, TurnState::Stopped, now);
        }
        self.requeue_steered(open.steered);
        if let Some(prompt) = open.prompt {
            self.requeue(prompt);
        }
    }

    pub(super) fn requeue(&mut self, prompt: Prompt) {
        self.emit(Effect::MarkQueued(prompt.id.clone()));
        self.queue.push_front(prompt);
    }

    /// Handles the exit of the agent during a turn.
    pub(super) fn handle_exit_during_turn(&mut self, mut open: OpenTurn, exit_info: ExitInfo, now: Timestamp) {
        let accepted = self.settle_steered(&mut open);
        match open.interrupt {
            Some(Interrupt::ByUser { by, .. }) => {
                self.finish_stopped(open.turn, by, now);
                return self.suspend_or_restart(now);
            }
            Some(Interrupt::AccessLost { .. }) => {
                self.finish(open.turn, TurnState::Stopped, now);
                return self.suspend_or_restart(now);
            }
            Some(Interrupt::ByHost) | None => {}
        }
        match (open.prompt, open.receipt) {
            (Some(prompt), Receipt::Sent) => {
                self.requeue(prompt);
                self.start_failed(exit_info, now);
            }
            (prompt, _) => {
                let (why, place) = (exit_info.why, open.turn.place.clone());
                self.finish(open.turn, TurnState::Failed(messages::incomplete()), now);
                match prompt {
                    Some(prompt) => {
                        self.post(place, SessionNotice::Died { id: prompt.id.clone(), why });
                        self.keep_interrupted(prompt);
                    }
                    None => self.post(place, SessionNotice::DiedInBackground { why }),
                }
                accepted.into_iter().for_each(|prompt| self.keep_unanswered(prompt));
                self.suspend_or_restart(now);
            }
        }
    }

    /// Keeps an interrupted prompt that was reported to the user. The prompt is sent again only at the user's request,
    /// and is never dropped to make room for a new one. At the limit, new prompts are rejected, so only prompts that
    /// were already accepted can exceed the limit.
    pub(super) fn keep_interrupted(&mut self, prompt: Prompt) {
        // If the host died after storing the record but before updating the inbox, the record already contains the
        // prompt.
        self.record.interrupted.retain(|other| other.id != prompt.id);
        self.record.interrupted.push(prompt.into());
    }

    /// After a decision about an interrupted prompt, posts a notice about the latest remaining one.
    pub(super) fn post_earlier_interrupted(&mut self) {
        if let Some(last) = self.record.interrupted.last() {
            let (place, id, prompt) = (last.place.clone(), last.id.clone(), messages::beginning(&last.text));
            self.post(place, SessionNotice::EarlierInterrupted { id, prompt });
        }
    }

    /// Suspends the session after its process has exited, or starts another agent if prompts are waiting.
    pub(super) fn suspend_or_restart(&mut self, now: Timestamp) {
        self.state = State::Suspended;
        if !self.queue.is_empty() {
            self.start(now);
        }
    }

    pub(super) fn drop_queued(&mut self, count: usize) {
        for prompt in self.queue.drain(..count).collect::<Vec<_>>() {
            self.drop_prompt(prompt);
        }
    }
}

/// Returns the state of a turn that `/stop` has ended. If the turn ends silently, the people in its place have already
/// seen the reply to `/stop`.
fn state_of_stopped(turn: &Turn) -> TurnState {
    match (turn.alert, turn.has_text()) {
        (Alert::Ring, _) => TurnState::Failed(messages::stopped()),
        (Alert::Silent, true) => TurnState::Done,
        (Alert::Silent, false) => TurnState::Stopped,
    }
}
