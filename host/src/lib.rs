//! The async shell.
pub mod plugin;
