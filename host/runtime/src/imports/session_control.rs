//! `session-control`: changes sessions with the caller's rights. A function returns after its change is stored and
//! visible.

use std::time::Duration;

use cordboard_core::{
    agent::PromptId,
    messages,
    session::{self, ApiError, ApiErrorCode, SessionCommand},
    types::{Caller, Place, Role, SessionName, SessionView},
};

use uuid::Uuid;

use super::super::{
    bindings::{
        session_control::{Error, Host, QueuedPrompts, SessionSpec},
        types,
    },
    call::{CallState, HostHandle},
    call_output::CallOutput,
    convert, host_api,
};

type Answer = wasmtime::Result<Result<types::Session, Error>>;

impl CallState {
    /// Counts the host call and returns the caller whose rights it uses.
    fn acting(&mut self) -> wasmtime::Result<Result<(HostHandle, Caller), ApiError>> {
        let lent = self.lend()?;
        let nobody = || ApiError { code: ApiErrorCode::Denied, text: messages::NO_CALLER.to_owned() };
        Ok(self.caller().cloned().map(|caller| (lent, caller)).ok_or_else(nobody))
    }

    /// Members may open sessions only in the chat of their call. In another chat, other people type, and wouldn't know
    /// which session receives it.
    fn reachable(&self, caller: &Caller, place: &Place, name: &str) -> Result<SessionName, ApiError> {
        if caller.role < Role::Admin && self.asked.place.as_ref() != Some(place) {
            return Err(ApiError { code: ApiErrorCode::Denied, text: messages::only_here(name) });
        }
        known(name)
    }

    async fn order(&mut self, name: String, order: SessionCommand) -> Answer {
        let done = match self.acting()? {
            Ok((lent, caller)) => match known(&name) {
                Ok(name) => lent.board.order(&caller, &name, order).await,
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        Ok(answer(done))
    }
}

/// Parses a session name. A name that isn't valid gets the same error as an unknown session.
fn known(name: &str) -> Result<SessionName, ApiError> {
    name.parse().map_err(|_| ApiError { code: ApiErrorCode::Unknown, text: messages::unknown_session(name) })
}

fn answer(done: Result<SessionView, ApiError>) -> Result<types::Session, Error> {
    done.map(|view| convert::session(&view)).map_err(refusal)
}

fn refusal(refusal: ApiError) -> Error {
    Error { code: refusal.code.as_str().to_owned(), message: refusal.text }
}

impl Host for CallState {
    async fn create(&mut self, spec: SessionSpec) -> Answer {
        let SessionSpec { name, agent, persona, model, folder } = spec;
        let done = match self.acting()? {
            Ok((lent, caller)) => {
                lent.board.create(&caller, host_api::SessionSpec { name, agent, persona, model, folder }).await
            }
            Err(refusal) => Err(refusal),
        };
        Ok(answer(done))
    }

    async fn activate(&mut self, place: types::Place, name: String) -> Answer {
        let place = convert::place_of(place);
        let done = match self.acting()? {
            Ok((lent, caller)) => match self.reachable(&caller, &place, &name) {
                Ok(name) => lent.board.activate(&caller, &place, &name).await,
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        Ok(answer(done))
    }

    async fn start(&mut self, name: String) -> Answer {
        self.order(name, SessionCommand::Start).await
    }

    async fn suspend(&mut self, name: String) -> Answer {
        self.order(name, SessionCommand::Suspend).await
    }

    async fn suspend_anyway(&mut self, name: String) -> Answer {
        self.order(name, SessionCommand::ForceSuspend).await
    }

    async fn interrupt(&mut self, name: String, queued: QueuedPrompts) -> Answer {
        let queued = match queued {
            QueuedPrompts::Keep => session::QueuedPrompts::Keep,
            QueuedPrompts::Drop => session::QueuedPrompts::Drop,
        };
        let from = self.asked.place.clone();
        self.order(name, SessionCommand::Interrupt { queued, from }).await
    }

    async fn retry(&mut self, name: String) -> Answer {
        // Each retry needs a new prompt id, because agents drop a prompt with an id that they have seen.
        self.order(name, SessionCommand::Retry(PromptId(Uuid::new_v4().to_string()))).await
    }

    async fn fresh(&mut self, name: String) -> Answer {
        self.order(name, SessionCommand::Fresh).await
    }

    async fn leave(&mut self, name: String) -> Answer {
        self.order(name, SessionCommand::Leave).await
    }

    async fn archive(&mut self, name: String) -> Answer {
        self.order(name, SessionCommand::Archive).await
    }

    async fn restore(&mut self, name: String) -> Answer {
        self.order(name, SessionCommand::Restore).await
    }

    async fn set_idle_timeout(&mut self, name: String, timeout: Option<u64>) -> Answer {
        self.order(name, SessionCommand::SetIdleTimeout(timeout.map(Duration::from_secs))).await
    }

    async fn set_model(&mut self, name: String, model: Option<String>) -> Answer {
        self.order(name, SessionCommand::SetModel(model)).await
    }

    async fn set_persona(&mut self, name: String, persona: Option<String>) -> Answer {
        self.order(name, SessionCommand::SetPersona(persona)).await
    }

    async fn set_mode(&mut self, name: String, mode: Option<String>) -> Answer {
        self.order(name, SessionCommand::SetMode(mode)).await
    }

    async fn send(&mut self, name: String, prompt: String) -> wasmtime::Result<Result<(), Error>> {
        let done = match self.acting()? {
            Ok((lent, caller)) => match known(&name) {
                Ok(name) => lent.board.prompt(&caller, &name, prompt.scrubbed()).await,
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        Ok(done.map_err(refusal))
    }
}
