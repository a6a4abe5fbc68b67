//! The async shell around the pure core: everything that touches processes, files, chats, components and the store.
//!
//! Imports go one way: `app → hub → {session, plugin, file_watch} → {process, agent, chat, store} → core`.

pub mod app;
pub mod cli;
pub mod clock;
pub mod control;
pub mod dev;
pub mod hub;
pub mod listing;
pub mod plugin_sources;
pub mod reconcile;
pub mod rollout;
pub mod schedule;
pub mod session;
pub mod session_registry;
pub mod telemetry;
pub mod webhook;
