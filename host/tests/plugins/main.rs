//! Tests plugins as real components on a real engine with an in-memory fake host. Covers this repository's plugins,
//! including the misbehaving ones in `plugins/bad`, and components compiled against earlier contracts.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "../support/components.rs"]
mod components;
#[path = "../support/resource_use.rs"]
#[expect(dead_code, reason = "shared with the chaos test, which uses more of it")]
mod resource_use;
#[path = "../support/sample_sessions.rs"]
mod sample_sessions;
#[path = "../support/test_host.rs"]
mod test_host;
#[path = "../support/thread_log.rs"]
mod thread_log;

mod caller_rights;
mod calls_during_rollout;
mod contract_compatibility;
mod endurance;
mod homelab;
mod hooks_jobs_webhooks;
mod lifecycles_personas_views;
mod limits;
mod network;
mod output_checks;
mod plugin_files;
mod rejected_versions;
mod rollout;
mod sandbox;
mod slow_webhook_secret;
mod standard_exports;
mod standard_messages;
mod unreadable_approval_rule;
