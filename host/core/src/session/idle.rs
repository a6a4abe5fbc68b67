//! Tracks the idle time and the lifecycle policy's decision. Both exist only while the session is idle, and the
//! deadline is derived from them.

use std::time::Duration;

use super::{
    Effect, Machine, Settings, Ticket, Verdict,
    state::{AfterStop, Idle, Policy, State, StopStage},
};
use crate::types::Timestamp;

impl Machine {
    pub(super) fn become_idle(&mut self, now: Timestamp) {
        if let Some(live) = &mut self.live {
            live.background.forget_past(now);
        }
        let ticket = self.next_ticket();
        self.state = State::Idle(Idle { since: now, policy: Policy::Pending { ticket, from: now } });
        self.emit(Effect::Review { ticket, idle_for: Duration::ZERO });
    }

    pub(super) fn restart_idle_clock(&mut self, now: Timestamp) {
        if matches!(self.state, State::Idle(_)) {
            self.become_idle(now);
        }
    }

    /// Asks the policy again, without resetting the idle time.
    pub(super) fn review(&mut self, now: Timestamp) {
        let ticket = self.next_ticket();
        if let State::Idle(idle) = &mut self.state {
            let idle_for = Duration::from_secs(now.since(idle.since).as_secs());
            idle.policy = Policy::Pending { ticket, from: idle.since.after(idle_for) };
            self.emit(Effect::Review { ticket, idle_for });
        }
    }

    pub(super) fn handle_verdict(&mut self, ticket: Ticket, verdict: Verdict, now: Timestamp) {
        let State::Idle(idle) = &mut self.state else { return };
        let Policy::Pending { ticket: pending, from } = idle.policy else { return };
        if pending != ticket {
            return;
        }
        idle.policy = Policy::Decided { verdict, from, at: now };
        if verdict == Verdict::Suspend && self.background().is_none() && self.open_requests().is_empty() {
            self.stop(StopStage::Closed, AfterStop::Suspend, now);
        }
    }

    /// Suspends an idle session without waiting for the policy, unless it has background work or open questions.
    pub(super) fn suspend_if_unused(&mut self, now: Timestamp) {
        let is_idle = matches!(self.state, State::Idle(_));
        if is_idle && self.background().is_none() && self.open_requests().is_empty() {
            self.stop(StopStage::Closed, AfterStop::Suspend, now);
        }
    }

    pub(super) fn handle_settings(&mut self, settings: Settings, now: Timestamp) {
        if self.settings == settings {
            return;
        }
        let was_current = !self.is_outdated();
        self.settings = settings;
        self.deny_open_requests(now);
        if was_current && self.is_outdated() {
            self.post_applies_later();
        }
        self.review(now);
    }
}
