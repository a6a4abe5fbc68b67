//! The async shell.

pub mod store;
