//! Tests real agents that speak the Agent Client Protocol against a fake Messages API. Checks the text that the user
//! sees and the requests that the API receives. If the environment variable for an agent's path isn't set, that agent's
//! tests print a line and pass.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "../support/agent_host.rs"]
mod agent_host;
#[path = "../support/messages_api.rs"]
#[expect(dead_code, reason = "shared with the tests of the claude CLI, which use more of it")]
mod messages_api;

mod agent;
mod behaviours;
mod modes;
