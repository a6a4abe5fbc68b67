//! Stores the sessions, and records which session is active for each place and person.

use cordboard_core::types::{ActiveScope, SessionName, SessionRecord};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{StoreError, WorkError},
};

impl Store {
    /// Stores a new session.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if a session with that name exists, even an archived one.
    pub async fn create_session(&self, record: &SessionRecord) -> Result<(), StoreError> {
        let record = record.clone();
        self.run(format!("create session '{}'", record.name), move |db| insert_new(db, &record)).await
    }

    /// Replaces the stored record of the session.
    pub async fn save_session(&self, record: &SessionRecord) -> Result<(), StoreError> {
        let record = record.clone();
        self.run(format!("store session '{}'", record.name), move |db| save(db, &record)).await
    }

    /// Stores the session under the new name in `record`, and atomically updates active sessions, open prompts, usage
    /// entries and audit entries that have the old name. The text of audit entries still contains the old name.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if a session with the new name exists, even an archived one.
    pub async fn rename_session(&self, from: &SessionName, record: &SessionRecord) -> Result<(), StoreError> {
        let (from, record) = (from.clone(), record.clone());
        self.run(format!("rename session '{from}'"), move |db| {
            insert_new(db, &record)?;
            db.prepare_cached("DELETE FROM session WHERE name = ?")?.execute([from.as_str()])?;
            for table in ["active", "inbox", "usage", "audit"] {
                let sql = format!("UPDATE {table} SET session = ? WHERE session = ?");
                db.prepare_cached(&sql)?.execute([record.name.as_str(), from.as_str()])?;
            }
            Ok(())
        })
        .await
    }

    /// Stores the archived session and makes it inactive in all places, atomically.
    pub async fn archive_session(&self, record: &SessionRecord) -> Result<(), StoreError> {
        let record = record.clone();
        self.run(format!("archive session '{}'", record.name), move |db| {
            save(db, &record)?;
            db.prepare_cached("DELETE FROM active WHERE session = ?")?.execute([record.name.as_str()])?;
            Ok(())
        })
        .await
    }

    /// Sets the active session of a scope. `None` clears it.
    pub async fn set_active_session(
        &self,
        scope: &ActiveScope,
        session: Option<&SessionName>,
    ) -> Result<(), StoreError> {
        let (scope, session) = (scope.clone(), session.cloned());
        self.run(format!("store the active session of {scope}"), move |db| set_active(db, &scope, session.as_ref()))
            .await
    }
}

/// Sets the active session of a scope. `None` clears it.
pub(super) fn set_active(db: &Connection, scope: &ActiveScope, session: Option<&SessionName>) -> Result<(), WorkError> {
    let place = serde_json::to_string(&scope.place)?;
    let person = scope.person.as_ref().map_or("", |person| person.0.as_str());
    match session {
        Some(session) => db
            .prepare_cached("INSERT OR REPLACE INTO active (place, person, session) VALUES (?, ?, ?)")?
            .execute(params![place, person, session.as_str()])?,
        None => {
            db.prepare_cached("DELETE FROM active WHERE place = ? AND person = ?")?.execute(params![place, person])?
        }
    };
    Ok(())
}

/// Stores a session unless its name is in use.
///
/// # Errors
/// [`StoreError::Exists`] if a session with that name exists, even an archived one.
pub(super) fn insert_new(db: &Connection, record: &SessionRecord) -> Result<(), WorkError> {
    let sql = "INSERT OR IGNORE INTO session (name, owner, archived, record) VALUES (?, ?, ?, ?)";
    match write(db, sql, record)? {
        0 => Err(StoreError::Exists(record.name.clone()).into()),
        _ => Ok(()),
    }
}

pub(super) fn save(db: &Connection, record: &SessionRecord) -> Result<(), WorkError> {
    write(db, "INSERT OR REPLACE INTO session (name, owner, archived, record) VALUES (?, ?, ?, ?)", record).map(drop)
}

fn write(db: &Connection, sql: &str, record: &SessionRecord) -> Result<usize, WorkError> {
    let json = serde_json::to_string(record)?;
    let row = params![record.name.as_str(), record.owner.0, record.archived, json];
    Ok(db.prepare_cached(sql)?.execute(row)?)
}

/// Parses a stored session name. The name can only be invalid if the database file is damaged.
pub(super) fn name(text: String) -> Result<SessionName, WorkError> {
    SessionName::try_from(text).map_err(|error| WorkError::Record(serde::de::Error::custom(error)))
}
