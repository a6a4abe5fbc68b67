//! `[limits]`: the budget of all agents, and how many may run.

use std::ops::RangeInclusive;

use super::{
    section::Section,
    value::{dollars, number},
};

/// A smaller limit would be reached by any turn; a larger one is a typing error.
const COST_PER_DAY: RangeInclusive<f64> = 0.01..=1_000_000.0;

/// More agents than this exceed the memory of any machine for a host.
const LIVE_AGENTS: RangeInclusive<usize> = 1..=10_000;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// The cost of all agents in US dollars per day from which new prompts are refused.
    pub cost_per_day: Option<f64>,
    /// The number of running agents above which idle sessions are suspended when an agent starts.
    pub live_agents: Option<usize>,
}

impl Limits {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("cost_per_day", &mut self.cost_per_day, dollars(COST_PER_DAY));
        section.set_some("live_agents", &mut self.live_agents, number(LIVE_AGENTS));
    }
}
