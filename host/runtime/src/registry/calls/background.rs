//! Calls that no user made, to the active version of a plugin.

use std::sync::Arc;

use cordboard_core::event::SessionEvent;
use tokio::sync::watch;

use super::{
    super::super::{
        call_error::CallError,
        context::CallContext,
        exports::{DueJob, WebRequest, WebResponse},
        host_api::HostApi,
    },
    Registry, about,
};

impl Registry {
    /// Signals every replacement of the snapshot.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.table.changes()
    }

    /// Delivers an event to the hook of `plugin`.
    pub async fn hook(
        &self,
        board: &Arc<dyn HostApi>,
        plugin: &str,
        happening: &SessionEvent,
    ) -> Result<(), CallError> {
        let table = self.table();
        let generation = table.generation(plugin).ok_or(CallError::NotOffered("hook"))?;
        let asked = happening.session.as_ref().map_or_else(CallContext::default, about);
        self.caller.hook(generation, (asked, self.lent(board)), happening).await
    }

    /// Runs a scheduled job of `plugin`. [`CallError::Plugin`] is the plugin's own error.
    pub async fn run_job(&self, board: &Arc<dyn HostApi>, plugin: &str, due: &DueJob) -> Result<(), CallError> {
        let table = self.table();
        let generation = table.generation(plugin).ok_or(CallError::NotOffered("schedule"))?;
        self.caller.run_job(generation, (CallContext::default(), self.lent(board)), due).await
    }

    /// Passes an HTTP request to the webhook of `plugin`. [`CallError::Plugin`] is the plugin's own error.
    pub async fn receive(
        &self,
        board: &Arc<dyn HostApi>,
        plugin: &str,
        request: &WebRequest,
    ) -> Result<WebResponse, CallError> {
        let table = self.table();
        let generation = table.generation(plugin).ok_or(CallError::NotOffered("webhook"))?;
        self.caller.receive(generation, (CallContext::default(), self.lent(board)), request).await
    }
}
