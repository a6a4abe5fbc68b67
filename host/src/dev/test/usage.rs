//! Implements `@usage` and `@budget`, the directives that set the cost of turns and the daily cost limit.

use cordboard_core::{
    config::Limits,
    types::{Tokens, TurnOrigin, UsageEntry},
};
use cordboard_runtime::HostApi as _;

use super::{directives::number, step_error::StepError, step_runner::StepRunner};

const PROPERTIES: &str = "cost, input, output, cache-read, cache-write, model, persona";

impl StepRunner {
    /// `DOLLARS`: sets the daily cost limit.
    pub fn set_budget(&self, words: &str) -> Result<(), StepError> {
        self.harness.host.set_limits(Limits { cost_per_day: Some(number("budget", words)?), ..Limits::default() });
        Ok(())
    }

    /// `SESSION key=value…`: adds the usage of a turn that ends now.
    pub fn add_usage(&self, words: &str) -> Result<(), StepError> {
        let mut words = words.split_whitespace();
        let record = self.session(words.next().unwrap_or_default())?.record;
        let turn =
            TurnOrigin { session: record.name, persona: record.persona, agent: record.agent, model: record.model };
        let mut usage = UsageEntry { at: self.harness.host.now(), turn, cost_usd: None, tokens: Tokens::default() };
        for word in words {
            let (key, value) = word.split_once('=').ok_or_else(|| StepError::Property(word.to_owned()))?;
            match key {
                "cost" => usage.cost_usd = Some(number(key, value)?),
                "input" => usage.tokens.input = number(key, value)?,
                "output" => usage.tokens.output = number(key, value)?,
                "cache-read" => usage.tokens.cache_read = number(key, value)?,
                "cache-write" => usage.tokens.cache_write = number(key, value)?,
                "model" => usage.turn.model = Some(value.to_owned()),
                "persona" => usage.turn.persona = Some(value.to_owned()),
                _ => return Err(StepError::PropertyKey { key: key.to_owned(), known: PROPERTIES }),
            }
        }
        self.harness.host.add_usage(usage);
        Ok(())
    }
}
