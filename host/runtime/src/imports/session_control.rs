//! `session-control`: changes sessions with the caller's rights. Each function returns after its change is stored and
//! visible.

use std::time::Duration;

use cordboard_core::{
    agent_event::PromptId,
    messages,
    session::{self, ApiError, ApiErrorCode, SessionCommand},
    types::{Caller, PermissionMode, Role, SessionName, SessionView, Urgency},
};
use uuid::Uuid;

use super::super::{
    bindings::{
        session_control::{Error, Host, QueuedPrompts, SessionSpec},
        types,
    },
    call::{CallState, HostHandle},
    call_output::CallOutput,
    convert,
};

type SessionResult = wasmtime::Result<Result<types::Session, Error>>;

impl CallState {
    /// Counts the host call, and returns the host handle and the caller whose rights the call uses.
    pub(super) fn acting_caller(&mut self) -> wasmtime::Result<Result<(HostHandle, Caller), ApiError>> {
        let host = self.host()?;
        let no_caller = || ApiError { code: ApiErrorCode::Denied, text: messages::NO_CALLER.to_owned() };
        Ok(self.caller().cloned().map(|caller| (host, caller)).ok_or_else(no_caller))
    }

    /// Runs `call` on the session with this name, with the host handle and the caller whose rights apply.
    pub(super) async fn on_session<T, F>(
        &mut self,
        name: &str,
        call: impl FnOnce(HostHandle, Caller, SessionName) -> F + Send,
    ) -> wasmtime::Result<Result<T, ApiError>>
    where
        F: Future<Output = Result<T, ApiError>> + Send,
    {
        match (self.acting_caller()?, session_name(name)) {
            (Ok((host, caller)), Ok(name)) => Ok(call(host, caller, name).await),
            (Err(error), _) | (_, Err(error)) => Ok(Err(error)),
        }
    }

    async fn control(&mut self, name: String, command: SessionCommand) -> SessionResult {
        let control = |host: HostHandle, caller, name| async move { host.api.control(&caller, &name, command).await };
        Ok(session_result(self.on_session(&name, control).await?))
    }

    async fn prompt(&mut self, name: String, prompt: String, urgency: Urgency) -> wasmtime::Result<Result<(), Error>> {
        let send = |host: HostHandle, caller, name| async move {
            host.api.prompt(&caller, &name, prompt.scrubbed(), urgency).await
        };
        Ok(self.on_session(&name, send).await?.map_err(error_of))
    }
}

/// Parses a session name. An invalid name results in the same error as an unknown session.
fn session_name(name: &str) -> Result<SessionName, ApiError> {
    name.parse().map_err(|_| ApiError { code: ApiErrorCode::Unknown, text: messages::unknown_session(name) })
}

fn session_result(outcome: Result<SessionView, ApiError>) -> Result<types::Session, Error> {
    outcome.map(|view| convert::session(&view)).map_err(error_of)
}

fn error_of(error: ApiError) -> Error {
    Error { code: error.code.as_str().to_owned(), message: error.text }
}

impl Host for CallState {
    async fn create(&mut self, spec: SessionSpec) -> SessionResult {
        let acting = self.acting_caller()?;
        let outcome = async {
            let (host, caller) = acting?;
            host.api.create(&caller, spec).await
        };
        Ok(session_result(outcome.await))
    }

    async fn activate(&mut self, place: types::Place, name: String) -> SessionResult {
        let (acting, place) = (self.acting_caller()?, convert::place_of(place));
        let is_here = self.context.place.as_ref() == Some(&place);
        let outcome = async {
            let (host, caller) = acting?;
            // Only admins may switch the session of another chat: other people may write there, and they wouldn't know
            // which session their messages go to.
            if caller.role < Role::Admin && !is_here {
                return Err(ApiError { code: ApiErrorCode::Denied, text: messages::only_here(&name) });
            }
            host.api.activate(&caller, &place, &session_name(&name)?).await
        };
        Ok(session_result(outcome.await))
    }

    async fn start(&mut self, name: String) -> SessionResult {
        self.control(name, SessionCommand::Start).await
    }

    async fn suspend(&mut self, name: String) -> SessionResult {
        self.control(name, SessionCommand::Suspend).await
    }

    async fn suspend_anyway(&mut self, name: String) -> SessionResult {
        self.control(name, SessionCommand::ForceSuspend).await
    }

