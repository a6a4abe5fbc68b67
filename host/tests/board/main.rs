//! Tests the host as a user sees it: the real binary on pipes, with the real demo agent and the real plugins. The
//! tests use no internals of the host.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says enough by failing there")]

#[path = "../support/cgroups.rs"]
mod cgroups;
#[path = "../support/screen.rs"]
mod screen;

mod agent_exits;
mod author;
mod background;
mod commands;
mod grants;
mod hooks;
mod idle;
mod jobs;
mod listings;
mod live_changes;
mod plugin_http;
mod refusals;
mod requests;
mod saved_keys;
mod shutdown;
mod support;
mod terminal;
mod turns;
