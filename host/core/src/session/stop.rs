//! The way out of a process: end of input, SIGTERM, SIGKILL, exit, and the end of the host. After the first step nothing is
//! sent to that process any more.

use super::{
    Effect, Exit, Machine,
    state::{Death, Ending, Interrupt, Open, Receipt, Start, State, Step, Stop, Then},
};
use crate::{
    text::{self, Notice},
    turn::TurnState,
    types::Moment,
};

impl Machine {
    /// Begins to end the process at `step`.
    pub(super) fn stop(&mut self, step: Step, then: Then, now: Moment) {
        self.state = State::Stopping(Stop::new(step, now, then));
        self.emit_step(step);
    }

    /// The process did not hear the step before.
    pub(super) fn climb(&mut self, step: Step, now: Moment) {
        if let State::Stopping(stop) = &mut self.state {
            stop.step = step;
            stop.since = now;
            self.emit_step(step);
        }
    }

    fn emit_step(&mut self, step: Step) {
        self.emit_live(|run| match step {
            Step::Interrupted => Effect::Interrupt { run },
            Step::Closed => Effect::CloseInput { run },
            Step::Terminated => Effect::Terminate { run },
            Step::Killed => Effect::Kill { run },
        });
    }

    /// `/stop` and no reaction: what had come is the answer.
    pub(super) fn interrupt_unheard(&mut self, now: Moment) {
        if let Some(open) = self.take_open(|_| true) {
            let state = match open.interrupt {
                Some(Interrupt::Withdrawn { .. }) => TurnState::Stopped,
                Some(Interrupt::ByUser { .. } | Interrupt::ByHost) | None => {
                    TurnState::Failed(text::ended(&self.record.name))
                }
            };
            self.finish(open.turn, state, now);
        }
        self.stop(Step::Terminated, Then::Suspend, now);
    }

    pub(super) fn handle_exit(&mut self, exit: &Exit, now: Moment) {
        let worked = self.background().is_some();
        self.live = None;
        self.record.process = None;
        match std::mem::replace(&mut self.state, State::Suspended) {
            State::Starting(_) => match exit {
                Exit::Ended { .. } => self.start_failed(Death::of(exit), now),
                Exit::NotStarted(why) => self.start_impossible(why.clone()),
            },
            // Nobody waits for it: the next message brings it back.
            State::Idle(_) => {
                if let Some(place) = self.record.place.clone().filter(|_| worked) {
                    self.tell(place, Notice::DiedUnasked { session: self.record.name.clone(), why: exit.why() });
                }
                self.rest(now);
            }
            State::Busy(open) => self.handle_death(open, Death::of(exit), now),
            State::Stopping(stop) => self.handle_stopped(stop, now),
            rest @ (State::Suspended | State::Asking(_) | State::Broken(_) | State::Archived) => self.state = rest,
        }
    }

    fn handle_stopped(&mut self, stop: Stop, now: Moment) {
        if let Some(open) = stop.open {
            self.cut_off(open, now);
        }
        match stop.then {
            Then::Suspend => self.rest(now),
            Then::Start => self.start(now),
            Then::Fail(death) => self.start_failed(death, now),
            Then::Ask(held) => self.hold(held, State::Asking),
            Then::Archive => self.state = State::Archived,
        }
    }

    /// Ends the open turn at shutdown.
    fn cut_off(&mut self, open: Open, now: Moment) {
        match (open.interrupt, open.prompt, open.receipt) {
            (Some(Interrupt::ByUser { told, .. }), ..) => self.finish_stopped(open.turn, told, now),
            (Some(Interrupt::Withdrawn { .. }), ..) => self.finish(open.turn, TurnState::Stopped, now),
            (_, Some(prompt), Receipt::Sent) => self.requeue(prompt),
            (_, Some(_), Receipt::Taken) => self.finish_cut_off(open.turn),
            // The turn has no stored prompt, so the next host would not report it.
            (_, None, _) => self.finish(open.turn, TurnState::Failed(text::HOST_ENDED.to_owned()), now),
        }
    }

    pub(super) fn handle_shutdown(&mut self, now: Moment) {
        let again = self.ending != Ending::No;
        self.ending = if again { Ending::Hurried } else { Ending::Asked };
        self.resuming = None;
        match std::mem::replace(&mut self.state, State::Suspended) {
            State::Starting(Start::Agent { .. }) | State::Idle(_) => self.stop(Step::Closed, Then::Suspend, now),
            State::Starting(Start::Persona { .. } | Start::Again { .. }) => {}
            State::Busy(open) => self.interrupt_for_good(open, now),
            State::Stopping(stop) => self.hurry(stop, now),
            rest @ (State::Suspended | State::Asking(_) | State::Broken(_) | State::Archived) => self.state = rest,
        }
    }

    /// The turn gets a moment to end well.
    fn interrupt_for_good(&mut self, mut open: Open, now: Moment) {
        let mut stop = Stop::new(Step::Interrupted, now, Then::Suspend);
        if open.interrupt.is_none() {
            open.interrupt = Some(Interrupt::ByHost);
            self.emit_step(Step::Interrupted);
        }
        stop.open = Some(open);
        self.state = State::Stopping(stop);
    }

    fn hurry(&mut self, stop: Stop, now: Moment) {
        let kill = self.ending == Ending::Hurried && stop.step != Step::Killed;
        self.state = State::Stopping(stop);
        if kill {
            self.climb(Step::Killed, now);
        }
    }
}
