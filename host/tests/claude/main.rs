//! Tests the real claude CLI against a fake Messages API. Checks the text that the user sees and the requests that the
//! API receives. Without the CLI, every test prints a line and passes.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "../support/agent_host.rs"]
mod agent_host;
#[path = "../support/messages_api.rs"]
mod messages_api;
#[path = "../support/pty.rs"]
#[expect(dead_code, reason = "shared with the tests of the host process, which use more of it")]
mod pty;

mod failures;
mod host;
mod permissions;
mod resumes;
mod terminal_handover;
mod turns;
