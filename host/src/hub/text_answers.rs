//! Holds answers to agents until their text arrives: after a user chooses an option such as *Deny and say why*, the
//! user's next message is the text.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use cordboard_core::{
    session::SessionCommand,
    types::{OpenRequest, OptionText, Place, Request, SessionName, SessionView, UserId},
};

/// An answer that lacks its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaitedText {
    pub session: SessionName,
    pub number: u64,
    /// The id of the chosen option.
    pub option: String,
}

/// The answers that wait for their text, by the place and the user of the next message. Lost at a restart, which also
/// closes the requests.
#[derive(Debug, Clone, Default)]
pub struct TextAnswers(Arc<Mutex<HashMap<(Place, UserId), AwaitedText>>>);

impl TextAnswers {
    /// Makes the user's next message in this place the text of `awaited`. Replaces an earlier answer that waits for a
    /// text there.
    pub fn expect(&self, place: Place, user: UserId, awaited: AwaitedText) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((place, user), awaited);
    }

    pub fn take(&self, place: &Place, user: &UserId) -> Option<AwaitedText> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(place.clone(), user.clone()))
    }
}

impl AwaitedText {
    /// Returns the answer in `command` if its option requires a text and the command has none. `pressed` is the request
    /// of the pressed button, if a button was pressed.
    pub fn of(command: &SessionCommand, view: &SessionView, pressed: Option<&Request>) -> Option<Self> {
        let SessionCommand::Answer { number, options, text: None } = command else { return None };
        let is_meant = |open: &&OpenRequest| match (pressed, number) {
            (Some(Request::Agent { id, .. }), _) => open.request.id == *id,
            (_, Some(number)) => open.number == *number,
            (_, None) => view.requests.len() == 1,
        };
        let open = view.requests.iter().find(is_meant)?;
        let chosen = options.last()?;
        let option = open.request.options.iter().find(|option| option.id == *chosen)?;
        let (session, number) = (view.record.name.clone(), open.number);
        (option.text == OptionText::Required).then(|| Self { session, number, option: chosen.clone() })
    }
}
