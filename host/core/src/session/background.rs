//! What an agent does without a prompt: work that outlives the turn which began it, wake-ups, and turns that it begins by
//! itself. An agent that works in the background is never ended, unless the user says so.

use std::time::Duration;

use super::{
    Effect, Machine, Refusal, RefusalCode,
    state::{Open, Receipt, State},
};
use crate::{
    agent::PromptId,
    text::{self, Notice},
    turn::Turn,
    types::Moment,
};

/// A wake-up that is further away does not keep an agent alive. Agents bound theirs to an hour.
const FURTHEST_WAKE_UP: Duration = Duration::from_hours(24);

/// It ends with the agent's process.
#[derive(Debug, Default)]
pub(super) struct Background {
    /// In the agent's words.
    tasks: Vec<String>,
    wakes_at: Option<Moment>,
}

impl Background {
    pub(super) fn is_none(&self) -> bool {
        self.tasks.is_empty() && self.wakes_at.is_none()
    }

    /// For people.
    pub(super) fn list(&self) -> Vec<String> {
        let wake_up = self.wakes_at.map(|_| text::WAKE_UP.to_owned());
        self.tasks.iter().cloned().chain(wake_up).collect()
    }

    /// When there is nothing left to wait for; none: when the agent says so.
    pub(super) fn ends_at(&self) -> Option<Moment> {
        self.wakes_at.filter(|_| self.tasks.is_empty())
    }

    /// The time of a wake-up has come: from now on it is a turn, or nothing.
    pub(super) fn forget_wake_up(&mut self, now: Moment) {
        self.wakes_at.take_if(|at| *at <= now);
    }
}

impl Machine {
    pub(super) fn background(&self) -> Option<&Background> {
        self.live.as_ref().map(|live| &live.background).filter(|background| !background.is_none())
    }

    /// The user gets time to read what came of it.
    pub(super) fn handle_background(&mut self, tasks: Vec<String>, now: Moment) {
        let Some(live) = &mut self.live else { return };
        let before = std::mem::replace(&mut live.background.tasks, tasks);
        if live.background.tasks.is_empty() && !before.is_empty() {
            self.restart_idle_clock(now);
        }
    }

    pub(super) fn handle_wake_up(&mut self, at: Moment, now: Moment) {
        let at = at.min(now.after(FURTHEST_WAKE_UP));
        if let Some(live) = self.live.as_mut().filter(|_| at > now) {
            live.background.wakes_at = live.background.wakes_at.max(Some(at));
        }
    }

    /// A turn that no prompt asked for. It is shown where the session was prompted last.
    pub(super) fn handle_began(&mut self, turn: PromptId, now: Moment) {
        let (State::Idle(_), Some(place)) = (&self.state, self.record.place.clone()) else { return };
        let mut turn = Turn::new(turn, place.clone(), now);
        turn.mode.clone_from(&self.record.mode);
        self.state = State::Busy(Open { prompt: None, turn, receipt: Receipt::Taken, interrupt: None });
        self.emit(Effect::Began(place));
    }

    /// Objects to a command that would end the agent's work with it.
    pub(super) fn spare_background(&self, command: &str) -> Result<(), Refusal> {
        let rests = matches!(self.state, State::Idle(_) | State::Starting(_));
        match self.background().filter(|_| rests) {
            Some(background) => {
                let text = text::works_in_background(&self.record.name, &background.list(), command);
                Err(Refusal { code: RefusalCode::Background, text })
            }
            None => Ok(()),
        }
    }

    /// Says when a change counts that would have to end the agent's work.
    pub(super) fn tell_counts_later(&mut self) {
        if let (Some(place), Some(background)) = (self.record.place.clone(), self.background()) {
            let (session, work) = (self.record.name.clone(), background.list());
            self.tell(place, Notice::CountsLater { session, work });
        }
    }
}
