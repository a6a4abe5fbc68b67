//! Tests all plugins of the repository, good and bad, as real components on a real engine with a fake host in memory:
//! their exports, their texts, and that a bad one doesn't affect the others.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says enough by failing there")]

#[path = "../support/board.rs"]
mod board;
#[path = "../support/components.rs"]
mod components;

mod calls_during_rollout;
mod endurance;
mod extension_points;
mod fixtures;
mod homelab;
mod hooks_and_jobs;
mod journal;
mod limits;
mod messages;
mod network;
mod output_checks;
mod plugin_sources;
mod refused;
mod rights;
mod rollout;
mod sandbox;
mod standard;
mod webhook_server;
