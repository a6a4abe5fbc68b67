//! Handles what an agent does between turns: background tasks, wake-ups, and turns that the agent starts itself. An
//! agent with background work is only stopped if the user confirms it.

use std::time::Duration;

use super::{
    ApiError, Effect, Machine, RefusalCode,
    background_work::BackgroundWork,
    state::{Open, Receipt, State},
};
use crate::{
    agent::PromptId,
    messages::{self, Notice},
    turn::Turn,
    types::Timestamp,
};

/// The maximum time until a wake-up; later ones are treated as this. Agents limit theirs to an hour.
const FURTHEST_WAKE_UP: Duration = Duration::from_hours(24);

impl Machine {
    pub(super) fn background(&self) -> Option<&BackgroundWork> {
        self.live.as_ref().map(|live| &live.background).filter(|background| !background.is_none())
    }

    /// Updates the running tasks. When the last one ends, the idle time restarts, so that the user can read the result.
    pub(super) fn handle_background(&mut self, tasks: Vec<String>, now: Timestamp) {
        let Some(live) = &mut self.live else { return };
        let before = std::mem::replace(&mut live.background.tasks, tasks);
        if live.background.tasks.is_empty() && !before.is_empty() {
            self.restart_idle_clock(now);
        }
    }

    pub(super) fn handle_wake_up(&mut self, at: Timestamp, now: Timestamp) {
        let at = at.min(now.after(FURTHEST_WAKE_UP));
        if let Some(live) = self.live.as_mut().filter(|_| at > now) {
            live.background.wakes_at = live.background.wakes_at.max(Some(at));
        }
    }

    /// Starts a turn without a prompt. It is shown in the place of the session's last prompt.
    pub(super) fn handle_began(&mut self, turn: PromptId, now: Timestamp) {
        let (State::Idle(_), Some(place)) = (&self.state, self.record.place.clone()) else { return };
        let mut turn = Turn::new(turn, place.clone(), now);
        turn.mode.clone_from(&self.record.mode);
        self.state = State::Busy(Open { prompt: None, turn, receipt: Receipt::Taken, interrupt: None });
        self.emit(Effect::Began(place));
    }

    /// Refuses a command that would end background work.
    pub(super) fn spare_background(&self, command: &str) -> Result<(), ApiError> {
        let rests = matches!(self.state, State::Idle(_) | State::Starting(_));
        match self.background().filter(|_| rests) {
            Some(background) => {
                let text = messages::works_in_background(&self.record.name, &background.list(), command);
                Err(ApiError { code: RefusalCode::Background, text })
            }
            None => Ok(()),
        }
    }

    /// Notifies the user that a change takes effect only after the background work.
    pub(super) fn tell_counts_later(&mut self) {
        if let (Some(place), Some(background)) = (self.record.place.clone(), self.background()) {
            let (session, work) = (self.record.name.clone(), background.list());
            self.tell(place, Notice::CountsLater { session, work });
        }
    }
}
