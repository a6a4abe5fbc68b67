//! What an agent tells, whatever protocol it speaks. A codec makes these out of lines; the session machine reads them.

use serde::{Deserialize, Serialize};

use crate::types::Timestamp;

/// Names a prompt from the chat to the agent and back; a UUID in text form, as the claude protocol wants it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PromptId(pub String);

#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// The agent is up and reads prompts; `models` are those it named, perhaps none.
    Ready { models: Vec<String> },
    /// What the agent calls this conversation. `resumable` once it has stored something of it.
    Conversation { id: String, resumable: bool },
    /// The receipt: this prompt will not get lost in a pipe any more.
    Taken(PromptId),
    /// Part `at` of the running turn has changed; parts are numbered from 0 in the order in which they are shown.
    Part { at: u32, change: Change },
    /// A tool was refused without asking; `tool` as the agent calls it, `detail` what it wanted.
    Denied { tool: String, detail: String },
    /// The turn that `answered` these prompts is over; one that does not name the open prompt is ignored. `cost_usd` is the conversation's total so far.
    Finished { answered: Vec<PromptId>, outcome: Outcome, cost_usd: Option<f64> },
    /// The agent has accepted the interrupt and will end the turn.
    InterruptTaken,
    /// The complete current list of background work (commands, subagents), as the agent describes it.
    Background(Vec<String>),
    /// The agent plans to start a turn of its own at that time.
    WakesAt(Timestamp),
    /// The agent starts a turn of its own with this id. `Part` and `Finished` then refer to that turn.
    Began(PromptId),
    /// Markdown that no prompt asked for and that arrived while a prompt was open, such as the report of a background
    /// task.
    Unasked(String),
    /// The conversation that was to be resumed is not known.
    ResumeRefused(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// More text at the end of a text part.
    Append(String),
    /// The part is this text, whatever it was.
    Text(String),
    Action(Action),
    /// The part never was: a broken stream is told again from its start.
    Gone,
}

/// A tool call, or whatever else an agent does besides talking.
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
    /// For the user to read.
    Failed(String),
}
