//! The host: connects the pure core (`cordboard-core`) with agents, files, chats, plugins and the store.
//!
//! The crates depend on each other in this order:
//! `cordboard → {runtime, agents, telegram → chat, store, watch} → {core → permission-rules, metrics}`.

pub mod app;
pub mod cli;
pub mod clock;
mod constant_time;
pub mod control;
pub mod dev;
pub mod homelab_import;
pub mod http_server;
pub mod hub;
pub mod listing;
pub mod live_changes;
pub mod logging;
pub mod operators;
pub mod pairing;
pub mod received_files;
pub mod rollout;
pub mod schedule;
pub mod script_service;
pub mod service_manager;
pub mod session;
pub mod session_files;
pub mod session_registry;
pub mod session_topics;
pub mod standard_plugins;
pub mod status;
pub mod stdout;
pub mod telegram_webhook;
pub mod terminal_handover;
pub mod top;
pub mod topic_updates;
pub mod webhook;
