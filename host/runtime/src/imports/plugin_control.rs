//! `plugin-control`: runs admin commands with the rights of the caller. Unlike other capabilities, it doesn't use
//! `acts_as`: a call that no user made has no rights here.

use cordboard_core::session::ApiError;

use super::super::{
    admin_command::AdminCommand,
    bindings::plugin_control::{Error, Host},
    call::CallState,
};

type Answer = wasmtime::Result<Result<String, Error>>;

impl CallState {
    async fn plug_order(&mut self, name: String, order: AdminCommand) -> Answer {
        let lent = self.lend()?;
        let done = lent.board.steer_plugin(self.asked.caller.as_ref(), &name, order).await;
        Ok(done.map_err(|ApiError { code, text }| Error { code: code.as_str().to_owned(), message: text }))
    }
}

impl Host for CallState {
    async fn rollback(&mut self, name: String) -> Answer {
        self.plug_order(name, AdminCommand::Rollback).await
    }

    async fn reload(&mut self, name: String) -> Answer {
        self.plug_order(name, AdminCommand::Reload).await
    }

    async fn disable(&mut self, name: String) -> Answer {
        self.plug_order(name, AdminCommand::Disable).await
    }

    async fn enable(&mut self, name: String) -> Answer {
        self.plug_order(name, AdminCommand::Enable).await
    }

    async fn grant(&mut self, name: String, digest: String) -> Answer {
        self.plug_order(name, AdminCommand::Grant(digest)).await
    }

    async fn refuse(&mut self, name: String, digest: String) -> Answer {
        self.plug_order(name, AdminCommand::Refuse(digest)).await
    }

    async fn revoke(&mut self, name: String) -> Answer {
        self.plug_order(name, AdminCommand::Revoke).await
    }
}
