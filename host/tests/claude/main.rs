//! Tests the real claude CLI with a fake Messages API: the text that the user sees, and the requests that the model
//! gets. Without the CLI, every test prints a line and passes.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says enough by failing there")]

mod api;
mod failures;
mod host;
mod memory;
mod permissions;
mod turns;
