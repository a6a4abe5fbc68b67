//! The board of tests is the one of the kit; here is what they put on it.

use cordboard::dev::at_rest;
use cordboard_core::types::{Caller, SessionName, SessionRecord, SessionView, Timestamp};

/// When everything happens, until a test says otherwise.
pub const NOW: Timestamp = Timestamp(1_000_000_000);

/// A session of `owner` at rest.
pub fn session(name: &str, owner: &Caller) -> SessionView {
    let name: SessionName = name.parse().expect("a session's name");
    at_rest(SessionRecord::new(name, owner.id.clone(), "/tmp/x".into(), "demo", NOW))
}
