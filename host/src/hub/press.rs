//! What a pressed button acts on: the session and the request that it was made for, whichever session is active by now.

use std::sync::{Mutex, PoisonError};

use cordboard_core::{
    session::{Order, Refusal},
    text,
    types::{Request, SessionName, SessionView},
};

/// A button that was pressed, for the call that it leads to.
#[derive(Debug, Default)]
pub struct Press {
    pub session: Option<SessionName>,
    pub request: Option<Request>,
    came: Mutex<Came>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Came {
    #[default]
    Nothing,
    /// Its session was changed.
    Changed,
    /// Its request is not open any more.
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

    /// The order that a call gives to `name`, as the button means it.
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

    /// `order` was given to `name`, with this outcome.
    pub fn ordered(&self, name: &SessionName, changes: Changes, outcome: &Result<SessionView, Refusal>) {
        if self.session.as_ref() != Some(name) {
            return;
        }
        match outcome {
            Ok(_) if changes == Changes::Session => self.note(Came::Changed),
            Err(refusal) if refusal.text == text::NOT_OPEN => self.note(Came::NotOpen),
            Ok(_) | Err(_) => {}
        }
    }
}

/// What an order is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// Something that lasts, so that a button for it has had its use.
    Session,
    /// What runs now, or where it is shown.
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
