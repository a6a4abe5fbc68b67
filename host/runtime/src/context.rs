//! The context of a call: the values that a plugin reads through the `context` capability.

use cordboard_core::{
    language,
    types::{Caller, Place, SessionView},
};

/// The caller, place, session and locale of a call. A call that no user made has no caller but may have a session.
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    pub caller: Option<Caller>,
    pub place: Option<Place>,
    pub active: Option<SessionView>,
    pub locale: Option<String>,
}

impl CallContext {
    /// Returns the context of a call that no user made. Its locale is the current language.
    #[must_use]
    pub fn without_caller() -> Self {
        Self { locale: language::current().map(|language| language.tag().to_owned()), ..Self::default() }
    }
}
