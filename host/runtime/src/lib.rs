//! Runs plugins: compiles components, links each to its granted capabilities, puts it through a trial, activates it by
//! replacing the registry's snapshot, and calls it in a fresh instance per call. Apart from tests and benchmarks, only
//! this crate depends on wasmtime. It doesn't know the hub, which supplies the host's functions as a [`HostApi`].

mod admin_command;
mod bindings;
mod buttons;
mod cache;
mod call;
mod call_error;
mod call_meter;
mod compatibility;
mod compile;
mod component_info;
mod context;
mod contract_names;
mod convert;
mod digest;
mod directory;
mod drain;
mod engine;
mod error;
mod export_check;
mod exports;
mod failed_calls;
mod file_format;
mod guest_log;
mod host_api;
mod imports;
mod network_grants;
mod outbound_http;
mod pending_approval;
mod plugin_settings;
mod post_permission;
mod profile;
mod registry;
mod scrub_output;
mod secrets;
mod startup_memory;
mod status;
mod trial;
mod untrusted;

pub use admin_command::{AdminCommand, AdminCommands, AuthorizedCommand, Outcome, authorize, refuse};
pub use bindings::webhook::exports::cordboard::plugin::webhook::{Request as WebRequest, Response as WebResponse};
pub use cache::Cache;
pub use call_error::CallError;
pub use compile::{COMPILE_COMMAND, MAX_WASM_SIZE, THIS_PROGRAM, compile_stdin};
pub use component_info::ComponentInfo;
pub use context::CallContext;
pub use contract_names::{bare_name, interface};
pub use digest::digest;
pub use directory::{Health, PluginStatus};
pub use engine::{EPOCH_TICK, MAX_TRIALS};
pub use error::PluginError;
pub use exports::{DueJob, Invocation, Load, RenderInput, ViewLimits};
pub use guest_log::LOG_TARGET;
pub use host_api::{ArchiveFilter, Choice, HostApi, PluginState, SessionSpec, StateError, Swap};
pub use network_grants::{is_granted as is_network_granted, network_list};
pub use outbound_http::{FakeNetwork, FakeNetworkError, HttpRequest, HttpResponse};
pub use pending_approval::{PendingApproval, config_only, joint_approval_request};
pub use plugin_settings::{BuiltInGrants, PluginSettings, WebhookAccess};
pub use post_permission::{ChatMember, PostError, check as check_post};
pub use registry::snapshot::{
    CallOrder, CommandSpec, Compiling, Disabled, FolderFault, Offer, RolloutStatus, Snapshot,
};
pub use registry::version::{Artifact, PluginVersion};
pub use registry::{Activation, Candidate, FailedVersion, Registry};
pub use secrets::read as read_secret;
