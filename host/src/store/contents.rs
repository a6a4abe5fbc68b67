//! What a host finds when it starts, and what `sessions` shows without one.

use std::path::Path;

use cordboard_core::{
    chat::{InboxRow, OutboxRow},
    types::{ActiveFor, SessionName, SessionRecord, UserId},
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use uuid::Uuid;

use super::{
    error::{OpenError, Trouble},
    folder, inbox, outbox, schema,
    standing::Decisions,
};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contents {
    /// Made once for a state directory; empty only where nothing was ever stored.
    pub host_id: String,
    /// By name, the archived ones too.
    pub sessions: Vec<SessionRecord>,
    /// The active session of each scope.
    pub active: Vec<(ActiveFor, SessionName)>,
    /// Not done yet, in the order of acceptance.
    pub inbox: Vec<InboxRow>,
    /// Not sent yet, in the order of sending.
    pub outbox: Vec<OutboxRow>,
    /// About plugins.
    pub decisions: Decisions,
}

/// Reads a state directory without a host, or beside one; nothing is made, changed or locked. Empty where there is none.
///
/// # Errors
/// Says why the directory cannot be read, and what to do about it.
pub fn read_only(state: &Path) -> Result<Contents, OpenError> {
    let file = folder::database(state);
    if !file.exists() {
        return Ok(Contents::default());
    }
    let failed = |trouble: Trouble| trouble.during("read the store", file.clone());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(&file, flags).map_err(|error| failed(error.into()))?;
    let found = schema::version(&db).map_err(failed)?;
    schema::check_known(found, state)?;
    match found {
        // A host was killed before its first commit.
        0 => folder::check_emptied(state).map(|()| Contents::default()),
        schema::VERSION => Ok(read(&db).map_err(failed)?),
        _ => Err(OpenError::Older { path: state.to_owned(), found, known: schema::VERSION }),
    }
}

/// Gives the state directory its name, once.
pub(super) fn name_host(db: &Connection) -> Result<(), Trouble> {
    db.execute("INSERT OR IGNORE INTO host (only, id) VALUES (1, ?)", params![Uuid::new_v4().to_string()])?;
    Ok(())
}

pub(super) fn read(db: &Connection) -> Result<Contents, Trouble> {
    // One transaction, so that a reader beside a host sees one moment.
    let tx = db.unchecked_transaction()?;
    let host_id = tx.query_row("SELECT id FROM host", [], |row| row.get(0)).optional()?.unwrap_or_default();
    Ok(Contents {
        host_id,
        sessions: sessions(&tx)?,
        active: active(&tx)?,
        inbox: inbox::open(&tx)?,
        outbox: outbox::all(&tx)?,
        decisions: Decisions::read(&tx)?,
    })
}

fn sessions(db: &Connection) -> Result<Vec<SessionRecord>, Trouble> {
    let mut query = db.prepare("SELECT record FROM session ORDER BY name")?;
    let mut rows = query.query([])?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next()? {
        sessions.push(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(sessions)
}

fn active(db: &Connection) -> Result<Vec<(ActiveFor, SessionName)>, Trouble> {
    let mut query = db.prepare("SELECT place, person, session FROM active ORDER BY place, person")?;
    let mut rows = query.query([])?;
    let mut active = Vec::new();
    while let Some(row) = rows.next()? {
        let (place, person, session): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let person = Some(person).filter(|person| !person.is_empty()).map(UserId);
        active.push((ActiveFor { place: serde_json::from_str(&place)?, person }, super::sessions::name(session)?));
    }
    Ok(active)
}
