//! Calls that no user made: events, due jobs and HTTP requests to webhooks.

use std::sync::Arc;

use cordboard_core::{event::SessionEvent, types::Timestamp};

use super::{
    super::{
        bindings::{
            hook::exports::cordboard::plugin::hook, schedule::exports::cordboard::plugin::schedule,
            webhook::exports::cordboard::plugin::webhook,
        },
        call_error::CallError,
        convert,
        registry::version::PluginVersion,
    },
    Context, Invoker, call,
};

/// A scheduled job that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueJob {
    pub name: String,
    pub at: Timestamp,
    pub missed: u32,
}

/// An HTTP request that has passed the host's checks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebRequest {
    pub method: String,
    /// The path after the plugin's name.
    pub path: String,
    pub query: String,
    /// Header names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A plugin's response to an HTTP request. The host hasn't checked it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Invoker {
    pub async fn hook(
        &self,
        generation: &Arc<PluginVersion>,
        context: Context,
        happening: &SessionEvent,
    ) -> Result<(), CallError> {
        let _permit = self.permit().await;
        let event = hook::Event {
            kind: happening.kind.as_str().to_owned(),
            at: happening.at.0,
            session: happening.session.as_ref().map(convert::session),
            data: happening.data.clone(),
        };
        call_export!(self, generation, hook, context, |guest, store| guest
            .cordboard_plugin_hook()
            .call_on_event(store, &event))
    }

    pub async fn run_job(
        &self,
        generation: &Arc<PluginVersion>,
        context: Context,
        due: &DueJob,
    ) -> Result<(), CallError> {
        let _permit = self.permit().await;
        let job = schedule::DueJob { name: due.name.clone(), at: due.at.0, missed: due.missed, facts: Vec::new() };
        let ran = call_export!(self, generation, schedule, context, |guest, store| guest
            .cordboard_plugin_schedule()
            .call_run(store, &job))?;
        ran.map_err(CallError::Plugin)
    }

    pub async fn receive(
        &self,
        generation: &Arc<PluginVersion>,
        context: Context,
        request: &WebRequest,
    ) -> Result<WebResponse, CallError> {
        let _permit = self.permit().await;
        let asked = webhook::Request {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        };
        let answer = call_export!(self, generation, webhook, context, |guest, store| guest
            .cordboard_plugin_webhook()
            .call_receive(store, &asked))?;
        let webhook::Response { status, headers, body } = answer.map_err(CallError::Plugin)?;
        Ok(WebResponse { status, headers, body })
    }
}
