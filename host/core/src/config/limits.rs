//! `[limits]`: the budget of all agents.

use std::ops::RangeInclusive;

use super::{section::Section, value::dollars};

/// A smaller limit would be reached by any turn; a larger one is a typing error.
const COST_PER_DAY: RangeInclusive<f64> = 0.01..=1_000_000.0;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// The cost of all agents in US dollars per day from which new prompts are refused.
    pub cost_per_day: Option<f64>,
}

impl Limits {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("cost_per_day", &mut self.cost_per_day, dollars(COST_PER_DAY));
    }
}
