//! Records the agent's usage. A turn's cost is the increase in the conversation's cost. The same applies to tokens,
//! unless the agent reports them per turn.

use super::Machine;
use crate::types::{ConversationUsage, Timestamp, TokenCount, Tokens, TurnOrigin, TurnUsage, UsageEntry};

impl Machine {
    /// Records the usage of a finished turn, to be stored with the record. Returns the cost of the turn.
    pub(super) fn record_usage(&mut self, usage: &TurnUsage, now: Timestamp) -> Option<f64> {
        let cost_usd = self.cost_of_turn(usage.total_cost_usd);
        let tokens = self.tokens_of_turn(usage.tokens);
        // An agent that fails early may report that the conversation has cost nothing. Ignore that, so that the next
        // turn isn't charged again for the earlier ones.
        self.record.cost_usd = usage.total_cost_usd.filter(|total| *total > 0.0).or(self.record.cost_usd);
        self.record.context = usage.context.or(self.record.context);
        self.record.begun_elsewhere = false;
        let turn = TurnOrigin {
            session: self.record.name.clone(),
            persona: self.record.persona.clone(),
            agent: self.record.agent.clone(),
            model: usage.model.clone().or_else(|| self.model()),
        };
        self.usage = Some(UsageEntry { at: now, turn, cost_usd, tokens });
        cost_usd
    }

    fn cost_of_turn(&self, total: Option<f64>) -> Option<f64> {
        /// The maximum rounding error of a sum of costs, in US dollars.
        const ROUNDING: f64 = 1e-9;
        let since = |before: f64, total: f64| (total + ROUNDING >= before).then(|| (total - before).max(0.0));
        let total = total.filter(|_| !self.record.begun_elsewhere)?;
        Some(self.increase(|usage| usage.cost_usd.and_then(|before| since(before, total))).unwrap_or(total.max(0.0)))
    }

    fn tokens_of_turn(&mut self, count: TokenCount) -> Tokens {
        let total = match count {
            TokenCount::Turn(tokens) => return tokens,
            TokenCount::Conversation(total) if total == Tokens::default() => return total,
            TokenCount::Conversation(total) => total,
        };
        let increase = self.increase(|usage| usage.tokens.and_then(|before| total.checked_since(before)));
        // If another program or an older version of the host ran earlier turns, their tokens were not counted.
        let is_first_count = self.record.begun_elsewhere || self.record.cost_usd.is_some();
        match self.record.tokens.replace(total) {
            None if is_first_count => Tokens::default(),
            Some(_) | None => increase.unwrap_or(total),
        }
    }

    /// Returns the increase since the last report. A total below that report means that the process was killed before
    /// it stored its counters; the increase is then counted from `saved_usage`. Returns `None` if the total is lower
    /// than both, because the agent's counters have restarted.
    fn increase<T>(&self, since: impl Fn(ConversationUsage) -> Option<T>) -> Option<T> {
        since(self.record.usage()).or_else(|| since(self.record.saved_usage))
    }
}
