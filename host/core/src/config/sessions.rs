//! `[sessions]`: the default session, session folders, timeouts, and how waiting and interrupted prompts are handled.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    section::Section,
    value::{Value, ValueError, absolute_path, list, number, one_of, span, text},
};
use crate::types::SessionName;

/// The range of a session's idle timeout. With a shorter timeout, almost every message would start an agent; with a
/// longer one, agents would hardly ever stop.
pub const IDLE_TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 86_400);
/// Zero disables the question to users. The maximum is far longer than any agent takes to answer.
const STALL: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(7 * 86_400);
/// Users would lose track of a longer queue.
const QUEUE: RangeInclusive<u32> = 1..=1000;
/// Each change to a session stores all its interrupted prompts again, so the maximum limits that work.
const KEPT: RangeInclusive<u32> = 1..=1000;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sessions {
    /// The session that becomes active when a message arrives in a place without one. The host creates it if necessary.
    pub default: Option<SessionName>,
    pub idle_timeout: Duration,
    /// If, during a turn, an agent produces no output for this time without running a tool or asking a question, users
    /// are asked what to do. Zero disables the question.
    pub stall: Duration,
    /// Selects how a session handles a prompt that arrives during a turn.
    pub busy: Busy,
    /// Selects how a session handles a turn that was interrupted when the host ended.
    pub interrupted: Interrupted,
    /// The maximum number of prompts that wait in one session.
    pub queue: u32,
    /// The maximum number of interrupted prompts in one session. When a session reaches it, the session rejects new
    /// prompts.
    pub kept: u32,
    /// Absolute paths of the folders below which a plugin may choose a session folder.
    pub roots: Vec<PathBuf>,
    /// The session folders that the operator chose: an absolute path for each session name.
    pub folders: BTreeMap<SessionName, PathBuf>,
}

/// Selects how a session handles a prompt that arrives during a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Busy {
    /// The prompt waits until the turn ends.
    #[default]
    Queue,
    /// The prompt interrupts the turn and runs next.
    Interrupt,
    /// The agent receives the prompt immediately and answers it in the current turn or the next. An agent that accepts
    /// only one prompt at a time receives it after the turn.
    Steer,
}

impl Busy {
    const ALL: &[Self] = &[Self::Queue, Self::Interrupt, Self::Steer];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Interrupt => "interrupt",
            Self::Steer => "steer",
        }
    }
}

/// Selects how a session handles a turn that was interrupted when the host ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interrupted {
    /// Users decide whether the agent gets the prompt again.
    #[default]
    Ask,
    /// A note tells the agent to continue.
    Resume,
}

impl Interrupted {
    const ALL: &[Self] = &[Self::Ask, Self::Resume];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Resume => "resume",
        }
    }
}

impl Sessions {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("default", &mut self.default, session_name);
        section.set("idle_timeout", &mut self.idle_timeout, span(IDLE_TIMEOUT));
        section.set("stall", &mut self.stall, span(STALL));
        section.set("busy", &mut self.busy, one_of(Busy::ALL, Busy::as_str));
        section.set("interrupted", &mut self.interrupted, one_of(Interrupted::ALL, Interrupted::as_str));
        section.set("queue", &mut self.queue, number(QUEUE));
        section.set("kept", &mut self.kept, number(KEPT));
        section.set("roots", &mut self.roots, list(absolute_path));
        section.free_table("folders", |name, value| {
            let name = name.get_ref().parse().map_err(|_| ValueError::new(NO_NAME).at(name.span()))?;
            self.folders.insert(name, absolute_path(value)?);
            Ok(())
        });
    }

    /// Returns the folder that the operator chose for the session `name`, or `None` if the operator chose none.
    #[must_use]
    pub fn folder(&self, name: &SessionName) -> Option<&Path> {
        self.folders.get(name).map(PathBuf::as_path)
    }
}

const NO_NAME: &str = "must be a session name: 1 to 64 letters, digits, '-' and '_'";

fn session_name(value: &Value<'_>) -> Result<SessionName, ValueError> {
    text(value)?.parse().map_err(|_| ValueError::new(NO_NAME))
}
