//! Reads the stored data that a host needs at start, and that `sessions` shows without a running host.

use std::path::Path;

use cordboard_core::{
    chat::{InboxRow, OutboxRow},
    types::{ActiveScope, Place, SessionName, SessionRecord, UserId},
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use uuid::Uuid;

use super::{
    decisions::Decisions,
    error::{OpenError, WorkError},
    folder, inbox, outbox_row, places, schema,
};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contents {
    /// Generated once per state directory. Empty only if nothing was ever stored.
    pub host_id: String,
    /// Ordered by name, including archived sessions.
    pub sessions: Vec<SessionRecord>,
    /// The active session of each scope.
    pub active: Vec<(ActiveScope, SessionName)>,
    /// Updates that are not completed, in the order of acceptance.
    pub inbox: Vec<InboxRow>,
    /// Posts that are not completely sent, in the order of sending.
    pub outbox: Vec<OutboxRow>,
    /// The places that could not be written to when the last host ended.
    pub unreachable: Vec<Place>,
    /// Decisions about plugins.
    pub decisions: Decisions,
}

/// Reads a state directory, even while a host is using it. Creates, changes and locks nothing. Empty if there is no
/// database.
///
/// # Errors
/// The directory cannot be read. The text contains the reason and the remedy.
pub fn read_only(state: &Path) -> Result<Contents, OpenError> {
    let file = folder::database(state);
    if !file.exists() {
        return Ok(Contents::default());
    }
    let failed = |trouble: WorkError| trouble.during("read the store", file.clone());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(&file, flags).map_err(|error| failed(error.into()))?;
    let found = schema::version(&db).map_err(failed)?;
    schema::check_known(found, state)?;
    match found {
        // The host was killed before its first commit.
        0 => folder::check_emptied(state).map(|()| Contents::default()),
        schema::VERSION => Ok(read(&db).map_err(failed)?),
        _ => Err(OpenError::Older { path: state.to_owned(), found, known: schema::VERSION }),
    }
}

/// Generates the id of the state directory, once.
pub(super) fn create_host_id(db: &Connection) -> Result<(), WorkError> {
    db.execute("INSERT OR IGNORE INTO host (only, id) VALUES (1, ?)", params![Uuid::new_v4().to_string()])?;
    Ok(())
}

pub(super) fn read(db: &Connection) -> Result<Contents, WorkError> {
    // A single transaction gives a consistent view while a host is writing.
    let tx = db.unchecked_transaction()?;
    let host_id = tx.query_row("SELECT id FROM host", [], |row| row.get(0)).optional()?.unwrap_or_default();
    Ok(Contents {
        host_id,
        sessions: sessions(&tx)?,
        active: active(&tx)?,
        inbox: inbox::open(&tx)?,
        outbox: outbox_row::all(&tx)?,
        unreachable: places::unreachable(&tx)?,
        decisions: Decisions::read(&tx)?,
    })
}

fn sessions(db: &Connection) -> Result<Vec<SessionRecord>, WorkError> {
    let mut query = db.prepare("SELECT record FROM session ORDER BY name")?;
    let mut rows = query.query([])?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next()? {
        sessions.push(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(sessions)
}

fn active(db: &Connection) -> Result<Vec<(ActiveScope, SessionName)>, WorkError> {
    let mut query = db.prepare("SELECT place, person, session FROM active ORDER BY place, person")?;
    let mut rows = query.query([])?;
    let mut active = Vec::new();
    while let Some(row) = rows.next()? {
        let (place, person, session): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let person = Some(person).filter(|person| !person.is_empty()).map(UserId);
        active.push((ActiveScope { place: serde_json::from_str(&place)?, person }, super::sessions::name(session)?));
    }
    Ok(active)
}
