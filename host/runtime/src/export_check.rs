//! Checks that the exports of a version have the functions that the host calls, with the right types. This needs an
//! instance, so it is part of the trial; a type mismatch must not surface only in a later call.

use wasmtime::{Store, component::Instance};

use super::{
    bindings::{
        command::CommandTrade, hook::HookTrade, lifecycle::LifecycleTrade, persona::PersonaTrade,
        schedule::ScheduleTrade, view::ViewTrade, webhook::WebhookTrade,
    },
    call::CallState,
    error::PluginError,
    registry::version::Exports,
    untrusted::foreign,
};

impl Exports {
    pub fn check(&self, store: &mut Store<CallState>, instance: &Instance) -> Result<(), PluginError> {
        macro_rules! check {
            ($name:literal, $trade:ident, $guest:ident) => {
                if self.$trade.is_some()
                    && let Err(error) = $guest::new(&mut *store, instance)
                {
                    return Err(PluginError::ExportMismatch { trade: $name, why: foreign(&causes(&error)) });
                }
            };
        }
        check!("command", command, CommandTrade);
        check!("lifecycle", lifecycle, LifecycleTrade);
        check!("persona", persona, PersonaTrade);
        check!("view", view, ViewTrade);
        check!("hook", hook, HookTrade);
        check!("schedule", schedule, ScheduleTrade);
        check!("webhook", webhook, WebhookTrade);
        Ok(())
    }
}

/// Joins the causes of an error. The outermost is left out, because it only names the runtime's operation.
fn causes(error: &wasmtime::Error) -> String {
    let causes: Vec<String> = error.chain().skip(1).map(|cause| cause.to_string()).collect();
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}
