//! Messages to agents: accepted prompts and interrupted prompts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Place;
use crate::agent::PromptId;

/// A message to an agent that the host has accepted and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub id: PromptId,
    pub place: Place,
    pub text: String,
}

/// A prompt whose turn was interrupted. The `Arc` makes it cheap to copy a session record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Prompt", into = "Prompt")]
pub struct InterruptedPrompt(Arc<Prompt>);

impl From<Prompt> for InterruptedPrompt {
    fn from(prompt: Prompt) -> Self {
        Self(Arc::new(prompt))
    }
}

impl From<InterruptedPrompt> for Prompt {
    fn from(InterruptedPrompt(prompt): InterruptedPrompt) -> Self {
        Arc::unwrap_or_clone(prompt)
    }
}

impl std::ops::Deref for InterruptedPrompt {
    type Target = Prompt;

    fn deref(&self) -> &Prompt {
        &self.0
    }
}
