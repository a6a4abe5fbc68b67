//! `[sessions]`, `[requests]` and `[console]`: session folders, idle timeout, queue length, and the time to answer agents.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    section::Section,
    value::{Value, ValueError, absolute_path, list, number, span, text},
};
use crate::types::SessionName;

/// With less, every message would start an agent; with more, agents would hardly ever stop.
const IDLE_TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 86_400);
/// With more, users lose track of the waiting prompts.
const QUEUE: RangeInclusive<u32> = 1..=1000;
/// Each prompt is stored again with every change of its session.
const KEPT: RangeInclusive<u32> = 1..=1000;
const DRAIN: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sessions {
    /// The session to open when a message arrives in a place without a session.
    pub default: Option<SessionName>,
    pub idle_timeout: Duration,
    /// The maximum number of prompts that may wait for a busy agent.
    pub queue: u32,
    /// The maximum number of interrupted prompts. When it is reached, new prompts are rejected.
    pub kept: u32,
    /// A plugin may choose a session's folder below these folders; absolute.
    pub roots: Vec<PathBuf>,
    /// The folders that the operator chose for sessions; absolute.
    pub folders: BTreeMap<SessionName, PathBuf>,
}

/// With less, nobody could answer; with more, a turn could wait forever.
const EXPIRE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(7 * 86_400);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requests {
    /// The time that people have to answer a question of an agent.
    pub expire: Duration,
}

impl Requests {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set("expire", &mut self.expire, span(EXPIRE));
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Console {
    /// The time that open turns have to finish at the end of input.
    pub drain: Duration,
}

impl Sessions {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("default", &mut self.default, session_name);
        section.set("idle_timeout", &mut self.idle_timeout, span(IDLE_TIMEOUT));
        section.set("queue", &mut self.queue, number(QUEUE));
        section.set("kept", &mut self.kept, number(KEPT));
        section.set("roots", &mut self.roots, list(absolute_path));
        section.free_table("folders", |name, value| {
            let name = name.get_ref().parse().map_err(|_| ValueError::new(NO_NAME).at(name.span()))?;
            self.folders.insert(name, absolute_path(value)?);
            Ok(())
        });
    }

    /// The operator's folder for the session `name`, or `None` if its folder is below the state directory.
    #[must_use]
    pub fn folder(&self, name: &SessionName) -> Option<&Path> {
        self.folders.get(name).map(PathBuf::as_path)
    }
}

impl Console {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set("drain", &mut self.drain, span(DRAIN));
    }
}

const NO_NAME: &str = "must be a session name: 1 to 64 letters, digits, '-' and '_'";

fn session_name(value: &Value<'_>) -> Result<SessionName, ValueError> {
    text(value)?.parse().map_err(|_| ValueError::new(NO_NAME))
}
