//! Stops a process in stages: end of input, SIGTERM, SIGKILL. At shutdown, a turn is interrupted first. Also handles
//! process exits and the host's shutdown. Once the first stage has begun, no more prompts are sent to the process.

use super::{
    Effect, Exit, Machine,
    background_work::BackgroundWork,
    state::{AfterStop, ExitInfo, Interrupt, OpenTurn, Receipt, Shutdown, StartStage, State, Stop, StopStage},
};
use crate::{
    config::AgentFeature,
    messages::{self, SessionNotice},
    turn::TurnState,
    types::Timestamp,
};

impl Machine {
    /// Begins stopping the process at `stage`.
    pub(super) fn stop(&mut self, stage: StopStage, then: AfterStop, now: Timestamp) {
        self.withdraw_requests();
        self.state = State::Stopping(Stop::new(stage, now, then));
        self.emit_stage(stage);
    }

    /// Moves to `stage`, for example because the process did not respond to the previous stage.
    pub(super) fn advance_stop(&mut self, stage: StopStage, now: Timestamp) {
        if let State::Stopping(stop) = &mut self.state {
            stop.stage = stage;
            stop.since = now;
            self.emit_stage(stage);
        }
    }

    fn emit_stage(&mut self, stage: StopStage) {
        self.emit_live(|run| match stage {
            StopStage::Interrupted => Effect::Interrupt { run },
            StopStage::Closed => Effect::CloseInput { run },
            StopStage::Terminated => Effect::Terminate { run },
            StopStage::Killed => Effect::Kill { run },
        });
    }

    /// Handles an agent that did not end its turn in time after an interrupt. The answer is cut off after the parts
    /// received so far.
    pub(super) fn interrupt_timed_out(&mut self, now: Timestamp) {
        if let Some(mut open) = self.take_open(|_| true) {
            open.end_steered(|_| true);
            let state = match open.interrupt {
                Some(Interrupt::AccessLost { .. }) => TurnState::Stopped,
                Some(Interrupt::ByUser { .. } | Interrupt::ByHost) | None => {
                    let is_resumed = !self.lacks(AgentFeature::Resume);
                    let text = if is_resumed { messages::agent_unresponsive } else { messages::program_unresponsive };
                    TurnState::Failed(text(&self.record.name))
                }
            };
            self.finish(open.turn, state, now);
        }
        self.stop(StopStage::Terminated, AfterStop::Suspend, now);
    }

    pub(super) fn handle_exit(&mut self, exit: &Exit, now: Timestamp) {
        let had_background_work = self.background().is_some();
        self.close_requests();
        self.report_unclosed_requests();
        self.live = None;
        self.record.process = None;
        if matches!(&self.state, State::Stopping(stop) if stop.stage != StopStage::Killed) {
            self.record.saved_usage = self.record.usage();
        }
        match std::mem::replace(&mut self.state, State::Suspended) {
            State::Starting(_) => match exit {
                Exit::Ended { .. } => self.start_failed(ExitInfo::of(exit), now),
                Exit::NotStarted(why) => self.start_impossible(why.clone()),
            },
            // No user is waiting for the agent; the next message resumes the session.
            State::Idle(_) => {
                if let Some(place) = self.record.place.clone().filter(|_| had_background_work) {
                    self.post(place, SessionNotice::DiedInBackground { why: exit.why() });
                }
                self.suspend_or_restart(now);
            }
            State::Busy(open) => self.handle_exit_during_turn(open, ExitInfo::of(exit), now),
            State::Stopping(stop) => self.handle_stopped(stop, now),
            unchanged @ (State::Suspended | State::Asking(_) | State::Broken(_) | State::Archived) => {
                self.state = unchanged
            }
        }
    }

    fn handle_stopped(&mut self, stop: Stop, now: Timestamp) {
        if let Some(open) = stop.open {
            self.end_turn_at_shutdown(open, now);
        }
        if let Some(place) = self.record.place.clone().filter(|_| !stop.work.is_empty()) {
            self.post(place, SessionNotice::WorkEnded { work: stop.work });
        }
        match stop.then {
            AfterStop::Suspend => self.suspend_or_restart(now),
            AfterStop::Start => self.start(now),
            AfterStop::Fail(exit_info) => self.start_failed(exit_info, now),
            AfterStop::Ask(blocked) if blocked.is_startable() => self.block(blocked, State::Broken),
            AfterStop::Ask(blocked) => self.block(blocked, State::Asking),
            AfterStop::Archive => self.state = State::Archived,
        }
    }

    /// Ends the turn that was still open when the process exited during the shutdown.
    fn end_turn_at_shutdown(&mut self, mut open: OpenTurn, now: Timestamp) {
        self.settle_steered(&mut open);
        match (open.interrupt, open.prompt, open.receipt) {
            (Some(Interrupt::ByUser { by, .. }), ..) => self.finish_stopped(open.turn, by, now),
            (Some(Interrupt::AccessLost { .. }), ..) => self.finish(open.turn, TurnState::Stopped, now),
            (_, Some(prompt), Receipt::Sent) => self.requeue(prompt),
            (_, Some(_), Receipt::Accepted) => self.finish_interrupted(open.turn),
            // The turn has no stored prompt, so the next host would not report it.
            (_, None, _) => self.finish(open.turn, TurnState::Failed(messages::host_ended()), now),
        }
    }

    pub(super) fn handle_shutdown(&mut self, now: Timestamp) {
        let is_repeated = self.shutdown != Shutdown::No;
        self.shutdown = if is_repeated { Shutdown::Forced } else { Shutdown::Requested };
        self.resume_notice = None;
        match std::mem::replace(&mut self.state, State::Suspended) {
            State::Starting(StartStage::Agent { .. }) | State::Idle(_) => {
                self.stop(StopStage::Closed, AfterStop::Suspend, now)
            }
            State::Starting(StartStage::Persona { .. } | StartStage::Backoff { .. }) => {}
            State::Busy(open) => self.interrupt_at_shutdown(open, now),
            State::Stopping(stop) => return self.kill_if_forced(stop, now),
            unchanged @ (State::Suspended | State::Asking(_) | State::Broken(_) | State::Archived) => {
                self.state = unchanged
            }
        }
        let work = self.background().map(BackgroundWork::list).unwrap_or_default();
        if let State::Stopping(stop) = &mut self.state {
            stop.work = work;
        }
    }

    /// Interrupts the turn, and gives it a moment to end before the process is stopped.
    fn interrupt_at_shutdown(&mut self, mut open: OpenTurn, now: Timestamp) {
        self.withdraw_requests();
        let mut stop = Stop::new(StopStage::Interrupted, now, AfterStop::Suspend);
        if open.interrupt.is_none() {
            open.interrupt = Some(Interrupt::ByHost);
            self.emit_stage(StopStage::Interrupted);
        }
        stop.open = Some(open);
        self.state = State::Stopping(stop);
    }

    fn kill_if_forced(&mut self, stop: Stop, now: Timestamp) {
        let kill = self.shutdown == Shutdown::Forced && stop.stage != StopStage::Killed;
        self.state = State::Stopping(stop);
        if kill {
            self.advance_stop(StopStage::Killed, now);
        }
    }
}
