//! Binds a pressed button's command to the session and request that the button was created for, even if another session
//! is active, and records the command's effect.

use std::sync::{Mutex, PoisonError};

use cordboard_core::{
    messages,
    session::{ApiError, SessionCommand},
    types::{Request, SessionName, SessionView},
};

/// A pressed button's session and request, and the effect of its command.
#[derive(Debug, Default)]
pub struct Press {
    /// The current name of the session.
    pub session: Option<SessionName>,
    pub request: Option<Request>,
    effect: Mutex<PressEffect>,
}

/// The effect of a button's command on the session and request of the button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PressEffect {
    #[default]
    None,
    /// The button's session was changed.
    SessionChanged,
    /// The button's request was already closed.
    RequestClosed,
}

impl Press {
    #[must_use]
    pub fn new(session: Option<SessionName>, request: Option<Request>) -> Self {
        Self { session, request, effect: Mutex::default() }
    }

    #[must_use]
    pub fn effect(&self) -> PressEffect {
        *self.effect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_effect(&self, effect: PressEffect) {
        *self.effect.lock().unwrap_or_else(PoisonError::into_inner) = effect;
    }

    /// Returns the session that a command of the button acts on. A question's button contains the name that the session
    /// had when the button was shown, and that name may now belong to another session.
    #[must_use]
    pub fn target<'a>(&'a self, named: &'a SessionName) -> &'a SessionName {
        self.session.as_ref().filter(|_| self.request.is_some()).unwrap_or(named)
    }

    /// Returns the command for `name`, bound to the button's request if the command can decide that request.
    #[must_use]
    pub fn bind(&self, name: &SessionName, command: SessionCommand) -> SessionCommand {
        match (&self.request, command) {
            (
                Some(request),
                command @ (SessionCommand::Retry(_)
                | SessionCommand::Fresh
                | SessionCommand::Leave
                | SessionCommand::Answer { .. }),
            ) if self.session.as_ref() == Some(name) => SessionCommand::Pressed(request.clone(), Box::new(command)),
            (Some(request @ Request::Stall { .. }), command @ SessionCommand::Interrupt { .. })
                if self.session.as_ref() == Some(name) =>
            {
                SessionCommand::Pressed(request.clone(), Box::new(command))
            }
            (_, command) => command,
        }
    }

    /// Records the outcome of a command for `name`.
    pub fn record(&self, name: &SessionName, change: CommandChange, outcome: &Result<SessionView, ApiError>) {
        if self.session.as_ref() != Some(name) {
            return;
        }
        match outcome {
            Ok(_) if change == CommandChange::Lasting => self.set_effect(PressEffect::SessionChanged),
            Err(refusal) if refusal.text == messages::not_open() => self.set_effect(PressEffect::RequestClosed),
            Ok(_) | Err(_) => {}
        }
    }
}

/// Classifies commands by how long their effect lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandChange {
    /// A lasting change to the session. The buttons are removed after the command.
    Lasting,
    /// A change to the session's agent process, running turn, queue or place. The buttons remain.
    Temporary,
}

impl CommandChange {
    #[must_use]
    pub const fn of(command: &SessionCommand) -> Self {
        match command {
            SessionCommand::Touch(_)
            | SessionCommand::Start
            | SessionCommand::Interrupt { .. }
            | SessionCommand::DropQueued(_)
            | SessionCommand::OpenTerminal(_)
            | SessionCommand::Suspend
            | SessionCommand::ForceSuspend => Self::Temporary,
            SessionCommand::Retry(_)
            | SessionCommand::Fresh
            | SessionCommand::Leave
            | SessionCommand::Answer { .. }
            | SessionCommand::Pressed(..)
            | SessionCommand::Archive
            | SessionCommand::Restore
            | SessionCommand::SetIdleTimeout(_)
            | SessionCommand::SetModel(_)
            | SessionCommand::SetPersona(_)
            | SessionCommand::SetAgent(_)
            | SessionCommand::SetMode(_)
            | SessionCommand::SetPermissionMode(_) => Self::Lasting,
        }
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::{session::QueuedPrompts, types::Timestamp};

    use super::*;

    #[test]
    fn stop_is_bound_to_a_question_about_a_silence_only() {
        let session: SessionName = "alpha".parse().unwrap();
        let stop = || SessionCommand::Interrupt { queued: QueuedPrompts::Keep, from: None };
        let stall = Request::Stall { session: session.clone(), since: Timestamp(5) };
        let press = |request| Press::new(Some(session.clone()), Some(request));
        let bound = SessionCommand::Pressed(stall.clone(), Box::new(stop()));
        assert_eq!(press(stall.clone()).bind(&session, stop()), bound);
        assert_eq!(press(stall).bind(&"beta".parse().unwrap(), stop()), stop());
        let failure = Request::Start { session: session.clone(), failure: 1 };
        assert_eq!(press(failure).bind(&session, stop()), stop());
    }
}
