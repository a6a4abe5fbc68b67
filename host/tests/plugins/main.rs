//! Tests all plugins of the repository, good and bad, as real components on a real engine with a fake host in memory:
//! their exports, their texts, and that a bad one doesn't affect the others.

#![expect(clippy::unwrap_used, reason = "a test that unwraps says enough by failing there")]

#[path = "../support/board.rs"]
mod board;
#[path = "../support/components.rs"]
mod components;

mod door;
mod endurance;
mod fixtures;
mod guard;
mod homelab;
mod journal;
mod limits;
mod network;
mod refused;
mod rights;
mod sentences;
mod standard;
mod stranger;
mod supply;
mod swapping;
mod swaps;
mod trades;
mod unasked;
