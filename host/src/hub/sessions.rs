//! Connects sessions to the rest of the host: starts their tasks, shows their turns, queries plugins, and waits for the
//! end of their work.

pub mod presenter;
pub mod queried_plugins;
pub mod quiescence;
pub mod supervisor;
mod turn_notices;
mod view_output_check;
