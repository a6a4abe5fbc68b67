//! `[console]`: how long the host drains after the console's input ends.

use std::{ops::RangeInclusive, time::Duration};

use super::{section::Section, value::span};

const DRAIN: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Console {
    /// The maximum time that the host waits, after piped input ends, for turns to finish and for the output to be read.
    pub drain: Duration,
}

impl Console {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set("drain", &mut self.drain, span(DRAIN));
    }
}
