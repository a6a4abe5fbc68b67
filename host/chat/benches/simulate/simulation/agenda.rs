//! The events that the simulation has scheduled, in the order in which they occur.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    agent_event::AgentEvent,
    random_worlds::Dice,
    session::{Exit, Run, Ticket},
    types::Timestamp,
};

/// An event. Events of a host or of a session are ignored after it has ended.
#[derive(Debug, Clone)]
pub enum Event {
    /// A user writes one or several messages.
    Write {
        chat: usize,
    },
    /// A user sends this text.
    Say {
        chat: usize,
        text: String,
    },
    /// The host asks for updates.
    Poll,
    /// The task that handles an update ends.
    Handled {
        host: u64,
        update: i64,
    },
    Agent {
        at: AgentAddress,
        event: AgentStep,
    },
    /// A plugin answers the query of a session.
    Answer {
        host: u64,
        chat: usize,
        ticket: Ticket,
        query: Query,
    },
    /// A new version of a plugin is saved, its settings change, or an admin sends a command about it.
    ChangePlugin {
        plugin: usize,
    },
    /// The host is killed.
    Kill,
    Start,
    /// The connection to the chat server fails for a while.
    Disconnect,
    /// Nothing may be left to do.
    Inspect,
    /// Old sessions that have been archived are replaced.
    Replace,
}

/// Identifies an agent's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentAddress {
    pub chat: usize,
    pub session: u64,
    pub run: Run,
}

#[derive(Debug, Clone)]
pub enum AgentStep {
    Spawned,
    Event(AgentEvent),
    Exit(Exit),
    /// The agent continues its turn with this number.
    Work(u64),
    /// The agent obeys an interrupt of its turn with this number.
    StopWorking(u64),
}

#[derive(Debug, Clone, Copy)]
pub enum Query {
    Persona,
    Review,
    ResumeNotice,
    Decision,
}

#[derive(Default)]
pub struct Agenda {
    events: BTreeMap<(Timestamp, u64), Event>,
    added: u64,
}

impl Agenda {
    /// Adds an event. Events at the same time occur in the order in which they were added.
    pub fn add(&mut self, at: Timestamp, event: Event) {
        self.added += 1;
        self.events.insert((at, self.added), event);
    }

    pub fn next_at(&self) -> Option<Timestamp> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    /// Removes and returns the next event, if it is due.
    pub fn take_due(&mut self, now: Timestamp) -> Option<Event> {
        let first = self.events.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }
}

/// Returns a random time between the two, which are in milliseconds.
pub fn between(dice: &mut Dice, least: u64, most: u64) -> Duration {
    Duration::from_millis(least + dice.roll(most - least + 1))
}
