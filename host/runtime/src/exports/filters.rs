//! Calls filters, which change or reject messages to agents.

use std::sync::Arc;

use cordboard_core::types::{FilterInput, FilterOutcome, SessionView};

use super::{
    super::{call, call_error::CallError, context::CallContext, convert, host_api::HostApi, registry::Registry},
    environment,
};

/// A message to be filtered, with its session and author.
pub struct FilterCall<'a> {
    pub host: &'a Arc<dyn HostApi>,
    pub view: &'a SessionView,
    /// The author and the place of the message.
    pub context: &'a CallContext,
    pub message: &'a FilterInput,
}

impl Registry {
    /// Asks a filter about a message to an agent. Returns `Pass` without calling the plugin if the plugin doesn't
    /// handle messages of this kind.
    pub async fn filter(&self, plugin: &str, call: FilterCall<'_>) -> Result<FilterOutcome, CallError> {
        let FilterCall { host, view, context, message } = call;
        let snapshot = self.snapshot();
        if !snapshot.has_filter(plugin) {
            return Err(CallError::FilterNotActive);
        }
        let (Some(version), Some(offers)) = (snapshot.version(plugin), snapshot.offers(plugin)) else {
            return Err(CallError::FilterNotActive);
        };
        if !message.is_one_of(&offers.filter_kinds) {
            return Ok(FilterOutcome::Pass);
        }
        let _permit = self.filter_permits.acquire().await.expect("the semaphore is never closed");
        let context = CallContext { active: Some(view.clone()), ..context.clone() };
        let environment = environment(host, &snapshot, context);
        let message = convert::filter_message(view, message);
        let outcome = call_export!(self, version, filter, environment, |guest, store| guest
            .cordboard_plugin_filter()
            .call_prompt(store, &message))?;
        Ok(convert::filter_outcome(outcome))
    }
}
