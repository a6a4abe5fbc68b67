//! `context`: returns the caller, the place, the session, the time and the locale of the call.

use cordboard_core::types::SessionView;

use super::super::{
    bindings::{context::Host, types},
    call::CallState,
    convert,
};

impl CallState {
    /// Returns the session of the pressed button, or else the caller's active session in the place of the call. For a
    /// call that no user made, returns the session that the call is about.
    pub fn call_session(&self) -> Option<SessionView> {
        match (&self.host, &self.context.caller, &self.context.place) {
            (Some(host), Some(caller), Some(place)) => host.api.active(caller, place),
            _ => self.context.active.clone(),
        }
    }
}

impl Host for CallState {
    async fn current_caller(&mut self) -> wasmtime::Result<Option<types::Caller>> {
        self.count_call()?;
        Ok(self.context.caller.as_ref().map(convert::caller))
    }

    async fn current_place(&mut self) -> wasmtime::Result<Option<types::Place>> {
        self.count_call()?;
        Ok(self.context.place.as_ref().map(convert::place))
    }

    /// Reads the session each time, because the command may have switched to another one.
    async fn active_session(&mut self) -> wasmtime::Result<Option<types::Session>> {
        self.count_call()?;
        Ok(self.call_session().as_ref().map(convert::session))
    }

    async fn now(&mut self) -> wasmtime::Result<types::Timestamp> {
        self.count_call()?;
        Ok(self.now.0)
    }

    async fn locale(&mut self) -> wasmtime::Result<Option<String>> {
        self.count_call()?;
        Ok(self.context.locale.clone())
    }
}
