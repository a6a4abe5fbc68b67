//! Calls that no user asked for, each of the plugin as it is plugged in now.

use std::sync::Arc;

use cordboard_core::happening::Happening;
use tokio::sync::watch;

use super::{
    super::super::{
        board::Board,
        call::{Asked, CallError},
        trades::{DueJob, WebRequest, WebResponse},
    },
    Plugs, about,
};

impl Plugs {
    /// Ticks when the table may be another.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.table.changes()
    }

    /// Tells the hook of `plugin` what happened.
    pub async fn hook(&self, board: &Arc<dyn Board>, plugin: &str, happening: &Happening) -> Result<(), CallError> {
        let table = self.table();
        let generation = table.generation(plugin).ok_or(CallError::NotOffered("hook"))?;
        let asked = happening.session.as_ref().map_or_else(Asked::default, about);
        self.caller.hook(generation, (asked, self.lent(board)), happening).await
    }

    /// Runs a job of `plugin`. `Said` is the plugin's own error.
    pub async fn run_job(&self, board: &Arc<dyn Board>, plugin: &str, due: &DueJob) -> Result<(), CallError> {
        let table = self.table();
        let generation = table.generation(plugin).ok_or(CallError::NotOffered("schedule"))?;
        self.caller.run_job(generation, (Asked::default(), self.lent(board)), due).await
    }

    /// Hands `plugin` a request from the net. `Said` is the plugin's own error.
    pub async fn receive(
        &self,
        board: &Arc<dyn Board>,
        plugin: &str,
        request: &WebRequest,
    ) -> Result<WebResponse, CallError> {
        let table = self.table();
        let generation = table.generation(plugin).ok_or(CallError::NotOffered("webhook"))?;
        self.caller.receive(generation, (Asked::default(), self.lent(board)), request).await
    }
}
