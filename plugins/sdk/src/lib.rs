//! The SDK for Cordboard plugins: a trait for each extension point, a macro that exports a type as extension points,
//! and the host's capabilities as functions. It is stateless: every call runs in a fresh instance, and data that must
//! survive a call belongs in [`state`].
//!
//! A plugin is a `cdylib` crate that is built for `wasm32-wasip2`:
//!
//! ```
//! use cordboard_plugin::{Call, Command, Reply, command::Spec, context, text};
//!
//! struct Hello;
//!
//! impl Command for Hello {
//!     fn specs() -> Result<Vec<Spec>, String> {
//!         Ok(vec![Spec::new("hello", "Greet a person", "/hello [name]")])
//!     }
//!
//!     fn run(call: &Call) -> Result<Reply, String> {
//!         let caller = context::current_caller().map(|caller| caller.name);
//!         let name = call.arg(0).map(str::to_owned).or(caller).unwrap_or_else(|| "you".into());
//!         Ok(Reply::text(format!("Hello, {}!", text::escape(&name))).button("Again", "/hello"))
//!     }
//! }
//!
//! cordboard_plugin::export!(Hello: command);
//! # fn main() {}
//! ```
//!
//! A component requests the capabilities that it uses. `context`, `log`, `config`, `state` and `catalog` are granted to
//! all plugins. The operator grants the others in `[plugins.hello]`: `sessions`, `session_control`, `requests`,
//! `attachments`, `chat`, `plugin_control` and `access_control` with `grants`, as in `grants = ["sessions",
//! "session-control"]`, and `http`, `tcp` and `secrets` with the lists of the same names.

#[doc(hidden)]
pub mod bindings;
mod escape;
mod extension_points;
mod host;
pub mod http;
pub mod language;
mod reply;
pub mod testing;
pub mod text;

pub use bindings::host_imports::cordboard::plugin::types::{
    Attachment, Button, Caller, Content, Phase, Place, Reply, Seconds, Session, Timestamp,
};
pub use extension_points::{
    Approval, Call, Command, Filter, Hook, Lifecycle, Persona, Schedule, View, Webhook, approval, command, filter,
    hook, lifecycle, persona, schedule, view, webhook,
};
pub use host::{
    access_control, attachments, catalog, chat, config, context, log, plugin_control, requests, secrets,
    session_control, sessions, state, tcp,
};

/// Exports a type as the extension points that it implements, as in `export!(Hello: command, hook)`. Call it once per
/// crate. The [translations](language) of the plugin's texts follow a semicolon, as in
/// `export!(Hello: command; german::GERMAN)`.
#[macro_export]
macro_rules! export {
    ($plugin:ident: $($point:ident),+ $(,)? $(; $($translation:expr),* $(,)?)?) => {
        impl $crate::language::Translated for $plugin {
            const TRANSLATIONS: &'static [&'static $crate::language::Translation] = &[$($(&$translation),*)?];
        }
        $($crate::export_extension_point!($plugin, $point);)+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_extension_point {
    ($plugin:ident, command) => {
        $crate::bindings::command::export_command!($plugin with_types_in $crate::bindings::command);
    };
    ($plugin:ident, lifecycle) => {
        $crate::bindings::lifecycle::export_lifecycle!($plugin with_types_in $crate::bindings::lifecycle);
    };
    ($plugin:ident, approval) => {
        $crate::bindings::approval::export_approval!($plugin with_types_in $crate::bindings::approval);
    };
    ($plugin:ident, filter) => {
        $crate::bindings::filter::export_filter!($plugin with_types_in $crate::bindings::filter);
    };
    ($plugin:ident, persona) => {
        $crate::bindings::persona::export_persona!($plugin with_types_in $crate::bindings::persona);
    };
    ($plugin:ident, view) => {
        $crate::bindings::view::export_view!($plugin with_types_in $crate::bindings::view);
    };
    ($plugin:ident, hook) => {
        $crate::bindings::hook::export_hook!($plugin with_types_in $crate::bindings::hook);
    };
    ($plugin:ident, schedule) => {
        $crate::bindings::schedule::export_schedule!($plugin with_types_in $crate::bindings::schedule);
    };
    ($plugin:ident, webhook) => {
        $crate::bindings::webhook::export_webhook!($plugin with_types_in $crate::bindings::webhook);
    };
}
