//! Checks that the exports of a version have the functions that the host calls, with the right types. The check needs
//! an instance, so it is part of the trial. Without it, a type mismatch would surface only in a later call.

use wasmtime::{Store, component::Instance};

use super::{
    bindings::{
        approval::ApprovalPlugin, command::CommandPlugin, filter::FilterPlugin, hook::HookPlugin,
        lifecycle::LifecyclePlugin, persona::PersonaPlugin, schedule::SchedulePlugin, view::ViewPlugin,
        webhook::WebhookPlugin,
    },
    call::CallState,
    error::PluginError,
    registry::version::Exports,
    untrusted_text::shorten,
};

impl Exports {
    pub fn check(&self, store: &mut Store<CallState>, instance: &Instance) -> Result<(), PluginError> {
        macro_rules! check {
            ($name:literal, $export:ident, $guest:ident) => {
                if self.$export.is_some()
                    && let Err(error) = $guest::new(&mut *store, instance)
                {
                    return Err(PluginError::ExportMismatch { export: $name, why: shorten(&causes(&error)) });
                }
            };
        }
        check!("command", command, CommandPlugin);
        check!("lifecycle", lifecycle, LifecyclePlugin);
        check!("approval", approval, ApprovalPlugin);
        check!("filter", filter, FilterPlugin);
        check!("persona", persona, PersonaPlugin);
        check!("view", view, ViewPlugin);
        check!("hook", hook, HookPlugin);
        check!("schedule", schedule, SchedulePlugin);
        check!("webhook", webhook, WebhookPlugin);
        Ok(())
    }
}

/// Joins an error's causes, except for the outermost, which only names the wasmtime operation.
fn causes(error: &wasmtime::Error) -> String {
    let causes: Vec<String> = error.chain().skip(1).map(|cause| cause.to_string()).collect();
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}
