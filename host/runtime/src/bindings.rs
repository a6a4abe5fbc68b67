//! Rust bindings generated from `wit/`: one module for the interfaces that plugins import, and one for each extension
//! point. All except `webhook` share the types in `host_imports`.

/// The interfaces that the host implements and plugins import.
pub mod host_imports {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "host-imports",
        imports: { default: async | trappable },
    });
}

/// The only extension point that shares no types with the others.
pub mod webhook {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "webhook-plugin",
        exports: { default: async },
        additional_derives: [PartialEq, Default],
    });
}

macro_rules! extension_point {
    ($name:ident, $world:literal) => {
        pub mod $name {
            wasmtime::component::bindgen!({
                path: "../../wit",
                world: $world,
                exports: { default: async },
                with: { "cordboard:plugin/types": super::host_imports::cordboard::plugin::types },
            });
        }
    };
}

extension_point!(command, "command-plugin");
extension_point!(lifecycle, "lifecycle-plugin");
extension_point!(approval, "approval-plugin");
extension_point!(filter, "filter-plugin");
extension_point!(persona, "persona-plugin");
extension_point!(view, "view-plugin");
extension_point!(hook, "hook-plugin");
extension_point!(schedule, "schedule-plugin");

pub use host_imports::cordboard::plugin::{
    access_control, attachments, catalog, chat, config, context, log, plugin_control, requests, secrets,
    session_control, sessions, state, tcp, types,
};
