//! The daily budget shared by all agents. Decides when to warn users and when to refuse new prompts.

use std::time::Duration;

use crate::{time_zone::Zone, types::Timestamp};

/// Users are warned when this fraction of the limit is spent.
const WARNING: f64 = 0.8;

/// The limit for the current day, and the amount already spent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// The value of `[limits] cost_per_day`.
    pub limit_usd: f64,
    /// The cost of all finished turns since midnight.
    pub spent_usd: f64,
    pub now: Timestamp,
    /// The next midnight.
    pub resets: Timestamp,
}

impl Budget {
    /// Returns the budget for the current day in `zone`.
    #[must_use]
    pub fn of_day(limit_usd: f64, spent_usd: f64, now: Timestamp, zone: &Zone) -> Self {
        Self { limit_usd, spent_usd, now, resets: zone.next_day(now) }
    }

    /// Returns whether the budget is spent, so that new prompts are refused.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.spent_usd >= self.limit_usd
    }

    /// Returns whether a turn with this cost, which `spent_usd` already includes, crossed the warning threshold. Unless
    /// the limit changes, this happens at most once a day.
    #[must_use]
    pub fn is_warning_due(&self, cost_usd: f64) -> bool {
        let warning = self.limit_usd * WARNING;
        self.spent_usd >= warning && self.spent_usd - cost_usd < warning
    }

    #[must_use]
    pub fn resets_in(&self) -> Duration {
        self.resets.since(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(spent_usd: f64) -> Budget {
        Budget { limit_usd: 10.0, spent_usd, now: Timestamp(0), resets: Timestamp(1) }
    }

    #[test]
    fn one_turn_causes_the_warning() {
        assert!(!budget(7.9).is_warning_due(0.5));
        assert!(budget(8.0).is_warning_due(0.5));
        assert!(!budget(8.5).is_warning_due(0.5), "the turn before has caused it");
        assert!(budget(12.0).is_warning_due(5.0), "also if it exceeds the limit");
    }

    #[test]
    fn a_budget_is_spent_at_its_limit() {
        assert!(!budget(9.99).is_spent());
        assert!(budget(10.0).is_spent());
    }
}
