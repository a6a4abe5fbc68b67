//! The host's side of the interfaces that plugins import, one file per capability. Only granted capabilities are
//! linked, so the functions don't check grants. The [`HostApi`](super::host_api::HostApi) checks the caller's rights to
//! sessions.

mod access_control;
mod attachments;
mod catalog;
mod chat;
mod config;
mod context;
mod log;
mod plugin_control;
mod requests;
mod secrets;
mod session_control;
mod sessions;
mod state;
mod tcp;

use cordboard_core::capability::Capability;
use wasmtime::component::{HasSelf, Linker};

use super::{bindings as b, call::CallState};

/// Links the functions of a capability.
pub fn link(capability: Capability, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    macro_rules! add {
        ($module:ident) => {
            b::$module::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
        };
    }
    match capability {
        Capability::Context => add!(context),
        Capability::Log => add!(log),
        Capability::Config => add!(config),
        Capability::State => add!(state),
        Capability::Catalog => add!(catalog),
        Capability::Sessions => add!(sessions),
        Capability::SessionControl => add!(session_control),
        Capability::Requests => add!(requests),
        Capability::Attachments => add!(attachments),
        Capability::Chat => add!(chat),
        Capability::PluginControl => add!(plugin_control),
        Capability::AccessControl => add!(access_control),
        Capability::Secrets => add!(secrets),
        Capability::Tcp => add!(tcp),
    }
}

// The `types` interface has no functions, so there is nothing to implement.
impl b::types::Host for CallState {}
