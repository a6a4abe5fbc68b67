//! Prompts and turns: the queue, the prompt in progress, the agent's output, and the end of a turn. The agent gets one
//! prompt at a time, in the order of acceptance.

use std::time::Duration;

use super::{
    Effect, Machine, Prompt, Settled, Ticket,
    state::{Acknowledged, AfterStop, Ending, ExitInfo, Interrupt, Open, Receipt, State, StopStage},
};
use crate::{
    agent::{Change, Outcome, PromptId},
    messages::{self, Notice},
    turn::{Turn, TurnState},
    types::{Place, Timestamp},
};

impl Machine {
    pub(super) fn handle_prompt(&mut self, prompt: Prompt, now: Timestamp) {
        if self.record.archived {
            return self.turn_away_archived(prompt);
        }
        let (kept, limit) = (self.record.kept.len(), self.settings.kept.max(1));
        if kept >= limit {
            let beginning = messages::beginning(&prompt.text);
            let notice = Notice::KeptFull { session: self.record.name.clone(), kept, limit, prompt: beginning };
            return self.turn_away(prompt, notice);
        }
        let limit = self.settings.queue.max(1);
        if self.waiting.len() >= limit {
            let beginning = messages::beginning(&prompt.text);
            let notice = Notice::QueueFull { session: self.record.name.clone(), limit, prompt: beginning };
            return self.turn_away(prompt, notice);
        }
        self.accept(prompt, now);
    }

