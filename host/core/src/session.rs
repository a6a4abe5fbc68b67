//! One session's life, as a pure machine: inputs with their time go in, effects come out, and `poll_timeout` tells when to
//! come back. It owns the phase, the queue of prompts, the running turn and the record; it must never await, read a clock or
//! know a process: a run is a number here.

mod background;
mod commands;
mod effect;
mod idle;
mod input;
mod machine;
mod start;
mod state;
mod stop;
mod turns;

pub use effect::{Effect, Launch, Settled};
pub use input::{ApiError, Exit, Input, Order, PersonaSettings, RefusalCode, Run, Settings, Ticket, Verdict, Waiting};
pub use machine::Machine;
pub use state::Reason;

pub use crate::types::Prompt;

#[cfg(test)]
mod tests;
