//! Runs plugins: compiles components, links each to its granted capabilities, puts it through a trial, activates it by
//! replacing the registry's snapshot, and calls it in a fresh instance per call. Apart from tests and benchmarks, only
//! this crate depends on wasmtime. It doesn't depend on the hub, which supplies the host's functions as a [`HostApi`].

mod bindings;
mod button_check;
mod cache;
mod call;
mod call_error;
mod call_limit_counters;
mod call_output;
mod call_settings;
mod compile;
mod component_info;
mod context;
mod contract_compatibility;
mod contract_names;
mod convert;
mod digest;
mod drain;
mod engine;
mod error;
mod export_check;
mod exports;
mod failed_calls;
mod file_format;
mod grant_request_message;
mod guest_log;
mod host_api;
mod imports;
mod memory_measurement;
mod network_access;
mod outbound_network;
mod plugin_catalog;
mod plugin_settings;
mod plugin_status;
mod post_permission;
mod registry;
mod rollout_command;
mod secret_placeholders;
mod trial;
mod untrusted_text;

pub use bindings::webhook::exports::cordboard::plugin::webhook::{Request as WebRequest, Response as WebResponse};
pub use cache::Cache;
pub use call_error::CallError;
pub use compile::{COMPILE_COMMAND, MAX_WASM_SIZE, THIS_PROGRAM, compile_stdin};
pub use component_info::ComponentInfo;
pub use context::CallContext;
pub use contract_compatibility::check_imports;
pub use contract_names::{bare_name, interface};
pub use digest::digest;
pub use engine::{EPOCH_TICK, MAX_TRIALS};
pub use error::PluginError;
pub use exports::{DueJob, FilterCall, Invocation, Load, RenderInput, ViewLimits};
pub use file_format::imports as component_imports;
pub use grant_request_message::{PendingApproval, config_only, joint_approval_request};
pub use guest_log::LOG_TARGET;
pub use host_api::{AccessControl, ArchiveFilter, Choice, HostApi, PluginState, SessionSpec, StateError, Swap};
pub use network_access::{is_granted as is_network_granted, network_list};
pub use outbound_network::{FakeNetwork, FakeNetworkError, HttpRequest, HttpResponse};
pub use plugin_catalog::{Health, PluginStatus};
pub use plugin_settings::{BuiltInGrants, PluginSettings, WebhookAccess};
pub use post_permission::{ChatMember, PostError, check as check_post};
pub use registry::snapshot::{
    ActivatedVersion, CallOrder, CommandSpec, Compiling, Disabled, FolderFault, Offer, RolloutStatus, Snapshot,
};
pub use registry::version::{Artifact, PluginVersion};
pub use registry::{Activation, Candidate, FailedVersion, Registry};
pub use rollout_command::{AdminCommand, AdminCommands, AuthorizedCommand, Outcome, authorize, refuse};
pub use secret_placeholders::read as read_secret;
