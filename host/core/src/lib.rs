//! The pure core of Cordboard: the state machines of sessions and plugin rollouts, message routing, rendering and
//! configuration.
//!
//! The crate never reads the clock, opens files or starts processes, and it doesn't depend on an async runtime. Time
//! and input are passed in as arguments; effects are returned as values. The crate's manifest and a test in
//! `host/xtask/tests/tidy` enforce this.

pub mod access_entries;
pub mod agent_event;
pub mod budget;
pub mod capability;
pub mod config;
pub mod cron;
pub mod database_damage;
pub mod deep_link;
pub mod egress;
pub mod event;
pub mod hub;
pub mod json_repair;
pub mod language;
pub mod menu;
pub mod messages;
pub mod pairing;
pub mod part_joiner;
#[cfg(test)]
mod random_worlds;
pub mod render;
pub mod rollout;
pub mod route;
pub mod scrub;
pub mod session;
pub mod shell;
pub mod text_file;
pub mod time_zone;
pub mod topic_updates;
pub mod turn;
pub mod type_erased;
pub mod typed_agent_command;
pub mod types;
pub mod updates_and_posts;
