//! Reads the model usage: the conversation's tokens, cost and context size.

use cordboard_core::types::{ContextUse, TokenCount, Tokens, TurnUsage};
use serde_json::Value;

use super::text;

#[derive(Debug, Default)]
pub(super) struct Usage {
    /// The last request of the main agent.
    last_request: Option<Request>,
}

#[derive(Debug)]
struct Request {
    model: String,
    /// The number of its input tokens, which is the size of the whole context.
    context: u64,
}

impl Usage {
    /// Handles the `message` of an `assistant` line from the main agent. The message for an API error has no tokens.
    pub(super) fn on_assistant(&mut self, message: &Value) {
        let Tokens { input, output: _, cache_read, cache_write } = tokens(&message["usage"]);
        let context = input.saturating_add(cache_read).saturating_add(cache_write);
        if context > 0 {
            self.last_request = Some(Request { model: text(message, "model").to_owned(), context });
        }
    }

    /// Returns the usage of the turn that ends with this `result`.
    pub(super) fn of_turn(&self, message: &Value) -> TurnUsage {
        let context = |request: &Request| ContextUse {
            tokens: request.context,
            window: context_window(&message["modelUsage"], &request.model),
        };
        TurnUsage {
            total_cost_usd: message["total_cost_usd"].as_f64(),
            tokens: token_count(message),
            context: self.last_request.as_ref().map(context),
            model: self.last_request.as_ref().map(|request| request.model.clone()).filter(|model| !model.is_empty()),
        }
    }
}

/// Adds up the tokens of all models in `modelUsage`, which covers the whole conversation. Unlike `usage`, which is the
/// fallback, it includes the tokens of subagents and of interrupted requests.
fn token_count(result: &Value) -> TokenCount {
    let Some(models) = result["modelUsage"].as_object() else { return TokenCount::Turn(tokens(&result["usage"])) };
    let of_model = |model: &Value| {
        let count = |name: &str| model[name].as_u64().unwrap_or_default();
        Tokens {
            input: count("inputTokens"),
            output: count("outputTokens"),
            cache_read: count("cacheReadInputTokens"),
            cache_write: count("cacheCreationInputTokens"),
        }
    };
    TokenCount::Conversation(models.values().map(of_model).fold(Tokens::default(), Tokens::plus))
}

fn tokens(usage: &Value) -> Tokens {
    let count = |name: &str| usage[name].as_u64().unwrap_or_default();
    Tokens {
        input: count("input_tokens"),
        output: count("output_tokens"),
        cache_read: count("cache_read_input_tokens"),
        cache_write: count("cache_creation_input_tokens"),
    }
}

/// Returns the context window of a model. The CLI may list the model under another name, such as an alias.
fn context_window(models: &Value, model: &str) -> Option<u64> {
    let models = models.as_object()?;
    let named = models.get(model).or_else(|| models.values().find(|one| text(one, "canonicalModel") == model));
    let only = || models.values().next().filter(|_| models.len() == 1);
    named.or_else(only)?["contextWindow"].as_u64().filter(|window| *window > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_window_is_that_of_the_main_model() {
        let models = json!({
            "big[1m]": { "contextWindow": 1_000_000, "canonicalModel": "big" },
            "small": { "contextWindow": 200_000 },
        });
        assert_eq!(context_window(&models, "small"), Some(200_000));
        assert_eq!(context_window(&models, "big"), Some(1_000_000));
        assert_eq!(context_window(&models, "other"), None);
        assert_eq!(context_window(&json!({ "big": { "contextWindow": 7 } }), "alias"), Some(7));
        assert_eq!(context_window(&Value::Null, "big"), None);
    }

    #[test]
    fn the_context_is_that_of_the_last_request() {
        let mut usage = Usage::default();
        let request = json!({ "input_tokens": 3, "cache_read_input_tokens": 40_000, "cache_creation_input_tokens": 7 });
        usage.on_assistant(&json!({ "model": "big", "usage": request }));
        // The text of an API error.
        usage.on_assistant(&json!({ "model": "<synthetic>", "usage": { "input_tokens": 0, "output_tokens": 0 } }));
        let turn = usage.of_turn(&json!({ "usage": request, "total_cost_usd": 0.5 }));
        assert_eq!(turn.context, Some(ContextUse { tokens: 40_010, window: None }));
        assert_eq!((turn.total_cost_usd, turn.model.as_deref()), (Some(0.5), Some("big")));
        assert_eq!(turn.tokens, TokenCount::Turn(Tokens { input: 3, output: 0, cache_read: 40_000, cache_write: 7 }));
    }

    #[test]
    fn the_tokens_are_those_of_all_models() {
        let result = json!({
            "usage": { "input_tokens": 0, "output_tokens": 0 },
            "modelUsage": {
                "big": { "inputTokens": 5, "outputTokens": 60, "cacheReadInputTokens": 700, "cacheCreationInputTokens": 8 },
                "small": { "inputTokens": 1, "outputTokens": 1 },
            },
        });
        let tokens = Tokens { input: 6, output: 61, cache_read: 700, cache_write: 8 };
        assert_eq!(Usage::default().of_turn(&result).tokens, TokenCount::Conversation(tokens));
    }
}
