//! The use of the agent: the cost and the tokens of a turn, which are the increase of those of the conversation.

use super::Machine;
use crate::types::{Timestamp, TokenCount, Tokens, TurnOrigin, TurnUsage, UsageEntry};

impl Machine {
    /// Records the use of a finished turn, to be stored with the record. Returns the cost of the turn.
    pub(super) fn record_usage(&mut self, usage: &TurnUsage, now: Timestamp) -> Option<f64> {
        let cost_usd = self.cost_of_turn(usage.total_cost_usd);
        let tokens = self.tokens_of_turn(usage.tokens);
        // An agent that fails early may report that the conversation has cost nothing. The next turn must not pay again.
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
        total.filter(|_| !self.record.begun_elsewhere).map(|total| cost_since(self.record.cost_usd, total))
    }

    fn tokens_of_turn(&mut self, count: TokenCount) -> Tokens {
        let total = match count {
            TokenCount::Turn(tokens) => return tokens,
            TokenCount::Conversation(total) if total == Tokens::default() => return total,
            TokenCount::Conversation(total) => total,
        };
        match self.record.tokens.replace(total) {
            Some(before) => total.since(before),
            // Earlier turns were not counted: another program or an older version of the host has run them.
            None if self.record.begun_elsewhere || self.record.cost_usd.is_some() => Tokens::default(),
            None => total,
        }
    }
}

/// Returns the cost since the conversation cost `before`. A lower total is from an agent that started to count anew when
/// it resumed the conversation.
fn cost_since(before: Option<f64>, total: f64) -> f64 {
    /// The error that sums of small amounts may have.
    const ROUNDING: f64 = 1e-9;
    match before {
        Some(before) if total + ROUNDING >= before => (total - before).max(0.0),
        Some(_) | None => total.max(0.0),
    }
}
