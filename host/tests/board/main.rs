//! Tests the host as a user sees it: the real binary on pipes, with the real demo agent and the real plugins. The
//! tests use no internals of the host.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says enough by failing there")]

#[path = "../support/screen.rs"]
mod screen;

mod author;
mod commands;
mod deaths;
mod ends;
mod errands;
mod grants;
mod hooks;
mod idle;
mod jobs;
mod listings;
mod refusals;
mod requests;
mod support;
mod swaps;
mod terminal;
mod turns;
