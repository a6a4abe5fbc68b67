//! The events of an agent, independent of its protocol. A codec produces them from the agent's output; the session
//! machine consumes them.

use serde::{Deserialize, Serialize};

use crate::types::{AgentRequest, RequestId, Timestamp};

/// Identifies a prompt on its way from the chat to the agent and back. A UUID in text form, as the claude protocol
/// requires.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PromptId(pub String);

#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// The agent is ready for prompts. `models` lists the models that it reported, and may be empty.
    Ready { models: Vec<String> },
    /// The agent's id of the conversation. `resumable` is set once the agent has stored a part of it.
    Conversation { id: String, resumable: bool },
    /// The agent has acknowledged the prompt, so that it can no longer get lost in a pipe.
    PromptAccepted(PromptId),
    /// Part `at` of the running turn has changed. Parts are numbered from 0 in display order.
    Part { at: u32, change: Change },
    /// A tool was denied without asking the user. `tool` is the agent's name for it, `detail` its argument.
    Denied { tool: String, detail: String },
    /// The turn that `answered` these prompts is over. Ignored if it does not name the open prompt. `cost_usd` is the
    /// conversation's total so far.
    Finished { answered: Vec<PromptId>, outcome: Outcome, cost_usd: Option<f64> },
    /// The agent has accepted the interrupt and will end the turn.
    InterruptAccepted,
    /// The complete current list of background work: commands, subagents, scheduled wake-ups.
    Background(Vec<BackgroundTask>),
    /// The agent starts a turn of its own with this id. `Part` and `Finished` then refer to that turn.
    TurnStarted(PromptId),
    /// Markdown that no prompt asked for and that arrived while a prompt was open, such as the report of a background
    /// task.
    UnpromptedText(String),
    /// The agent does not know the conversation that was to be resumed.
    ResumeRefused(String),
    /// The agent asks a question and waits for the answer.
    Requested(AgentRequest),
    /// The agent no longer needs the answer.
    RequestCancelled(RequestId),
}

/// A piece of an agent's work that outlives its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackgroundTask {
    /// The agent's description.
    pub about: String,
    /// The time at which it is over. `None` if the agent reports its end.
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// More text at the end of a text part.
    Append(String),
    /// Replaces the part's text with this one.
    Text(String),
    Action(Action),
    /// Removes the part: after a broken stream, the agent repeats the message from its start.
    Remove,
}

/// A tool call or another activity of the agent, apart from text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub id: String,
    /// Open set: `tool`, `retry`, `think`…
    pub kind: String,
    pub title: String,
    pub detail: String,
    pub state: ActionState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionState {
    Running,
    Done,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Interrupted,
    /// The reason, for the user.
    Failed(String),
}
