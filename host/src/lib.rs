//! The async shell around the pure core: whatever touches processes, files, chats, components and the store.
//!
//! Imports go one way: `app → hub → {session, plugin, reload} → {process, agent, chat, store} → core`.

pub mod agent;
pub mod app;
pub mod changes;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod control;
pub mod cron;
pub mod hub;
pub mod kit;
pub mod listing;
pub mod plugin;
pub mod process;
pub mod reload;
pub mod roster;
pub mod schedule;
pub mod scrub;
pub mod session;
pub mod store;
pub mod supply;
pub mod swaps;
pub mod telemetry;
pub mod webhook;
