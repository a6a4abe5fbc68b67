//! Tests the store with real files.

use std::os::unix::fs::PermissionsExt;

use cordboard_core::{
    agent_event::PromptId,
    types::{ActiveScope, Caller, Place, Reply, Role, SessionName, SessionRecord, Timestamp, UserId},
    updates_and_posts::{MessageId, MessagePart, Origin, ReplyToHost, Update, UpdateKind},
};
use tempfile::TempDir;

use super::*;

mod access;
mod audit_log;
mod backups;
mod closed_requests;
mod damaged;
mod delivery_log;
mod inbox_and_outbox;
mod locked;
mod plugins;
mod rejected_state;
mod released_schemas;
mod sessions;
mod topics;
mod usage;
mod writer;

/// A state directory that a test can open several times.
struct State(TempDir);

impl State {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Set the mode that the host would give the directory, regardless of the umask.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn open(&self) -> (Store, StoreSnapshot) {
        open(self.path()).unwrap()
    }

    /// Closes the store, and returns the data that a restarted host would read.
    async fn after(&self, store: Store) -> StoreSnapshot {
        store.close().await;
        let (store, contents) = self.open();
        store.close().await;
        contents
    }
}

fn place(chat: &str) -> Place {
    Place::new("telegram", chat)
}

fn name(text: &str) -> SessionName {
    text.parse().unwrap()
}

fn update(key: &str) -> Update {
    Update {
        key: key.to_owned(),
        caller: Caller { id: UserId("telegram:42".to_owned()), name: "Ada".to_owned(), role: Role::Owner },
        place: place("1"),
        what: UpdateKind::Text(format!("text of {key}")),
        at: Timestamp(7),
        locale: Some("de".to_owned()),
        origin: Origin::default(),
    }
}

fn person(id: &str, name: &str) -> Caller {
    Caller { id: UserId(id.to_owned()), name: name.to_owned(), role: Role::Member }
}

fn record(session: &str) -> SessionRecord {
    let folder = PathBuf::from("/sessions").join(session);
    SessionRecord::new(name(session), UserId("telegram:42".to_owned()), folder, "demo", Timestamp(1))
}

fn post(text: &str) -> NewPost {
    NewPost::new(place("1"), Reply::text(text))
}

fn message(id: &str) -> MessageId {
    MessageId(id.to_owned())
}

#[test]
fn the_linked_sqlite_cannot_lose_committed_pages() {
    assert!(rusqlite::version_number() >= 3_051_003, "SQLite {} has the WAL reset defect", rusqlite::version());
}
