//! What plugins import, one file a capability. What a plugin was not granted is not linked, so the functions here need not ask again; rights
//! on sessions are checked by the board, with the caller that it is given.

mod catalog;
mod chat;
mod config;
mod context;
mod log;
mod plugin_control;
mod session_control;
mod sessions;
mod state;

use wasmtime::component::{HasSelf, Linker};

use super::{bindings as b, call::CallState};

/// A capability that an operator grants by name, `[plugins.NAME] grants`.
#[derive(Debug, Clone, Copy)]
pub struct Capability {
    pub name: &'static str,
    /// Whether every plugin has it.
    pub granted_to_all: bool,
    link: fn(&mut Linker<CallState>) -> wasmtime::Result<()>,
}

macro_rules! capability {
    ($name:literal, $module:ident, $granted_to_all:literal) => {
        Capability {
            name: $name,
            granted_to_all: $granted_to_all,
            link: |linker| b::$module::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state),
        }
    };
}

/// Each is an interface of the package `cordboard:plugin` with the same name.
pub const CAPABILITIES: [Capability; 9] = [
    capability!("context", context, true),
    capability!("log", log, true),
    capability!("config", config, true),
    capability!("state", state, true),
    capability!("catalog", catalog, true),
    capability!("sessions", sessions, false),
    capability!("session-control", session_control, false),
    capability!("chat", chat, false),
    capability!("plugin-control", plugin_control, false),
];

impl Capability {
    pub fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        (self.link)(linker)
    }
}

// Types alone: nothing to answer.
impl b::types::Host for CallState {}
