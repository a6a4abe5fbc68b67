//! Reads the model usage: a turn's tokens, the conversation's cost, and the context size. The protocol doesn't name a
//! turn's model.

use agent_client_protocol_schema::v1::UsageUpdate;
use cordboard_core::types::{ContextUse, TokenCount, Tokens, TurnUsage};
use serde_json::Value;

/// The values that the agent reported most recently.
#[derive(Debug, Default)]
pub(super) struct Usage {
    cost_usd: Option<f64>,
    context: Option<ContextUse>,
}

impl Usage {
    pub(super) fn on_update(&mut self, update: &UsageUpdate) {
        // opencode reports an empty context after a turn that was canceled or failed.
        if update.used > 0 {
            self.context = Some(ContextUse { tokens: update.used, window: Some(update.size).filter(|size| *size > 0) });
        }
        if let Some(cost) = update.cost.as_ref().filter(|cost| cost.currency == "USD") {
            self.cost_usd = Some(cost.amount);
        }
    }

    /// Returns the usage of a turn. `result` is the result of `session/prompt`, or `None` if the turn failed.
    pub(super) fn of_turn(&self, result: Option<&Value>) -> TurnUsage {
        let tokens = result.map(|result| tokens(&result["usage"])).unwrap_or_default();
        TurnUsage {
            total_cost_usd: self.cost_usd,
            tokens: TokenCount::Turn(tokens),
            context: self.context,
            model: None,
        }
    }
}

/// Reads the tokens of a turn. The protocol has no stable field for them; claude-agent-acp reports them in this form.
fn tokens(usage: &Value) -> Tokens {
    let count = |name: &str| usage[name].as_u64().unwrap_or_default();
    Tokens {
        input: count("inputTokens"),
        output: count("outputTokens"),
        cache_read: count("cachedReadTokens"),
        cache_write: count("cachedWriteTokens"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn update(value: Value) -> UsageUpdate {
        serde_json::from_value(value).expect("a valid update")
    }

    #[test]
    fn a_turn_has_the_last_cost_and_context_and_its_own_tokens() {
        let mut usage = Usage::default();
        assert_eq!(usage.of_turn(None), TurnUsage::default());
        usage.on_update(&update(json!({ "used": 900, "size": 0, "cost": { "amount": 0.5, "currency": "USD" } })));
        usage.on_update(&update(json!({ "used": 1000, "size": 200_000 })));
        usage.on_update(&update(json!({ "used": 1200, "size": 200_000, "cost": { "amount": 7, "currency": "EUR" } })));
        usage.on_update(&update(json!({ "used": 0, "size": 200_000 })));
        let result = json!({
            "stopReason": "end_turn",
            "usage": { "inputTokens": 3, "outputTokens": 20, "cachedReadTokens": 100, "cachedWriteTokens": 5, "totalTokens": 128 },
        });
        let turn = usage.of_turn(Some(&result));
        assert_eq!(turn.total_cost_usd, Some(0.5), "a cost in another currency is not converted");
        assert_eq!(turn.context, Some(ContextUse { tokens: 1200, window: Some(200_000) }));
        assert_eq!(turn.tokens, TokenCount::Turn(Tokens { input: 3, output: 20, cache_read: 100, cache_write: 5 }));
        assert_eq!(usage.of_turn(None).tokens, TokenCount::default(), "tokens belong to one turn");
    }
}
