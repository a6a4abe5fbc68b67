//! Test data for the fake host of `dev`.

use cordboard::dev::at_rest;
use cordboard_core::types::{Caller, SessionName, SessionRecord, SessionView, Timestamp};

/// The default time in tests.
pub const NOW: Timestamp = Timestamp(1_000_000_000);

/// A session of `owner` without a running agent.
pub fn session(name: &str, owner: &Caller) -> SessionView {
    let name: SessionName = name.parse().expect("a session's name");
    at_rest(SessionRecord::new(name, owner.id.clone(), "/tmp/x".into(), "demo", NOW))
}
