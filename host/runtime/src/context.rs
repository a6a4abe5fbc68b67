//! The context of a call, as the plugin can ask for it.

use cordboard_core::types::{Caller, Place, SessionView};

/// The caller, place and session of a call. A call that no user made has no caller but may have a session.
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    pub caller: Option<Caller>,
    pub place: Option<Place>,
    pub active: Option<SessionView>,
    pub locale: Option<String>,
}
