//! The host's side of the interfaces that plugins import, one file per capability. Capabilities that aren't granted
//! aren't linked, so the functions don't check grants. The [`HostApi`](super::host_api::HostApi) checks the caller's
//! rights on sessions.

mod catalog;
mod chat;
mod config;
mod context;
mod log;
mod plugin_control;
mod secrets;
mod session_control;
mod sessions;
mod state;
mod tcp;

use wasmtime::component::{HasSelf, Linker};

use super::{bindings as b, call::CallState};

/// The way an operator grants a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    ToAll,
    /// By `grants` in `[plugins.NAME]`.
    ByName,
    /// By a list of allowed targets in `[plugins.NAME]`, whose key is the capability's name.
    ByList,
}

/// An interface that plugins can import.
#[derive(Debug, Clone, Copy)]
pub struct Capability {
    pub name: &'static str,
    pub granted: Granted,
    link: fn(&mut Linker<CallState>) -> wasmtime::Result<()>,
}

macro_rules! capability {
    ($name:literal, $module:ident, $granted:ident) => {
        Capability {
            name: $name,
            granted: Granted::$granted,
            link: |linker| b::$module::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state),
        }
    };
}

/// Each capability is the interface of the package `cordboard:plugin` with the same name.
pub const CAPABILITIES: [Capability; 11] = [
    capability!("context", context, ToAll),
    capability!("log", log, ToAll),
    capability!("config", config, ToAll),
    capability!("state", state, ToAll),
    capability!("catalog", catalog, ToAll),
    capability!("sessions", sessions, ByName),
    capability!("session-control", session_control, ByName),
    capability!("chat", chat, ByName),
    capability!("plugin-control", plugin_control, ByName),
    capability!("secrets", secrets, ByList),
    capability!("tcp", tcp, ByList),
];

impl Capability {
    pub fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        (self.link)(linker)
    }
}

// The interface has only types and no functions.
impl b::types::Host for CallState {}
