//! Tracks background work: tasks that outlive their turn, scheduled wake-ups, and turns that the agent starts itself.
//! An agent with background work is only stopped if the user confirms it.

use std::time::Duration;

use super::{
    ApiError, Effect, Machine, RefusalCode,
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

/// The background work of one agent process. It ends with the process.
#[derive(Debug, Default)]
pub(super) struct Background {
    /// The running tasks, as the agent describes them.
    tasks: Vec<String>,
    wakes_at: Option<Timestamp>,
}

impl Background {
    pub(super) fn is_none(&self) -> bool {
        self.tasks.is_empty() && self.wakes_at.is_none()
    }

    /// Lists the work for users.
    pub(super) fn list(&self) -> Vec<String> {
        let wake_up = self.wakes_at.map(|_| messages::WAKE_UP.to_owned());
        self.tasks.iter().cloned().chain(wake_up).collect()
    }

    /// The time when the work is over, if only a wake-up is left. `None` while tasks run: the agent reports their end.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        self.wakes_at.filter(|_| self.tasks.is_empty())
    }

    /// Removes a wake-up that is due. Either the agent starts a turn now, or no work is left.
    pub(super) fn forget_wake_up(&mut self, now: Timestamp) {
        self.wakes_at.take_if(|at| *at <= now);
    }
}

impl Machine {
    pub(super) fn background(&self) -> Option<&Background> {
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
