//! The code that `wit-bindgen` generates from `wit/cordboard.wit`: a module for the host's functions and one for each
//! extension point, with shared types. Plugins use the SDK's other modules instead.

pub mod lent {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "lent",
        additional_derives: [PartialEq],
    });
}

/// The only extension point that shares no types with the others.
pub mod webhook {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "webhook-trade",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_webhook",
        default_bindings_module: "cordboard_plugin::bindings::webhook",
    });
}

macro_rules! trade {
    ($module:ident, $world:literal, $macro_name:literal, $path:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                with: { "cordboard:plugin/types@0.1.0": crate::bindings::lent::cordboard::plugin::types },
                additional_derives: [PartialEq],
                pub_export_macro: true,
                export_macro_name: $macro_name,
                default_bindings_module: $path,
            });
        }
    };
}

trade!(command, "command-trade", "export_command", "cordboard_plugin::bindings::command");
trade!(lifecycle, "lifecycle-trade", "export_lifecycle", "cordboard_plugin::bindings::lifecycle");
trade!(persona, "persona-trade", "export_persona", "cordboard_plugin::bindings::persona");
trade!(view, "view-trade", "export_view", "cordboard_plugin::bindings::view");
trade!(hook, "hook-trade", "export_hook", "cordboard_plugin::bindings::hook");
trade!(schedule, "schedule-trade", "export_schedule", "cordboard_plugin::bindings::schedule");
