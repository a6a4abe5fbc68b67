//! Binds the call of a pressed button to the session and request that the button was created for, even if another
//! session is active, and records the effect of the call.

use std::sync::{Mutex, PoisonError};

use cordboard_core::{
    messages,
    session::{ApiError, SessionCommand},
    types::{Request, SessionName, SessionView},
};

/// A pressed button, as the call of its command sees it.
#[derive(Debug, Default)]
pub struct Press {
    pub session: Option<SessionName>,
    pub request: Option<Request>,
    came: Mutex<Came>,
}

/// The effect of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Came {
    #[default]
    Nothing,
    /// The session of the button was changed.
    Changed,
    /// The request of the button is already closed.
    NotOpen,
}

impl Press {
    #[must_use]
    pub fn new(session: Option<SessionName>, request: Option<Request>) -> Self {
        Self { session, request, came: Mutex::default() }
    }

    #[must_use]
    pub fn came(&self) -> Came {
        *self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, came: Came) {
        *self.came.lock().unwrap_or_else(PoisonError::into_inner) = came;
    }

    /// Returns the order for `name`, bound to the button's request if the request applies to it.
    #[must_use]
    pub fn bind(&self, name: &SessionName, order: SessionCommand) -> SessionCommand {
        match (&self.request, order) {
            (Some(request), order @ (SessionCommand::Retry(_) | SessionCommand::Fresh | SessionCommand::Leave))
                if self.session.as_ref() == Some(name) =>
            {
                SessionCommand::Pressed(request.clone(), Box::new(order))
            }
            (_, order) => order,
        }
    }

    /// Records the outcome of `order` for `name`.
    pub fn ordered(&self, name: &SessionName, changes: Changes, outcome: &Result<SessionView, ApiError>) {
        if self.session.as_ref() != Some(name) {
            return;
        }
        match outcome {
            Ok(_) if changes == Changes::Session => self.note(Came::Changed),
            Err(refusal) if refusal.text == messages::NOT_OPEN => self.note(Came::NotOpen),
            Ok(_) | Err(_) => {}
        }
    }
}

/// The kinds of orders, by how long their effect lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// A lasting change of the session. Afterwards the buttons are removed.
    Session,
    /// A temporary change: of the agent process, of the running turn, or of the place that shows it.
    Moment,
}

impl Changes {
    #[must_use]
    pub const fn of(order: &SessionCommand) -> Self {
        match order {
            SessionCommand::Touch(_)
            | SessionCommand::Start
            | SessionCommand::Interrupt { .. }
            | SessionCommand::Suspend => Self::Moment,
            SessionCommand::ForceSuspend => Self::Moment,
            SessionCommand::Retry(_) | SessionCommand::Fresh | SessionCommand::Leave | SessionCommand::Pressed(..) => {
                Self::Session
            }
            SessionCommand::Archive | SessionCommand::Restore | SessionCommand::SetIdleTimeout(_) => Self::Session,
            SessionCommand::SetModel(_) | SessionCommand::SetPersona(_) | SessionCommand::SetMode(_) => Self::Session,
        }
    }
}
