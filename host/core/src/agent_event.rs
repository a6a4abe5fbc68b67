//! The events of an agent, independent of its protocol. A codec produces them from the agent's output; the session
//! machine consumes them.

use serde::{Deserialize, Serialize};

use crate::types::{AgentCommand, AgentRequest, PermissionMode, RequestId, Timestamp, TurnUsage};

/// Identifies a prompt, or a turn that the agent starts itself. The id is a UUID in text form, as the claude protocol
/// requires.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PromptId(pub String);

#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// The agent is ready for prompts. `models` lists the models that the agent reported, and may be empty.
    Ready { models: Vec<String> },
    /// The agent has reported the complete current list of its own commands.
    Commands(Vec<AgentCommand>),
    /// The agent's program is too old for some features. Contains a message that tells the user what to do.
    Outdated(String),
    /// The agent has reported the id of its conversation. `resumable` is set once the agent has stored part of the
    /// conversation.
    Conversation { id: String, resumable: bool },
    /// The agent has acknowledged the prompt. Until then, the prompt may still be in the pipe, so the host sends it
    /// again if the agent exits.
    PromptAccepted(PromptId),
    /// The part at index `at` of the running turn has changed. Parts are numbered from 0 in display order.
    Part { at: u32, change: Change },
    /// The agent denied a tool call without asking the user. `tool` is the agent's name for the tool. `detail` is the
    /// call's most important argument, or empty if it has none.
    Denied { tool: String, detail: String },
    /// A turn has ended. `answered` lists the prompts that it answered: usually the open prompt and any later prompts
    /// that the agent answered in the same turn. The session ignores the event if none of them is open.
    Finished { answered: Vec<PromptId>, outcome: Outcome, usage: TurnUsage },
    /// The agent has accepted the interrupt and will end the turn.
    InterruptAccepted,
    /// The complete current list of background work: commands, subagents, scheduled wake-ups.
    Background(Vec<BackgroundTask>),
    /// The agent has started a turn, identified by this id, without a prompt. All `Part` events up to the next
    /// `Finished`, and that `Finished`, belong to this turn.
    TurnStarted(PromptId),
    /// Markdown outside of the turn that the session shows, such as a background task's report that arrives while a
    /// prompt is open.
    UnpromptedText(String),
    /// The agent is running, but cannot start or resume a conversation until a user acts, for example by signing in.
    /// Contains the reason and the remedy.
    StartFailed(String),
    /// The agent did not resume or fork the conversation that it was started with. Contains the reason.
    ResumeRefused(String),
    /// The agent has asked a question and is waiting for the answer.
    Requested(AgentRequest),
    /// The agent is about to use a tool, and is waiting in case the host objects. It may then ask for permission, or
    /// use the tool without asking. The request has neither text nor options.
    ToolAnnounced(AgentRequest),
    /// The agent is no longer waiting for an answer to this question, or for objections to this tool call.
    RequestCanceled(RequestId),
    /// The agent rejected a permission mode. Contains the reason.
    PermissionModeRefused(String),
    /// The agent has changed its own permission mode, for example after the user approved its plan.
    PermissionModeChanged(PermissionMode),
}

/// Agent work that outlives the turn that started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackgroundTask {
    /// The agent's description of the work.
    pub about: String,
    /// The time at which the work ends, or `None` if the agent will report when it ends.
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Appends this text to a text part. Replaces an action part with this text.
    Append(String),
    /// Replaces the part with this text.
    Text(String),
    Action(Action),
    /// Removes the part, for example because the agent repeats the message after a broken stream.
    Remove,
}

/// A tool call or other non-text activity of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub id: String,
    /// The kind of the activity, such as `tool`, `retry` or `think`. Codecs may add others.
    pub kind: String,
    pub title: String,
    pub detail: String,
    pub state: ActionState,
}

impl Action {
    /// Returns whether this is an unfinished tool call. Such a call may run for a long time without producing output.
    #[must_use]
    pub fn is_running_tool(&self) -> bool {
        self.kind == "tool" && self.state == ActionState::Running
    }
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
    /// The turn failed. Contains the reason as a message for the user.
    Failed(String),
}
