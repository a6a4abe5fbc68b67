//! Calls that no user asked for, each of the plugin as it is plugged in now.

use std::sync::Arc;

use cordboard_core::event::SessionEvent;
use tokio::sync::watch;

use super::{
    super::super::{
        call::{CallContext, CallError},
        exports::{DueJob, WebRequest, WebResponse},
        host_api::HostApi,
    },
    Registry, about,
};

impl Registry {
    /// Ticks when the table may be another.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.table.changes()
    }

    /// Tells the hook of `plugin` what happened.
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

    /// Runs a job of `plugin`. `Said` is the plugin's own error.
    pub async fn run_job(&self, board: &Arc<dyn HostApi>, plugin: &str, due: &DueJob) -> Result<(), CallError> {
        let table = self.table();
        let generation = table.generation(plugin).ok_or(CallError::NotOffered("schedule"))?;
        self.caller.run_job(generation, (CallContext::default(), self.lent(board)), due).await
    }

    /// Hands `plugin` a request from the net. `Said` is the plugin's own error.
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