    async fn interrupt(&mut self, name: String, queued: QueuedPrompts) -> SessionResult {
        let queued = match queued {
            QueuedPrompts::Keep => session::QueuedPrompts::Keep,
            QueuedPrompts::Drop => session::QueuedPrompts::Drop,
        };
        let from = self.context.place.clone();
        self.control(name, SessionCommand::Interrupt { queued, from }).await
    }

    async fn retry(&mut self, name: String) -> SessionResult {
        // Each retry needs a new prompt id, because agents drop prompts whose id they have already seen.
        self.control(name, SessionCommand::Retry(PromptId(Uuid::new_v4().to_string()))).await
    }

    async fn fresh(&mut self, name: String) -> SessionResult {
        self.control(name, SessionCommand::Fresh).await
    }

    async fn leave(&mut self, name: String) -> SessionResult {
        self.control(name, SessionCommand::Leave).await
    }

    async fn archive(&mut self, name: String) -> SessionResult {
        self.control(name, SessionCommand::Archive).await
    }

    async fn restore(&mut self, name: String) -> SessionResult {
        self.control(name, SessionCommand::Restore).await
    }

    async fn set_idle_timeout(&mut self, name: String, timeout: Option<u64>) -> SessionResult {
        self.control(name, SessionCommand::SetIdleTimeout(timeout.map(Duration::from_secs))).await
    }

    async fn set_model(&mut self, name: String, model: Option<String>) -> SessionResult {
        self.control(name, SessionCommand::SetModel(model)).await
    }

    async fn set_persona(&mut self, name: String, persona: Option<String>) -> SessionResult {
        self.control(name, SessionCommand::SetPersona(persona)).await
    }

    async fn set_mode(&mut self, name: String, mode: Option<String>) -> SessionResult {
        self.control(name, SessionCommand::SetMode(mode)).await
    }

    async fn set_own_mode(&mut self, mode: Option<String>) -> wasmtime::Result<Result<(), Error>> {
        let acting = self.acting_caller()?;
        let outcome = async {
            let (host, caller) = acting?;
            host.api.set_own_mode(&caller, mode).await
        };
        Ok(outcome.await.map_err(error_of))
    }

    async fn own_mode(&mut self) -> wasmtime::Result<Result<Option<String>, Error>> {
        let acting = self.acting_caller()?;
        let outcome = async {
            let (host, caller) = acting?;
            host.api.own_mode(&caller).await
        };
        Ok(outcome.await.map_err(error_of))
    }

    async fn set_permission_mode(&mut self, name: String, mode: Option<String>) -> SessionResult {
        let mode = match mode.as_deref().map(|text| PermissionMode::parse(text).ok_or(text)) {
            None => None,
            Some(Ok(mode)) => Some(mode),
            Some(Err(unknown)) => {
                let text = messages::unknown_permission_mode(unknown, &PermissionMode::names());
                return Ok(Err(Error { code: ApiErrorCode::Invalid.as_str().to_owned(), message: text }));
            }
        };
        self.control(name, SessionCommand::SetPermissionMode(mode)).await
    }

    async fn send(&mut self, name: String, prompt: String) -> wasmtime::Result<Result<(), Error>> {
        self.prompt(name, prompt, Urgency::Normal).await
    }

    async fn send_now(&mut self, name: String, prompt: String) -> wasmtime::Result<Result<(), Error>> {
        self.prompt(name, prompt, Urgency::Now).await
    }

    async fn drop_queued(&mut self, name: String, id: String) -> SessionResult {
        self.control(name, SessionCommand::DropQueued(PromptId(id))).await
    }

    async fn rename(&mut self, name: String, new_name: String) -> SessionResult {
        let rename = |host: HostHandle, caller, name| async move { host.api.rename(&caller, &name, &new_name).await };
        Ok(session_result(self.on_session(&name, rename).await?))
    }

    async fn fork(&mut self, name: String, new_name: String) -> SessionResult {
        let fork = |host: HostHandle, caller, name| async move { host.api.fork(&caller, &name, &new_name).await };
        Ok(session_result(self.on_session(&name, fork).await?))
    }

    async fn set_agent(&mut self, name: String, agent: String) -> SessionResult {
        self.control(name, SessionCommand::SetAgent(agent)).await
    }
}
