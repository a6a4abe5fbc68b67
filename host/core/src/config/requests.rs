//! `[requests]`: when agents' questions expire, and which plugin decides on permission requests.

use std::{ops::RangeInclusive, time::Duration};

use super::{plugins::plugin_name, section::Section, value::span};

/// The minimum leaves a person a few seconds to answer. The maximum ensures that a forgotten question doesn't block an
/// agent forever.
const EXPIRE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(7 * 86_400);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requests {
    /// The time after which an agent's question expires if it isn't answered.
    pub expire: Duration,
    /// The plugin that decides on permission requests before a user is asked.
    pub approval: String,
}

impl Requests {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set("approval", &mut self.approval, plugin_name);
        section.set("expire", &mut self.expire, span(EXPIRE));
    }
}
