//! How a new version of a plugin is watched, and how long the calls of the one before may go on.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    section::Section,
    value::{number, span},
};

/// Zero: nothing is rolled back by itself.
const PROBATION: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);
const TRAPS: RangeInclusive<u32> = 1..=1000;
/// A call takes twice five minutes at most.
const DRAIN: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swapping {
    /// How long after a swap failed calls count against the new version.
    pub probation: Duration,
    /// So many of them roll it back.
    pub probation_traps: u32,
    /// How long calls of a version that was replaced may go on.
    pub drain: Duration,
}

impl Swapping {
    pub(super) const fn blank() -> Self {
        Self { probation: Duration::ZERO, probation_traps: 0, drain: Duration::ZERO }
    }

    pub(super) fn lay(&mut self, section: &mut Section<'_, '_>) {
        section.set("probation", &mut self.probation, span(PROBATION));
        section.set("probation_traps", &mut self.probation_traps, number(TRAPS));
        section.set("drain", &mut self.drain, span(DRAIN));
    }
}
