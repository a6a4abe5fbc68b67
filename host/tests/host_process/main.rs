//! Tests the host from a user's perspective: the real binary on pipes, with the real demo agent and plugins.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "../support/cgroups.rs"]
mod cgroups;
#[path = "../support/pty.rs"]
mod pty;

mod agent_exits;
mod agent_kinds;
mod agent_requests;
mod approvals_and_rollbacks;
mod background_work;
mod commands;
mod configuration_keys;
mod documents;
mod echo_server;
mod hooks;
mod idle_agents;
mod interactive_console;
mod interrupted_turns;
mod listings;
mod live_changes;
mod logs;
mod plain_programs;
mod plugin_secrets;
mod plugin_tools;
mod plugins_ignore_proxies;
mod rename_fork_history_agent;
mod scheduled_jobs;
mod scripts;
mod service_manager;
mod setup_commands;
mod shutdown;
mod start_problems;
mod status_page;
mod support;
mod terminal_handover;
mod top;
#[cfg(feature = "otlp")]
mod traces;
mod turns;
mod unusual_questions;
mod usage;
mod webhook_requests;
