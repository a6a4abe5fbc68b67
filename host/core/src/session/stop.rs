//! Stops a process in stages: end of input, SIGTERM, SIGKILL, exit; and handles the shutdown of the host. After the
//! first stage, no more prompts are sent to the process.

use super::{
    Effect, Exit, Machine,
    background_work::BackgroundWork,
    state::{AfterStop, Ending, ExitInfo, Interrupt, Open, Receipt, Start, State, Stop, StopStage},
};
use crate::{
    messages::{self, Notice},
    turn::TurnState,
    types::Timestamp,
};

impl Machine {
    /// Starts to stop the process, beginning with `step`.
    pub(super) fn stop(&mut self, step: StopStage, then: AfterStop, now: Timestamp) {
        self.state = State::Stopping(Stop::new(step, now, then));
        self.emit_step(step);
    }

    /// Moves to the next stage, because the process did not react to the previous one.
    pub(super) fn advance_stop(&mut self, step: StopStage, now: Timestamp) {
        if let State::Stopping(stop) = &mut self.state {
            stop.step = step;
            stop.since = now;
            self.emit_step(step);
        }
    }

    fn emit_step(&mut self, step: StopStage) {
        self.emit_live(|run| match step {
            StopStage::Interrupted => Effect::Interrupt { run },
            StopStage::Closed => Effect::CloseInput { run },
            StopStage::Terminated => Effect::Terminate { run },
            StopStage::Killed => Effect::Kill { run },
        });
    }

    /// The agent did not react to `/stop`. The answer ends with the parts received so far.
    pub(super) fn interrupt_unheard(&mut self, now: Timestamp) {
        if let Some(open) = self.take_open(|_| true) {
            let state = match open.interrupt {
                Some(Interrupt::Withdrawn { .. }) => TurnState::Stopped,
                Some(Interrupt::ByUser { .. } | Interrupt::ByHost) | None => {
                    TurnState::Failed(messages::ended(&self.record.name))
                }
            };
            self.finish(open.turn, state, now);
        }
        self.stop(StopStage::Terminated, AfterStop::Suspend, now);
    }

    pub(super) fn handle_exit(&mut self, exit: &Exit, now: Timestamp) {
        let worked = self.background().is_some();
        self.live = None;
        self.record.process = None;
        match std::mem::replace(&mut self.state, State::Suspended) {
            State::Starting(_) => match exit {
                Exit::Ended { .. } => self.start_failed(ExitInfo::of(exit), now),
                Exit::NotStarted(why) => self.start_impossible(why.clone()),
            },
            // No user waits for it; the next message resumes it.
            State::Idle(_) => {
                if let Some(place) = self.record.place.clone().filter(|_| worked) {
                    self.tell(place, Notice::DiedUnasked { session: self.record.name.clone(), why: exit.why() });
                }
                self.rest(now);
            }
            State::Busy(open) => self.handle_death(open, ExitInfo::of(exit), now),
            State::Stopping(stop) => self.handle_stopped(stop, now),
            rest @ (State::Suspended | State::Asking(_) | State::Broken(_) | State::Archived) => self.state = rest,
        }
    }

    fn handle_stopped(&mut self, stop: Stop, now: Timestamp) {
        if let Some(open) = stop.open {
            self.cut_off(open, now);
        }
        if let Some(place) = self.record.place.clone().filter(|_| !stop.work.is_empty()) {
            self.tell(place, Notice::WorkEnded { session: self.record.name.clone(), work: stop.work });
        }
        match stop.then {
            AfterStop::Suspend => self.rest(now),
            AfterStop::Start => self.start(now),
            AfterStop::Fail(death) => self.start_failed(death, now),
            AfterStop::Ask(held) => self.hold(held, State::Asking),
            AfterStop::Archive => self.state = State::Archived,
        }
    }

    /// Ends the open turn at shutdown.
    fn cut_off(&mut self, open: Open, now: Timestamp) {
        match (open.interrupt, open.prompt, open.receipt) {
            (Some(Interrupt::ByUser { told, .. }), ..) => self.finish_stopped(open.turn, told, now),
            (Some(Interrupt::Withdrawn { .. }), ..) => self.finish(open.turn, TurnState::Stopped, now),
            (_, Some(prompt), Receipt::Sent) => self.requeue(prompt),
            (_, Some(_), Receipt::Taken) => self.finish_cut_off(open.turn),
            // The turn has no stored prompt, so the next host would not report it.
            (_, None, _) => self.finish(open.turn, TurnState::Failed(messages::HOST_ENDED.to_owned()), now),
        }
    }

    pub(super) fn handle_shutdown(&mut self, now: Timestamp) {
        let again = self.ending != Ending::No;
        self.ending = if again { Ending::Hurried } else { Ending::Asked };
        self.resuming = None;
        match std::mem::replace(&mut self.state, State::Suspended) {
            State::Starting(Start::Agent { .. }) | State::Idle(_) => {
                self.stop(StopStage::Closed, AfterStop::Suspend, now)
            }
            State::Starting(Start::Persona { .. } | Start::Again { .. }) => {}
            State::Busy(open) => self.interrupt_for_good(open, now),
            State::Stopping(stop) => return self.hurry(stop, now),
            rest @ (State::Suspended | State::Asking(_) | State::Broken(_) | State::Archived) => self.state = rest,
        }
        let work = self.background().map(BackgroundWork::list).unwrap_or_default();
        if let State::Stopping(stop) = &mut self.state {
            stop.work = work;
        }
    }

    /// Gives the turn a moment to end properly.
    fn interrupt_for_good(&mut self, mut open: Open, now: Timestamp) {
        let mut stop = Stop::new(StopStage::Interrupted, now, AfterStop::Suspend);
        if open.interrupt.is_none() {
            open.interrupt = Some(Interrupt::ByHost);
            self.emit_step(StopStage::Interrupted);
        }
        stop.open = Some(open);
        self.state = State::Stopping(stop);
    }

    fn hurry(&mut self, stop: Stop, now: Timestamp) {
        let kill = self.ending == Ending::Hurried && stop.step != StopStage::Killed;
        self.state = State::Stopping(stop);
        if kill {
            self.advance_stop(StopStage::Killed, now);
        }
    }
}