    pub(super) fn handle_edited(&mut self, prompt: &PromptId, text: String) {
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.id == *prompt) {
            waiting.text = text;
        }
    }

    /// Rejects a prompt that was accepted just before the session was archived.
    pub(super) fn turn_away_archived(&mut self, prompt: Prompt) {
        let beginning = messages::beginning(&prompt.text);
        self.turn_away(prompt, Notice::Archived { session: self.record.name.clone(), prompt: beginning });
    }

    /// Rejects a prompt. The notice comes first: if the host dies in between, its author is notified twice rather than
    /// never.
    fn turn_away(&mut self, prompt: Prompt, notice: Notice) {
        let how = Settled::Dropped(messages::beginning(&prompt.text));
        self.tell(prompt.place, notice);
        self.emit(Effect::Settle { prompt: prompt.id, how });
    }

    /// Appends a prompt to the queue, and starts or resumes the agent if necessary.
    pub(super) fn accept(&mut self, prompt: Prompt, now: Timestamp) {
        let place = prompt.place.clone();
        self.waiting.push_back(prompt);
        self.wake(place, now);
    }

    /// Starts or resumes the agent for a waiting prompt from `place`.
    pub(super) fn wake(&mut self, place: Place, now: Timestamp) {
        let idle_for = now.since(self.record.last_active);
        self.record.last_active = now;
        self.record.place = Some(place.clone());
        match &self.state {
            State::Suspended => {
                self.request_resume_notice(place, idle_for);
                self.start_anew(now);
            }
            State::Stopping(stop) => {
                if matches!(stop.then, AfterStop::Suspend) && stop.open.is_none() && self.waiting.len() == 1 {
                    self.request_resume_notice(place, idle_for);
                }
            }
            State::Idle(_) => self.next_prompt(now),
            State::Asking(held) | State::Broken(held) => {
                let notice = held.notice.clone();
                self.tell(place, notice);
            }
            State::Starting(_) | State::Busy(_) | State::Archived => {}
        }
    }

    /// Requests the text of the resume notice. Without a conversation to resume, as after an interrupted first turn, no
    /// notice is sent, because it would promise a memory that does not exist.
    fn request_resume_notice(&mut self, place: Place, idle_for: Duration) {
        if self.resumes().is_some() && self.ending == Ending::No {
            let ticket = self.next_ticket();
            self.resuming = Some((ticket, place));
            self.emit(Effect::WordResume { ticket, idle_for });
        }
    }

    pub(super) fn handle_resume_notice(&mut self, ticket: Ticket, text: Option<String>) {
        if let Some((_, place)) = self.resuming.take_if(|(asked, _)| *asked == ticket)
            && let Some(text) = text
        {
            self.tell(place, Notice::Resuming(text));
        }
    }

    /// Continues with a ready agent: a changed persona or model first restarts it, then the next prompt is sent.
    pub(super) fn next_prompt(&mut self, now: Timestamp) {
        if self.is_outdated() && self.background().is_none() {
            return self.stop(StopStage::Closed, AfterStop::Start, now);
        }
        let Some(prompt) = self.waiting.pop_front() else {
            self.deaths = 0;
            return self.fall_idle(now);
        };
        let mut turn = Turn::new(prompt.id.clone(), prompt.place.clone(), now);
        turn.mode.clone_from(&self.record.mode);
        self.emit(Effect::Hand(prompt.id.clone()));
        let sent = prompt.clone();
        self.emit_live(|run| Effect::Send { run, prompt: sent });
        self.state = State::Busy(Open { prompt: Some(prompt), turn, receipt: Receipt::Sent, interrupt: None });
    }

    pub(super) fn is_outdated(&self) -> bool {
        self.live.as_ref().is_some_and(|live| {
            live.persona != self.record.persona || live.model != self.model() || live.agent != self.settings.agent
        })
    }

    pub(super) fn handle_taken(&mut self, prompt: &PromptId) {
        if let Some(open) = self.open_mut().filter(|open| open.is(prompt)) {
            open.receipt = Receipt::Taken;
            self.deaths = 0;
        }
    }

    /// A part also acknowledges the prompt, because output that was shown must not be repeated.
    pub(super) fn handle_part(&mut self, at: u32, change: Change) {
        let Some(open) = self.open_mut() else { return };
        open.receipt = Receipt::Taken;
        open.turn.change(at, change);
        let shown = !matches!(open.interrupt, Some(Interrupt::Withdrawn { .. }));
        self.deaths = 0;
        if shown {
            self.emit(Effect::Show);
        }
    }

    pub(super) fn handle_denied(&mut self, tool: String, detail: String) {
        let place = self.open().map(|open| open.turn.place.clone()).or_else(|| self.record.place.clone());
        if let Some(place) = place {
            self.tell(place, Notice::Denied { tool, detail, agent: self.record.agent.clone() });
        }
    }

    pub(super) const fn handle_interrupt_taken(&mut self) {
        if let State::Busy(Open { interrupt: Some(Interrupt::ByUser { acknowledged, .. }), .. }) = &mut self.state {
            *acknowledged = Acknowledged::Yes;
        }
    }

    /// Posts a message that no prompt asked for, and restarts the idle time so that the user can answer it.
    pub(super) fn handle_unasked(&mut self, text: String, now: Timestamp) {
        if let Some(place) = self.record.place.clone() {
            self.tell(place, Notice::Unasked(text));
        }
        self.restart_idle_clock(now);
    }

    /// Ends the open turn. Ignored if it names another prompt: then it is a repetition, or belongs to an abandoned
    /// turn.
    pub(super) fn handle_finished(
        &mut self,
        answered: &[PromptId],
        outcome: Outcome,
        cost_usd: Option<f64>,
        now: Timestamp,
    ) {
        let Some(open) = self.take_open(|open| answered.iter().any(|prompt| open.is(prompt))) else { return };
        let mut turn = open.turn;
        turn.cost_usd = cost_usd.map(|total| (total - self.record.cost_usd.unwrap_or(0.0)).max(0.0));
        self.record.cost_usd = cost_usd.or(self.record.cost_usd);
        self.deaths = 0;
        match (outcome, open.interrupt) {
            (_, Some(Interrupt::Withdrawn { .. })) => self.finish(turn, TurnState::Stopped, now),
            (Outcome::Done, _) => self.finish(turn, TurnState::Done, now),
            // The host interrupted the turn, even if the agent reports a failure.
            (Outcome::Interrupted | Outcome::Failed(_), Some(Interrupt::ByHost)) => self.finish_cut_off(turn),
            (Outcome::Failed(why), _) => self.finish(turn, TurnState::Failed(why), now),
            (Outcome::Interrupted, Some(Interrupt::ByUser { told, .. })) => self.finish_stopped(turn, told, now),
            (Outcome::Interrupted, None) => self.finish(turn, TurnState::Failed(messages::INTERRUPTED.to_owned()), now),
        }
        match &self.state {
            State::Stopping(stop) if stop.step == StopStage::Interrupted => self.advance_stop(StopStage::Closed, now),
            State::Stopping(_) => {}
            State::Busy(_) | State::Suspended | State::Starting(_) | State::Idle(_) => self.next_prompt(now),
            State::Asking(_) | State::Broken(_) | State::Archived => {}
        }
    }

    /// Ends a turn. Its prompt counts as answered, also if the turn failed.
    pub(super) fn finish(&mut self, mut turn: Turn, state: TurnState, now: Timestamp) {
        turn.state = state;
        self.resuming = None;
        self.record.turns += 1;
        self.record.last_active = now;
        self.emit(Effect::Finish(turn));
    }

    /// Ends a turn that `/stop` interrupted.
    pub(super) fn finish_stopped(&mut self, turn: Turn, told: bool, now: Timestamp) {
        let state = stopped(&turn, told);
        self.finish(turn, state, now);
    }

    /// Ends a turn that the shutdown interrupted. Its prompt counts as unanswered, and the next host keeps it.
    pub(super) fn finish_cut_off(&mut self, mut turn: Turn) {
        turn.state = TurnState::Failed(messages::HOST_ENDED.to_owned());
        self.emit(Effect::CutOff(turn));
    }

    pub(super) const fn open(&self) -> Option<&Open> {
        match &self.state {
            State::Busy(open) => Some(open),
            State::Stopping(stop) => stop.open.as_ref(),
            State::Suspended | State::Starting(_) | State::Idle(_) => None,
            State::Asking(_) | State::Broken(_) | State::Archived => None,
        }
    }

    pub(super) const fn open_mut(&mut self) -> Option<&mut Open> {
        match &mut self.state {
            State::Busy(open) => Some(open),
            State::Stopping(stop) => stop.open.as_mut(),
            State::Suspended | State::Starting(_) | State::Idle(_) => None,
            State::Asking(_) | State::Broken(_) | State::Archived => None,
        }
    }

    /// Takes out the open turn if it is `wanted`. The caller must set a new state for a busy session.
    pub(super) fn take_open(&mut self, wanted: impl FnOnce(&Open) -> bool) -> Option<Open> {
        if !self.open().is_some_and(wanted) {
            return None;
        }
        match std::mem::replace(&mut self.state, State::Suspended) {
            State::Busy(open) => Some(open),
            State::Stopping(mut stop) => {
                let open = stop.open.take();
                self.state = State::Stopping(stop);
                open
            }
            state => {
                self.state = state;
                None
            }
        }
    }

    /// The agent did not get the open prompt, so it returns to the front of the queue.
    pub(super) fn take_back(&mut self, now: Timestamp) {
        let Some(open) = self.take_open(|open| open.prompt.is_some()) else { return };
        match (open.interrupt, open.prompt) {
            (Some(Interrupt::Withdrawn { .. }), _) => self.finish(open.turn, TurnState::Stopped, now),
            (_, Some(prompt)) => self.requeue(prompt),
            (_, None) => {}
        }
    }

    pub(super) fn requeue(&mut self, prompt: Prompt) {
        self.emit(Effect::TakeBack(prompt.id.clone()));
        self.waiting.push_front(prompt);
    }

    /// Handles the death of the agent during a turn.
    pub(super) fn handle_death(&mut self, open: Open, death: ExitInfo, now: Timestamp) {
        match open.interrupt {
            Some(Interrupt::ByUser { told, .. }) => {
                self.finish_stopped(open.turn, told, now);
                return self.rest(now);
            }
            Some(Interrupt::Withdrawn { .. }) => {
                self.finish(open.turn, TurnState::Stopped, now);
                return self.rest(now);
            }
            Some(Interrupt::ByHost) | None => {}
        }
        match (open.prompt, open.receipt) {
            (Some(prompt), Receipt::Sent) => {
                self.requeue(prompt);
                self.start_failed(death, now);
            }
            (prompt, _) => {
                let (session, why, place) = (self.record.name.clone(), death.why, open.turn.place.clone());
                self.finish(open.turn, TurnState::Failed(messages::CUT_SHORT.to_owned()), now);
                match prompt {
                    Some(prompt) => {
                        self.tell(place, Notice::Died { session, id: prompt.id.clone(), why });
                        self.keep(prompt);
                    }
                    None => self.tell(place, Notice::DiedUnasked { session, why }),
                }
                self.rest(now);
            }
        }
    }

    /// Keeps an interrupted prompt that was reported to the user. It is sent again only on the user's request. Kept
    /// prompts are never dropped for new ones: at the limit, new prompts are rejected, so at most the prompts that
    /// already waited are added.
    pub(super) fn keep(&mut self, prompt: Prompt) {
        // If the host died after storing the record and before updating the inbox, the same prompt is reported again.
        self.record.kept.retain(|kept| kept.id != prompt.id);
        self.record.kept.push(prompt.into());
    }

    /// After the latest interrupted prompt is decided, the notice about the one before it is sent.
    pub(super) fn tell_still_kept(&mut self) {
        if let Some(kept) = self.record.kept.last() {
            let (place, id, prompt) = (kept.place.clone(), kept.id.clone(), messages::beginning(&kept.text));
            self.tell(place, Notice::StillKept { session: self.record.name.clone(), id, prompt });
        }
    }

    /// Suspends the session after the process has exited, and starts another agent if prompts wait.
    pub(super) fn rest(&mut self, now: Timestamp) {
        self.state = State::Suspended;
        if !self.waiting.is_empty() {
            self.start(now);
        }
    }

    pub(super) fn drop_waiting(&mut self, count: usize) {
        for prompt in self.waiting.drain(..count).collect::<Vec<_>>() {
            let how = Settled::Dropped(messages::beginning(&prompt.text));
            self.emit(Effect::Settle { prompt: prompt.id, how });
        }
    }

    /// Drops or interrupts withdrawn prompts. Replaces an earlier interrupt by `/stop`, so that this turn ends silently
    /// too.
    pub(super) fn handle_withdrawn(&mut self, prompts: &[PromptId], now: Timestamp) {
        let waiting = std::mem::take(&mut self.waiting);
        let (withdrawn, kept): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|prompt| prompts.contains(&prompt.id));
        self.waiting = kept.into();
        for prompt in withdrawn {
            let how = Settled::Dropped(messages::beginning(&prompt.text));
            self.emit(Effect::Settle { prompt: prompt.id, how });
        }
        let Some(open) = self.open_mut().filter(|open| prompts.contains(&open.turn.prompt)) else { return };
        let before = open.interrupt.replace(Interrupt::Withdrawn { since: now });
        if before.is_none() {
            self.emit_live(|run| Effect::Interrupt { run });
        }
    }
}

/// The state of a turn that `/stop` has ended. It does not repeat what the reader already knows.
fn stopped(turn: &Turn, told: bool) -> TurnState {
    match (told, turn.says_something()) {
        (false, _) => TurnState::Failed(messages::STOPPED.to_owned()),
        (true, true) => TurnState::Done,
        (true, false) => TurnState::Stopped,
    }
}
