//! Handles an agent's activity between turns: background tasks, wake-ups, and turns that the agent starts itself. No
//! command or timeout stops an idle agent with background work unless the user confirms it.

use std::time::Duration;

use super::{
    ApiError, ApiErrorCode, Effect, Machine,
    background_work::BackgroundWork,
    state::{OpenTurn, Receipt, State},
};
use crate::{
    agent_event::{BackgroundTask, PromptId},
    messages::{self, SessionNotice},
    types::Timestamp,
};

/// The maximum time until the known end of background work, such as a wake-up. A later end is capped at this limit.
/// Agents never schedule anything more than a year ahead.
const FURTHEST_END: Duration = Duration::from_hours(366 * 24);

impl Machine {
    pub(super) fn background(&self) -> Option<&BackgroundWork> {
        self.live.as_ref().map(|live| &live.background).filter(|background| !background.is_none())
    }

    /// Returns the work to report as ended if the host stops or is killed now. The list is empty while the agent is
    /// being stopped for another reason, for example because a user agreed to end the work.
    pub(super) fn recorded_work(&self) -> Vec<String> {
        if let State::Stopping(stop) = &self.state {
            return stop.work.clone();
        }
        self.background().map(BackgroundWork::list).unwrap_or_default()
    }

    pub(super) fn handle_background(&mut self, mut tasks: Vec<BackgroundTask>, now: Timestamp) {
        let Some(live) = &mut self.live else { return };
        for task in &mut tasks {
            task.until = task.until.map(|until| until.min(now.after(FURTHEST_END)));
        }
        let before = std::mem::replace(&mut live.background, BackgroundWork(tasks));
        live.background.forget_past(now);
        if !before.is_none() && live.background.is_none() {
            self.restart_idle_clock(now);
        }
    }

    /// Removes the work that has ended. When the last piece of work ends, the idle time restarts, to give the user time
    /// to read the result.
    pub(super) fn end_past_work(&mut self, now: Timestamp) {
        let Some(live) = &mut self.live else { return };
        live.background.forget_past(now);
        if live.background.is_none() {
            self.restart_idle_clock(now);
        }
    }

    /// Handles a turn that the agent has started without a prompt. The turn is shown in the session's place.
    pub(super) fn handle_turn_started(&mut self, turn: PromptId, now: Timestamp) {
        let (State::Idle(_), Some(place)) = (&self.state, self.record.place.clone()) else { return };
        let turn = self.new_turn(turn, place.clone(), now);
        self.state = State::Busy(OpenTurn::new(None, turn, Receipt::Accepted));
        self.emit(Effect::TurnStarted(place));
    }

    /// Refuses a command that would end background work.
    pub(super) fn check_no_background_work(&self, command: &str) -> Result<(), ApiError> {
        let is_at_rest = matches!(self.state, State::Idle(_) | State::Starting(_));
        match self.background().filter(|_| is_at_rest) {
            Some(background) => {
                let text = messages::works_in_background(&self.record.name, &background.list(), command);
                Err(ApiError { code: ApiErrorCode::Background, text })
            }
            None => Ok(()),
        }
    }

    /// Notifies the user that a change will take effect once the background work has ended.
    pub(super) fn post_applies_later(&mut self) {
        if let (Some(place), Some(background)) = (self.record.place.clone(), self.background()) {
            let work = background.list();
            self.post(place, SessionNotice::AppliesLater { work });
        }
    }
}
