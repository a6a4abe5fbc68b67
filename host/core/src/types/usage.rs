//! Agent usage: the tokens and cost of turns, and the size of a conversation's context.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{SessionName, Timestamp};

/// The tokens of the requests that an agent sent to its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Input tokens that were neither read from the cache nor written to it.
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
}

/// The size of a conversation's context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextUse {
    pub tokens: u64,
    /// The model's maximum context size, if the agent reports it.
    pub window: Option<u64>,
}

/// The tokens that an agent reports at the end of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenCount {
    /// The tokens of this turn.
    Turn(Tokens),
    /// The tokens of the conversation so far. Like the cost, the count may restart at 0 when the agent resumes the
    /// conversation.
    Conversation(Tokens),
}

/// The usage that an agent reports at the end of a turn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TurnUsage {
    /// The cost of the conversation so far. Some agents restart it at 0 when they resume a conversation.
    pub total_cost_usd: Option<f64>,
    pub tokens: TokenCount,
    /// The context after the turn.
    pub context: Option<ContextUse>,
    /// The model of the main agent.
    pub model: Option<String>,
}

/// The stored usage of one finished turn.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageEntry {
    pub at: Timestamp,
    pub turn: TurnOrigin,
    /// The cost of the turn, if the agent reports costs.
    pub cost_usd: Option<f64>,
    pub tokens: Tokens,
}

/// The session, persona, agent and model of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TurnOrigin {
    pub session: SessionName,
    pub persona: Option<String>,
    pub agent: String,
    /// The model of the turn, or else the one that was selected for the session.
    pub model: Option<String>,
}

/// The total usage of turns that have the same origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OriginUsage {
    #[serde(flatten)]
    pub origin: TurnOrigin,
    #[serde(flatten)]
    pub sum: UsageSum,
}

/// The total usage of several turns.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct UsageSum {
    pub turns: u64,
    /// `None` if no agent reported costs.
    pub cost_usd: Option<f64>,
    pub tokens: Tokens,
}

/// The total usage of a group of turns. `name` is `None` for turns without a persona, or with an unknown model.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupUsage {
    pub name: Option<String>,
    pub sum: UsageSum,
}

/// A time span that ends now, and begins at midnight in the host's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsagePeriod {
    /// This number of days, including today.
    Days(u32),
    /// The current calendar month.
    Month,
}

/// The property that turns are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageGroup {
    Session,
    Persona,
    Model,
}

impl Default for TokenCount {
    fn default() -> Self {
        Self::Turn(Tokens::default())
    }
}

impl Tokens {
    /// Returns the tokens counted since `before`, or `None` if one of the counts in `before` is higher.
    #[must_use]
    pub fn checked_since(self, before: Self) -> Option<Self> {
        Some(Self {
            input: self.input.checked_sub(before.input)?,
            output: self.output.checked_sub(before.output)?,
            cache_read: self.cache_read.checked_sub(before.cache_read)?,
            cache_write: self.cache_write.checked_sub(before.cache_write)?,
        })
    }

    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self {
            input: self.input.saturating_add(more.input),
            output: self.output.saturating_add(more.output),
            cache_read: self.cache_read.saturating_add(more.cache_read),
            cache_write: self.cache_write.saturating_add(more.cache_write),
        }
    }
}

impl From<&UsageEntry> for OriginUsage {
    fn from(entry: &UsageEntry) -> Self {
        let sum = UsageSum { turns: 1, cost_usd: entry.cost_usd, tokens: entry.tokens };
        Self { origin: entry.turn.clone(), sum }
    }
}

impl UsageSum {
    /// Adds the total usage of other turns.
    pub fn add(&mut self, more: &Self) {
        self.turns = self.turns.saturating_add(more.turns);
        self.cost_usd = match (self.cost_usd, more.cost_usd) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        self.tokens = self.tokens.plus(more.tokens);
    }
}

impl UsageGroup {
    /// Parses the name by which plugins select the property.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [("session", Self::Session), ("persona", Self::Persona), ("model", Self::Model)]
            .into_iter()
            .find_map(|(known, group)| (known == name).then_some(group))
    }

    /// Returns each group's total, most expensive first.
    #[must_use]
    pub fn sums(self, usage: impl IntoIterator<Item = OriginUsage>) -> Vec<GroupUsage> {
        let mut groups: BTreeMap<Option<String>, UsageSum> = BTreeMap::new();
        for one in usage {
            let name = match self {
                Self::Session => Some(one.origin.session.to_string()),
                Self::Persona => one.origin.persona,
                Self::Model => one.origin.model,
            };
            groups.entry(name).or_default().add(&one.sum);
        }
        let mut groups: Vec<_> = groups.into_iter().map(|(name, sum)| GroupUsage { name, sum }).collect();
        let cost = |group: &GroupUsage| group.sum.cost_usd.unwrap_or_default();
        groups.sort_by(|one, other| cost(other).total_cmp(&cost(one)));
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(session: &str, persona: Option<&str>, cost_usd: Option<f64>) -> OriginUsage {
        let origin = TurnOrigin {
            session: session.parse().unwrap(),
            persona: persona.map(str::to_owned),
            agent: "claude".to_owned(),
            model: Some("opus".to_owned()),
        };
        let tokens = Tokens { input: 1, output: 2, cache_read: 3, cache_write: 4 };
        OriginUsage { origin, sum: UsageSum { turns: 1, cost_usd, tokens } }
    }

    #[test]
    fn a_lower_count_starts_anew() {
        let count = |input, output| Tokens { input, output, ..Tokens::default() };
        assert_eq!(count(5, 7).checked_since(count(3, 7)), Some(count(2, 0)));
        assert_eq!(count(5, 7).checked_since(count(3, 8)), None);
    }

    #[test]
    fn groups_are_sorted_by_cost() {
        let all = [usage("a", None, None), usage("b", Some("poet"), Some(0.5)), usage("a", Some("poet"), Some(0.25))];
        let sums = |group: UsageGroup| {
            let sums = group.sums(all.clone()).into_iter();
            sums.map(|group| (group.name, group.sum.turns, group.sum.cost_usd)).collect::<Vec<_>>()
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(sums(UsageGroup::Session), [(named("b"), 1, Some(0.5)), (named("a"), 2, Some(0.25))]);
        assert_eq!(sums(UsageGroup::Persona), [(named("poet"), 2, Some(0.75)), (None, 1, None)]);
        assert_eq!(sums(UsageGroup::Model), [(named("opus"), 3, Some(0.75))]);
        let tokens = UsageGroup::Model.sums(all.clone())[0].sum.tokens;
        assert_eq!(tokens, Tokens { input: 3, output: 6, cache_read: 9, cache_write: 12 });
    }
}
