//! Reads the stored data that a host needs when it starts, and that `cordboard sessions` and `cordboard plugins` need
//! if no host is running.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use cordboard_core::{
    access_entries::StoredPerson,
    database_damage::DatabaseDamage,
    types::{ActiveScope, Place, SessionName, SessionRecord, SessionTopic, UserId},
    updates_and_posts::{InboxRow, OutboxRow},
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use uuid::Uuid;

use super::{
    access, chat_members,
    error::{OpenError, WorkError},
    inbox, outbox_table, place_locales,
    plugin_decisions::Decisions,
    rows::{json, read_all},
    schema, state_directory, topics, unreachable_places,
};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoreSnapshot {
    /// The id of the state directory, generated once. Empty only if nothing was ever stored.
    pub host_id: String,
    /// All sessions, including archived ones, ordered by name.
    pub sessions: Vec<SessionRecord>,
    /// The active session of each scope.
    pub active: Vec<(ActiveScope, SessionName)>,
    /// The topics of sessions.
    pub topics: Vec<SessionTopic>,
    /// Updates that are not completed, in the order in which they were accepted.
    pub inbox: Vec<InboxRow>,
    /// Posts that haven't been completely sent, in the order in which the host sends them.
    pub outbox: Vec<OutboxRow>,
    /// Posts whose topic was deleted. They are sent again if a message arrives in the same place.
    pub undeliverable: Vec<OutboxRow>,
    /// The places that the previous host process couldn't write to when it ended.
    pub unreachable: Vec<Place>,
    /// The rollout states of plugins, and the answers to their requests for capabilities.
    pub decisions: Decisions,
    /// The people who were granted access in the chat or by pairing.
    pub people: Vec<StoredPerson>,
    /// The last known names of the people who have written in a place.
    pub names: HashMap<UserId, String>,
    /// The locale of the last user who wrote in each place.
    pub locales: HashMap<Place, String>,
    /// The damage, found at this start or an earlier one, that the operators haven't been notified of yet.
    pub damage: Vec<DatabaseDamage>,
}

/// Reads a state directory, even while a host is using it. Doesn't change data or lock the directory, but SQLite may
/// create its WAL files. Returns an empty snapshot if there is no database.
///
/// # Errors
/// Fails if the database cannot be read, is damaged, or has another schema version. The error text contains the reason
/// and the remedy.
pub fn read_only(state: &Path) -> Result<StoreSnapshot, OpenError> {
    let Some(ReadOnly { file, connection }) = open_read_only(state)? else { return Ok(StoreSnapshot::default()) };
    Ok(read(&connection).map_err(|error| error.during("read the store", file))?)
}

/// A database that is opened read-only.
pub(super) struct ReadOnly {
    pub file: PathBuf,
    pub connection: Connection,
}

/// Opens the database of a state directory for reading. Returns `None` if nothing was ever stored.
pub(super) fn open_read_only(state: &Path) -> Result<Option<ReadOnly>, OpenError> {
    match open_any_version(state)? {
        Some((_, found)) if found < schema::VERSION => {
            Err(OpenError::Older { path: state.to_owned(), found, known: schema::VERSION })
        }
        opened => Ok(opened.map(|(database, _)| database)),
    }
}

/// Like [`open_read_only`], but also opens a database with an older schema, and returns the schema version.
pub(super) fn open_any_version(state: &Path) -> Result<Option<(ReadOnly, i64)>, OpenError> {
    let file = state_directory::database(state);
    // If the folder can't be searched, opening the file fails with an error that states the reason.
    if matches!(file.try_exists(), Ok(false)) {
        return Ok(None);
    }
    // Even for reading, SQLite creates files in the directory.
    if state_directory::is_mounted_read_only(state) {
        return Err(OpenError::ReadOnly { path: state.to_owned() });
    }
    let failed = |error: WorkError| error.during("read the store", file.clone());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&file, flags).map_err(|error| failed(error.into()))?;
    let found = schema::version(&connection).map_err(failed)?;
    schema::check_known(found, state)?;
    match found {
        // An empty database: either the host was killed before its first commit, or the file was emptied.
        0 => state_directory::check_emptied(state).map(|()| None),
        found => Ok(Some((ReadOnly { file, connection }, found))),
    }
}

/// Generates the id of the state directory if it has none.
pub(super) fn create_host_id(db: &Connection) -> Result<(), WorkError> {
    db.execute("INSERT OR IGNORE INTO host (only, id) VALUES (1, ?)", params![Uuid::new_v4().to_string()])?;
    Ok(())
}

pub(super) fn read(db: &Connection) -> Result<StoreSnapshot, WorkError> {
    // A single transaction gives a consistent view while a host is writing.
    let tx = db.unchecked_transaction()?;
    let host_id = tx.query_row("SELECT id FROM host", [], |row| row.get(0)).optional()?.unwrap_or_default();
    let (undeliverable, outbox) =
        outbox_table::all(&tx)?.into_iter().partition(|row| row.state.undeliverable.is_some());
    Ok(StoreSnapshot {
        host_id,
        sessions: sessions(&tx)?,
        active: active(&tx)?,
        topics: topics::read(&tx)?,
        inbox: inbox::open(&tx)?,
        outbox,
        undeliverable,
        unreachable: unreachable_places::read(&tx)?,
        decisions: Decisions::read(&tx)?,
        people: access::people(&tx)?,
        names: chat_members::names(&tx)?,
        locales: place_locales::all(&tx)?,
        damage: Vec::new(),
    })
}

fn sessions(db: &Connection) -> Result<Vec<SessionRecord>, WorkError> {
    read_all(db, "SELECT record FROM session ORDER BY name", [], |row| json(row, 0))
}

fn active(db: &Connection) -> Result<Vec<(ActiveScope, SessionName)>, WorkError> {
    read_all(db, "SELECT place, person, session FROM active ORDER BY place, person", [], |row| {
        let person = Some(row.get(1)?).filter(|person: &String| !person.is_empty()).map(UserId);
        Ok((ActiveScope { place: json(row, 0)?, person }, super::sessions::name(row.get(2)?)?))
    })
}
