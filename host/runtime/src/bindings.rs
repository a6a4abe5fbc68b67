//! Rust bindings generated from `wit/`: one world for the host's imports and one for each extension point. All worlds
//! except `webhook` share the types of `lent`.

/// The interfaces that the host implements and plugins import.
pub mod lent {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "lent",
        imports: { default: async | trappable },
    });
}

/// The only extension point that shares no types with the others.
pub mod webhook {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "webhook-trade",
        exports: { default: async },
    });
}

macro_rules! trade {
    ($name:ident, $world:literal) => {
        pub mod $name {
            wasmtime::component::bindgen!({
                path: "../../wit",
                world: $world,
                exports: { default: async },
                with: { "cordboard:plugin/types": super::lent::cordboard::plugin::types },
            });
        }
    };
}

trade!(command, "command-trade");
trade!(lifecycle, "lifecycle-trade");
trade!(persona, "persona-trade");
trade!(view, "view-trade");
trade!(hook, "hook-trade");
trade!(schedule, "schedule-trade");

pub use lent::cordboard::plugin::{
    catalog, chat, config, context, log, plugin_control, secrets, session_control, sessions, state, tcp, types,
};
