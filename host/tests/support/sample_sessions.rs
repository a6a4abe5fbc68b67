//! Provides sample sessions and their records for tests and benchmarks.

use cordboard::dev::FakeHost;
use cordboard_core::{
    config::Config,
    types::{Caller, SessionName, SessionRecord, SessionView, Timestamp},
};

/// The current time in tests that don't set another time.
pub const NOW: Timestamp = Timestamp(1_000_000_000);

/// Returns a session that belongs to `owner` and has no running agent.
pub fn session(name: &str, owner: &Caller) -> SessionView {
    let host = FakeHost::new(NOW, Config::defaults(), None);
    host.add(record(name, owner));
    host.session(name).expect("the session was added")
}

/// Returns the record of a new session that belongs to `owner`.
pub fn record(name: &str, owner: &Caller) -> SessionRecord {
    let name: SessionName = name.parse().expect("a session's name");
    SessionRecord::new(name, owner.id.clone(), "/tmp/x".into(), "demo", NOW)
}
