//! A session's state machine. It takes timestamped inputs and returns effects; `poll_timeout` returns the next
//! deadline. It owns the phase, the prompt queue, the running turn and the record. It is synchronous and never reads
//! the clock. Its inputs and effects identify an agent process by a run number.

mod agent_settings;
mod approval;
mod background;
mod background_work;
mod commands;
mod effect;
mod idle;
mod input;
mod interrupted_turns;
pub mod limit_suspensions;
mod machine;
mod rename;
mod requests;
mod stall;
mod start;
mod state;
mod steering;
mod stop;
mod terminal_hold;
mod turns;
mod urgent;
mod usage;

pub use effect::{Completion, Effect, Launch};
pub use input::{
    ApiError, ApiErrorCode, Continuation, Decision, DecisionOutcome, Exit, Input, PersonaSettings, QueuedPrompts,
    RestoredPrompts, Run, SessionCommand, Settings, Ticket, Verdict,
};
pub use machine::Machine;
pub use requests::WITHDRAWN;
pub use state::TimeoutReason;

pub use crate::types::{Prompt, PromptKind, Urgency};

#[cfg(test)]
mod tests;
