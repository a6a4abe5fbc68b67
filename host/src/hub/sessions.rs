//! Connects sessions to the rest of the host: starts their tasks, shows their turns, queries plugins, and waits until
//! their work is done.

pub mod plugin_queries;
pub mod presenter;
pub mod quiescence;
mod resume_and_denial_notices;
pub mod supervisor;
mod view_output_check;
