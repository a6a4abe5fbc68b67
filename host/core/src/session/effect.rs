//! The effects that a session requests. The caller performs them in order. `Persist` comes first, or after a leading
//! `Accept`.

use std::time::Duration;

use super::{Prompt, Run, Ticket};
use crate::{
    agent::PromptId,
    messages::SessionNotice,
    turn::Turn,
    types::{Choice, Place, Request, RequestAnswer, RequestId},
};

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Store the record as it is now.
    Persist,
    /// Store that the prompt is being sent to the agent. Always precedes its `Send`.
    MarkSent(PromptId),
    /// Store that the prompt waits again, because the agent did not accept it.
    MarkQueued(PromptId),
    /// Store a prompt as accepted, together with the record: an interrupted prompt is sent again with a new id.
    Accept(Prompt),
    /// Store that the prompt is completed. A prompt with an answer is completed by `Finish`.
    Complete {
        prompt: PromptId,
        how: Completion,
    },
    /// Ask the persona plugin for its settings. Only for a session with a persona.
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
    Spawn {
        run: Run,
        launch: Launch,
    },
    Send {
        run: Run,
        prompt: Prompt,
    },
    /// The agent has started a turn of its own, which is shown in this place.
    TurnStarted(Place),
    /// Send the answer to a question of the agent.
    Answer {
        run: Run,
        id: RequestId,
        answer: RequestAnswer,
    },
    /// Interrupt the turn by the agent's own protocol. The process keeps running.
    Interrupt {
        run: Run,
    },
    /// Close the agent's stdin, which asks it to exit.
    CloseInput {
        run: Run,
    },
    /// SIGTERM to the process group.
    Terminate {
        run: Run,
    },
    /// SIGKILL to the process group.
    Kill {
        run: Run,
    },
    /// The running turn has changed and can be read with `turn()`. Consecutive updates may be merged.
    ShowTurn,
    /// The turn is over: its last frame is stored together with the end of its prompt, then shown.
    Finish(Turn),
    /// The shutdown interrupted the turn: its last frame is stored and shown. Its prompt stays marked as sent, so that
    /// the next host keeps it as an interrupted prompt and reports it.
    FinishInterrupted(Turn),
    /// Close the request: replace the buttons of every message that shows it with the outcome.
    CloseRequest {
        request: Request,
        choice: Choice,
    },
    /// Store and send a message of the host.
    Post {
        place: Place,
        notice: SessionNotice,
    },
}

impl Effect {
    /// The beginning of the prompt that the effect drops.
    #[must_use]
    pub fn dropped(&self) -> Option<&str> {
        let Self::Complete { how: Completion::Dropped(beginning), .. } = self else { return None };
        Some(beginning)
    }
}

/// The parameters of an agent's start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The conversation to resume. `None` starts a new one, whose id the agent or its adapter chooses.
    pub resume: Option<String>,
    pub model: Option<String>,
    /// The persona's instructions, or empty.
    pub instructions: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// The queue was full, `/stop` dropped the prompt, or it was withdrawn. Contains the beginning of the prompt.
    Dropped(String),
    /// Its turn was interrupted, and the user was notified.
    Interrupted,
}
