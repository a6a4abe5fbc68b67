//! The Rust side of `wit/`, generated: one world with everything the host lends, one for each trade. All share one set of types.

/// What the host lends: the imports.
pub mod lent {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "lent",
        imports: { default: async | trappable },
    });
}

/// The one trade that shares no types with the others.
pub mod webhook {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "webhook-trade",
        exports: { default: async },
    });
}

macro_rules! trade {
    ($name:ident, $world:literal) => {
        pub mod $name {
            wasmtime::component::bindgen!({
                path: "../wit",
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
