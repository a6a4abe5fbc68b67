//! `plugin-control`: runs admin commands with the rights of the caller. Unlike the capabilities for sessions, it
//! doesn't use `acts_as`: a call that no user made has no rights here.

use cordboard_core::session::ApiError;

use super::super::{
    bindings::plugin_control::{Error, Host},
    call::CallState,
    rollout_command::AdminCommand,
};

type CommandResult = wasmtime::Result<Result<String, Error>>;

impl CallState {
    async fn run_admin_command(&mut self, name: String, command: AdminCommand) -> CommandResult {
        let host = self.host()?;
        let outcome = host.api.run_admin_command(self.context.caller.as_ref(), &name, command).await;
        Ok(outcome.map_err(|ApiError { code, text }| Error { code: code.as_str().to_owned(), message: text }))
    }
}

impl Host for CallState {
    async fn rollback(&mut self, name: String) -> CommandResult {
        self.run_admin_command(name, AdminCommand::Rollback).await
    }

    async fn reload(&mut self, name: String) -> CommandResult {
        self.run_admin_command(name, AdminCommand::Reload).await
    }

    async fn disable(&mut self, name: String) -> CommandResult {
        self.run_admin_command(name, AdminCommand::Disable).await
    }

    async fn enable(&mut self, name: String) -> CommandResult {
        self.run_admin_command(name, AdminCommand::Enable).await
    }

    async fn grant(&mut self, name: String, digest: String) -> CommandResult {
        self.run_admin_command(name, AdminCommand::Grant(digest)).await
    }

    async fn refuse(&mut self, name: String, digest: String) -> CommandResult {
        self.run_admin_command(name, AdminCommand::Refuse(digest)).await
    }

    async fn revoke(&mut self, name: String) -> CommandResult {
        self.run_admin_command(name, AdminCommand::Revoke).await
    }
}
