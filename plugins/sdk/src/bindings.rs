//! The code that `wit-bindgen` generates from `wit/cordboard.wit`: a module for the host's functions and one for each
//! extension point, with shared types. Plugins use the SDK's other modules instead.

pub mod host_imports {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "host-imports",
        additional_derives: [PartialEq],
    });
}

/// The bindings of the only extension point that shares no types with the others.
pub mod webhook {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "webhook-plugin",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_webhook",
        default_bindings_module: "cordboard_plugin::bindings::webhook",
    });
}

macro_rules! extension_point {
    ($module:ident, $world:literal, $macro_name:literal, $path:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                with: { "cordboard:plugin/types@0.2.6": crate::bindings::host_imports::cordboard::plugin::types },
                additional_derives: [PartialEq],
                pub_export_macro: true,
                export_macro_name: $macro_name,
                default_bindings_module: $path,
            });
        }
    };
}

extension_point!(command, "command-plugin", "export_command", "cordboard_plugin::bindings::command");
extension_point!(lifecycle, "lifecycle-plugin", "export_lifecycle", "cordboard_plugin::bindings::lifecycle");
extension_point!(approval, "approval-plugin", "export_approval", "cordboard_plugin::bindings::approval");
extension_point!(filter, "filter-plugin", "export_filter", "cordboard_plugin::bindings::filter");
extension_point!(persona, "persona-plugin", "export_persona", "cordboard_plugin::bindings::persona");
extension_point!(view, "view-plugin", "export_view", "cordboard_plugin::bindings::view");
extension_point!(hook, "hook-plugin", "export_hook", "cordboard_plugin::bindings::hook");
extension_point!(schedule, "schedule-plugin", "export_schedule", "cordboard_plugin::bindings::schedule");
