//! The reasons why a plugin call failed. If changing a configuration key can help, the message names the key.

use std::time::Duration;

use cordboard_core::{
    config::{format_duration, format_size},
    scrub,
};

use super::{call_limit_counters::Limit, call_output::CallOutput, untrusted_text::shorten};

/// The reason why a call failed. The text is a predicate; the code that displays it adds the subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("exceeded its {limit} limit (raise `{limit}` in [plugins.{plugin}] if the plugin needs more)")]
    Limit { plugin: String, limit: Limit },
    /// The version was replaced or deactivated. `drain` is zero if its calls were stopped at once, for example because
    /// it lost a grant.
    #[error("was stopped: {}", explain_drain(*drain))]
    Drained { drain: Duration },
    /// An argument of a host call was too large. wasmtime's error doesn't say which host call it was.
    #[error(
        "passed more than {} to the host at once, which exceeds the largest of its limits `reply`, `state` and `http_body` (raise the relevant one in [plugins.{plugin}] if the plugin needs more)",
        format_size(*most as u64)
    )]
    ArgumentTooLarge { plugin: String, most: usize },
    /// The guest exceeded a fixed limit, or it exited. The string is the predicate of the message.
    #[error("{0}")]
    FixedLimit(String),
    #[error("trapped: {0}")]
    Trap(String),
    #[error("returned an error: {}", shorten(.0))]
    Plugin(String),
    #[error("exports no {0}")]
    NotOffered(&'static str),
    #[error("is not active, or exports no filter")]
    FilterNotActive,
}

fn explain_drain(drain: Duration) -> String {
    if drain.is_zero() {
        return "its version is no longer active, and calls in progress have no time to finish".to_owned();
    }
    format!(
        "its version is no longer active, and calls in progress had only {} to finish (raise `drain` in [plugins] if they need more)",
        format_duration(drain)
    )
}

impl CallError {
    /// Shortens a trap's message to one line. The message must be scrubbed first, because a truncated secret may no
    /// longer be recognized.
    pub fn brief(self) -> Self {
        match self {
            Self::Trap(why) => Self::Trap(shorten(&why)),
            Self::Plugin(_)
            | Self::Limit { .. }
            | Self::Drained { .. }
            | Self::ArgumentTooLarge { .. }
            | Self::FixedLimit(_)
            | Self::NotOffered(_)
            | Self::FilterNotActive => self,
        }
    }
}

impl CallOutput for CallError {
    fn bytes(&self) -> usize {
        match self {
            Self::Trap(why) | Self::Plugin(why) | Self::FixedLimit(why) => why.len(),
            Self::Limit { .. } | Self::Drained { .. } | Self::ArgumentTooLarge { .. } => 0,
            Self::NotOffered(_) | Self::FilterNotActive => 0,
        }
    }

    fn scrubbed(self) -> Self {
        match self {
            Self::Trap(why) => Self::Trap(scrub::text(why)),
            Self::Plugin(why) => Self::Plugin(scrub::text(why)),
            Self::Limit { .. }
            | Self::Drained { .. }
            | Self::ArgumentTooLarge { .. }
            | Self::FixedLimit(_)
            | Self::NotOffered(_)
            | Self::FilterNotActive => self,
        }
    }
}
