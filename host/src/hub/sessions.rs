//! Connects sessions to the rest of the host: starts the sessions' tasks, shows their turns, queries plugins for them,
//! and waits until their work is done.

pub mod plugin_queries;
pub mod presenter;
pub mod quiescence;
mod resume_and_denial_notices;
pub mod supervisor;
mod view_output_check;
