//! Connects sessions to the rest of the host: starts their tasks, shows their turns, queries plugins, and waits for the
//! end of their work.

pub mod presenter;
pub mod queried_plugins;
pub mod quiescence;
mod resume_and_denial_notices;
pub mod supervisor;
mod view_output_check;
