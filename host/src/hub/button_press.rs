//! Pressed buttons: each acts on the session and request that it was made for, even if another session is active.

use std::sync::{Mutex, PoisonError};

use cordboard_core::{
    messages,
    session::{ApiError, Order},
    types::{Request, SessionName, SessionView},
};

/// A pressed button, for the call of its command.
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
    /// Its session was changed.
    Changed,
    /// Its request is closed.
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

    /// The order for `name`, bound to the button's request.
    #[must_use]
    pub fn bind(&self, name: &SessionName, order: Order) -> Order {
        match (&self.request, order) {
            (Some(request), order @ (Order::Retry(_) | Order::Fresh | Order::Leave))
                if self.session.as_ref() == Some(name) =>
            {
                Order::Pressed(request.clone(), Box::new(order))
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
    /// A lasting change, after which its buttons are removed.
    Session,
    /// The running turn, or the place where it is shown.
    Moment,
}

impl Changes {
    #[must_use]
    pub const fn of(order: &Order) -> Self {
        match order {
            Order::Touch(_) | Order::Start | Order::Interrupt { .. } | Order::Suspend => Self::Moment,
            Order::SuspendAnyway => Self::Moment,
            Order::Retry(_) | Order::Fresh | Order::Leave | Order::Pressed(..) => Self::Session,
            Order::Archive | Order::Restore | Order::SetIdleTimeout(_) => Self::Session,
            Order::SetModel(_) | Order::SetPersona(_) | Order::SetMode(_) => Self::Session,
        }
    }
}
