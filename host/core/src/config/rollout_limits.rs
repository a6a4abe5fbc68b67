//! The limits on the probation of a new plugin version, and the drain time of the version that it replaces.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    section::Section,
    value::{number, span},
};

/// A probation of zero disables automatic rollback.
const PROBATION: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);
const TRAPS: RangeInclusive<u32> = 1..=1000;
/// A call can take at most ten minutes of wall-clock time, excluding network waits.
const DRAIN: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RolloutLimits {
    /// The time after activation during which failed calls of the new version count toward a rollback.
    pub probation: Duration,
    /// The number of failed calls during probation that triggers a rollback.
    pub probation_traps: u32,
    /// The maximum time that calls in progress may continue after their version is replaced.
    pub drain: Duration,
}

impl RolloutLimits {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set("probation", &mut self.probation, span(PROBATION));
        section.set("probation_traps", &mut self.probation_traps, number(TRAPS));
        section.set("drain", &mut self.drain, span(DRAIN));
    }
}
