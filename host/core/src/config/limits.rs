//! `[limits]`: limits on the total cost, number and memory use of all agents.

use std::ops::RangeInclusive;

use super::{
    section::Section,
    value::{bytes, dollars, number},
};

/// The minimum is less than the cost of a typical turn. A value above the maximum is probably a typo.
const COST_PER_DAY: RangeInclusive<f64> = 0.01..=1_000_000.0;

/// A typical machine doesn't have enough memory to run more agents than this maximum.
const LIVE_AGENTS: RangeInclusive<usize> = 1..=10_000;

/// Even a single coding agent, such as `claude`, uses more than the minimum.
const MEMORY: RangeInclusive<u64> = 16 << 20..=1 << 40;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// When the daily cost of all agents, in US dollars, reaches this limit, new prompts are refused.
    pub cost_per_day: Option<f64>,
    /// The number of running agents above which idle sessions are suspended.
    pub live_agents: Option<usize>,
    /// The resident memory of all agents, in bytes, above which idle sessions are suspended.
    pub agent_memory: Option<u64>,
    /// The available memory of the machine, in bytes, below which idle sessions are suspended.
    pub free_memory: Option<u64>,
}

impl Limits {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("cost_per_day", &mut self.cost_per_day, dollars(COST_PER_DAY));
        section.set_some("live_agents", &mut self.live_agents, number(LIVE_AGENTS));
        section.set_some("agent_memory", &mut self.agent_memory, bytes(MEMORY));
        section.set_some("free_memory", &mut self.free_memory, bytes(MEMORY));
    }
}
