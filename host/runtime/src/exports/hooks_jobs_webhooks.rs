//! Calls without a caller: events for hooks, due jobs, and HTTP requests to webhooks.

use std::sync::Arc;

use cordboard_core::{event::SessionEvent, types::Timestamp};

use super::{call, environment, session_context};
use crate::{
    bindings::{
        hook::exports::cordboard::plugin::hook,
        schedule::exports::cordboard::plugin::schedule,
        webhook::exports::cordboard::plugin::webhook::{Request, Response},
    },
    call_error::CallError,
    context::CallContext,
    convert,
    host_api::HostApi,
    registry::Registry,
};

/// A scheduled job that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueJob {
    pub name: String,
    pub at: Timestamp,
    pub missed: u32,
}

impl Registry {
    /// Delivers an event to the hook of `plugin`.
    pub async fn hook(&self, host: &Arc<dyn HostApi>, plugin: &str, event: &SessionEvent) -> Result<(), CallError> {
        let snapshot = self.snapshot();
        let version = snapshot.version(plugin).ok_or(CallError::NotOffered("hook"))?;
        let _permit = self.permit().await;
        let context = event.session.as_ref().map_or_else(CallContext::without_caller, session_context);
        let event = hook::Event {
            kind: event.kind.as_str().to_owned(),
            at: event.at.0,
            session: event.session.as_ref().map(convert::session),
            data: event.data.clone(),
        };
        call_export!(self, version, hook, environment(host, &snapshot, context), |guest, store| guest
            .cordboard_plugin_hook()
            .call_on_event(store, &event))
    }

    /// Runs a scheduled job of `plugin`. [`CallError::Plugin`] is an error that the plugin returned.
    pub async fn run_job(&self, host: &Arc<dyn HostApi>, plugin: &str, due: &DueJob) -> Result<(), CallError> {
        let snapshot = self.snapshot();
        let version = snapshot.version(plugin).ok_or(CallError::NotOffered("schedule"))?;
        let _permit = self.permit().await;
        let environment = environment(host, &snapshot, CallContext::without_caller());
        let job = schedule::DueJob { name: due.name.clone(), at: due.at.0, missed: due.missed, facts: Vec::new() };
        let output = call_export!(self, version, schedule, environment, |guest, store| guest
            .cordboard_plugin_schedule()
            .call_run(store, &job))?;
        output.map_err(CallError::Plugin)
    }

    /// Passes an HTTP request to the webhook of `plugin`. This function checks neither the request nor the response;
    /// its caller must. [`CallError::Plugin`] is an error that the plugin returned.
    pub async fn receive(
        &self,
        host: &Arc<dyn HostApi>,
        plugin: &str,
        request: &Request,
    ) -> Result<Response, CallError> {
        let snapshot = self.snapshot();
        let version = snapshot.version(plugin).ok_or(CallError::NotOffered("webhook"))?;
        let _permit = self.permit().await;
        let environment = environment(host, &snapshot, CallContext::without_caller());
        let output = call_export!(self, version, webhook, environment, |guest, store| guest
            .cordboard_plugin_webhook()
            .call_receive(store, request))?;
        output.map_err(CallError::Plugin)
    }
}
