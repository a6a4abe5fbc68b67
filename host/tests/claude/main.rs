//! The real claude CLI behind the real host, with a stand-in for the Messages API: what a user reads, and what the model is
//! given. Without the CLI every test here says so and passes.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says enough by failing there")]

mod api;
mod board;
mod faults;
mod memory;
mod rights;
mod turns;
