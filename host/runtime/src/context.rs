//! The context of a call: the values that a plugin reads through the `context` capability.

use cordboard_core::types::{Caller, Place, SessionView};

/// The caller, place, session and locale of a call. A call that no user made has no caller but may have a session.
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    pub caller: Option<Caller>,
    pub place: Option<Place>,
    pub active: Option<SessionView>,
    pub locale: Option<String>,
}
