//! Prompts, from acceptance to the agent's stored answer, and the agents' own commands.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ChatFile, Place, Timestamp};
use crate::{agent_event::PromptId, messages};

/// A message to an agent that the host has accepted and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub id: PromptId,
    pub place: Place,
    #[serde(default)]
    pub kind: PromptKind,
    /// The text. An agent command begins with two slashes, as typed by the user.
    pub text: String,
    /// The view mode that the author has chosen for their own prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ChatFile>,
}

impl Prompt {
    /// Returns the text to send to the agent. Agents expect commands with a single slash.
    #[must_use]
    pub fn for_agent(&self) -> &str {
        match self.kind {
            PromptKind::Text => &self.text,
            PromptKind::AgentCommand => self.text.strip_prefix('/').unwrap_or(&self.text),
        }
    }
}

/// The urgency of a prompt, which decides whether the prompt interrupts a running turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// `[sessions] busy` decides how the prompt is handled.
    Normal,
    /// The prompt interrupts the turn and is sent next.
    Now,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptKind {
    #[default]
    Text,
    /// One of the agent's own commands, such as `//compact`. The agent executes it instead of reading it as text.
    AgentCommand,
}

/// A prompt waiting in a session's queue, as seen by other parts of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedPrompt {
    pub id: PromptId,
    /// The beginning of the text.
    pub beginning: String,
}

impl QueuedPrompt {
    #[must_use]
    pub fn of(prompt: &Prompt) -> Self {
        Self { id: prompt.id.clone(), beginning: messages::beginning(&prompt.text) }
    }
}

/// A prompt and its answer, as stored by the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub prompt: String,
    /// The agent's final text: the paragraphs after the last tool call that is followed by text. Empty if the agent
    /// wrote none.
    pub answer: String,
    pub at: Option<Timestamp>,
}

impl Exchange {
    /// Shortens both texts, so that several exchanges fit on one screen.
    #[must_use]
    pub fn shortened(self) -> Self {
        Self { prompt: shorten(&self.prompt, PROMPT_LENGTH), answer: shorten(&self.answer, ANSWER_LENGTH), ..self }
    }
}

/// The maximum length of a shortened prompt in characters.
const PROMPT_LENGTH: usize = 300;
/// The maximum length of a shortened answer in characters.
const ANSWER_LENGTH: usize = 800;

fn shorten(text: &str, most: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// One of the agent's own commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentCommand {
    /// The name without a slash.
    pub name: String,
    /// The agent's description of the command, on one line.
    pub description: String,
}

/// A prompt whose turn was interrupted. The `Arc` makes session records cheap to clone.
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
