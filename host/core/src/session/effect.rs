//! The effects that a session requests. The caller performs them in order. A `Persist` or `PersistTurn` always comes
//! first, or second after a leading `Accept`.

use std::time::Duration;

use super::{Prompt, Run, Ticket};
use crate::{
    agent_event::PromptId,
    messages::SessionNotice,
    turn::Turn,
    types::{
        Choice, ConversationStart, DecidedRequest, Permission, PermissionMode, Place, ProcessId, RecordedRequest,
        Request, RequestAnswer, RequestId, UsageEntry,
    },
};

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Store the record as it is now.
    Persist,
    /// Store the record as it is now together with a finished turn's usage. Both must be in one commit, because the
    /// next turn's cost is computed from the total in the record.
    PersistTurn(Box<UsageEntry>),
    /// Mark the stored prompt as being sent to the agent. This effect always precedes the prompt's `Send` or `Steer`.
    MarkSent(PromptId),
    /// Mark the stored prompt as waiting again, because it has to be sent to another agent process.
    MarkQueued(PromptId),
    /// Store this prompt as accepted, together with the record. The prompt has a new id. It repeats an interrupted
    /// prompt or the prompt of a silent agent that is being restarted, or is a note that tells the agent to continue an
    /// interrupted turn.
    Accept(Prompt),
    /// Mark the stored prompt as completed without an answer. `Finish` completes a prompt with an answer.
    Complete {
        prompt: PromptId,
        how: Completion,
    },
    /// Store and send a message from the host, and mark the stored prompt as completed without an answer. Both must be
    /// in one commit. Otherwise, a host that is killed in between would either never report the prompt or report it
    /// twice.
    CompleteWithNotice {
        prompt: PromptId,
        how: Completion,
        place: Place,
        notice: SessionNotice,
    },
    /// Ask the persona plugin for the settings of `persona`.
    LoadPersona {
        ticket: Ticket,
        persona: String,
    },
    /// Ask the lifecycle plugin what to do with this idle session.
    Review {
        ticket: Ticket,
        idle_for: Duration,
    },
    /// Ask the lifecycle plugin for the text of the resume notice.
    RequestResumeNotice {
        ticket: Ticket,
        idle_for: Duration,
    },
    /// Ask the approval plugin about a tool use.
    Decide {
        ticket: Ticket,
        permission: Box<Permission>,
    },
    /// Watch the process that holds the session while it is open in a terminal, and report the exit of that process.
    WatchTerminal(ProcessId),
    Spawn {
        run: Run,
        launch: Launch,
    },
    Send {
        run: Run,
        prompt: Prompt,
    },
    /// Send a prompt during the running turn. The agent answers it in this turn or in a later one.
    Steer {
        run: Run,
        prompt: Prompt,
    },
    /// Stop waiting for the answer to this prompt. The agent has not accepted the prompt, and the following `Interrupt`
    /// cancels it. If the agent answers the prompt anyway, the answer is not shown.
    Forget {
        run: Run,
        prompt: PromptId,
    },
    /// The agent is about to answer a prompt that it received during an earlier turn. Show the prompt's turn in this
    /// place.
    SteeredTurnStarted {
        prompt: PromptId,
        place: Place,
    },
    /// The agent has started a turn without a prompt. Show the turn in this place.
    TurnStarted(Place),
    /// Record the outcome of an agent's question in the audit log.
    Audit(Box<DecidedRequest>),
    /// Log the withdrawal of a question that was open when the previous host was killed.
    AuditUnclosed(Box<RecordedRequest>),
    /// Send the answer to an agent's question.
    Answer {
        run: Run,
        id: RequestId,
        answer: RequestAnswer,
    },
    /// Change how the agent handles tools that need permission.
    SetPermissionMode {
        run: Run,
        mode: PermissionMode,
    },
    /// Interrupt the turn, through the agent's protocol or with SIGINT. The process should keep running.
    Interrupt {
        run: Run,
    },
    /// Close the agent's stdin, which asks it to exit.
    CloseInput {
        run: Run,
    },
    /// Send SIGTERM to the process group.
    Terminate {
        run: Run,
    },
    /// Send SIGKILL to the process group and to all descendants.
    Kill {
        run: Run,
    },
    /// Show the running turn, which has changed; the caller reads it from `turn()`. The caller may merge consecutive
    /// updates.
    ShowTurn,
    /// End the turn: store its last frame together with the completion of all its prompts, then show the frame.
    Finish(Turn),
    /// End a turn that the shutdown interrupted: store its last frame, then show it. Its prompts stay marked as sent,
    /// so that the next host keeps them as interrupted prompts and reports them.
    FinishInterrupted(Turn),
    /// Close the request: in every message that shows it, replace the buttons with the outcome.
    CloseRequest {
        request: Request,
        choice: Choice,
    },
    /// Store and send a message from the host.
    Post {
        place: Place,
        notice: SessionNotice,
    },
}

impl Effect {
    /// Returns the beginning of the prompt that the effect drops, or `None` if it doesn't drop one.
    #[must_use]
    pub fn dropped(&self) -> Option<&str> {
        let (Self::Complete { how, .. } | Self::CompleteWithNotice { how, .. }) = self else { return None };
        let Completion::Dropped(beginning) = how else { return None };
        Some(beginning)
    }
}

/// The parameters for starting an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    pub conversation: ConversationStart,
    pub model: Option<String>,
    pub permission_mode: PermissionMode,
    /// The persona's instructions. Empty if there are none.
    pub instructions: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// A user dropped the prompt, or its author lost access. Contains the beginning of the prompt.
    Dropped(String),
    /// The session rejected the prompt. Contains the notice that was posted.
    Rejected(Box<SessionNotice>),
    /// The prompt was sent, but the host exited before the agent answered it, or an interrupt canceled it before the
    /// agent accepted it. The prompt is kept as an interrupted prompt, and the user was notified.
    Interrupted,
    /// The prompt's turn was interrupted. Either a note tells the agent to continue it, or the prompt itself was such a
    /// note, and the user was asked about the prompts that it covered.
    Superseded,
}
