//! What plugins import, one file a capability. What a plugin was not granted is not linked, so the functions here need not ask again; rights
//! on sessions are checked by the board, with the caller that it is given.

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

/// How an operator grants a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    ToAll,
    /// `[plugins.NAME] grants`.
    ByName,
    /// `[plugins.NAME]` has a list that is called like it, of what it may reach.
    ByList,
}

/// An interface that the host lends.
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

/// Each is an interface of the package `cordboard:plugin` with the same name.
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

// Types alone: nothing to answer.
impl b::types::Host for CallState {}
