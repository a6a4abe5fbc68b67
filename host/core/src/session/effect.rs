//! Everything that a session asks of the world around it. Performed in the order given: what is stored comes first.

use std::time::Duration;

use super::{Prompt, Run, Ticket};
use crate::{
    agent::PromptId,
    messages::Notice,
    turn::Turn,
    types::{Choice, Place, Request},
};

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Store the record as it is now.
    Persist,
    /// Store that the prompt goes to the agent now; always before its `Send`.
    Hand(PromptId),
    /// Store that the prompt waits again: the agent died without taking it.
    TakeBack(PromptId),
    /// Store a prompt as accepted, and the record at once: one that was cut off goes out again, under a new name.
    Accept(Prompt),
    /// Store that the prompt needs nothing more. A prompt with an answer is settled by `Finish`.
    Settle {
        prompt: PromptId,
        how: Settled,
    },
    /// Ask the persona plugin; none is asked for a session without a persona.
    Resolve {
        ticket: Ticket,
        persona: String,
    },
    /// Ask the lifecycle plugin what to do with this idle session.
    Review {
        ticket: Ticket,
        idle_for: Duration,
    },
    /// Ask the lifecycle plugin how to tell the resume.
    WordResume {
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
    Began(Place),
    /// By the agent's own protocol: the process stays.
    Interrupt {
        run: Run,
    },
    /// End of input: the agent's own way to end.
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
    /// The running turn has changed: read it by `turn()`. May be merged with later ones.
    Show,
    /// The turn is over: its last frame is stored together with the end of its prompt, then shown.
    Finish(Turn),
    /// The shutdown interrupted the turn: its last frame is stored and shown. Its prompt stays handed in the store, so
    /// that the next host keeps it as an interrupted prompt and says so.
    CutOff(Turn),
    /// Closes the request: every message that asks it loses its buttons.
    DecisionStore {
        request: Request,
        choice: Choice,
    },
    /// Words of the host, stored and sent.
    Tell {
        place: Place,
        notice: Notice,
    },
}

/// How an agent is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// A conversation to go on with; none: a new one, named by the agent's adapter or by the agent.
    pub resume: Option<String>,
    pub model: Option<String>,
    /// The persona's; empty where there is none.
    pub instructions: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The queue was full, `/stop` dropped the prompt, or it was withdrawn. Contains the beginning of the prompt.
    Dropped(String),
    /// Its turn was cut off, and the user was told.
    CutOff,
}
