//! The audit log of decisions about agents' requests.

use std::path::Path;

use cordboard_core::{
    scrub,
    types::{AuditEntry, SessionName},
};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{OpenError, StoreError, WorkError},
    inbox::to_column,
    rows::{json, read_all},
    snapshot::open_read_only,
};

/// The maximum number of stored entries. The oldest entries are deleted first.
const ENTRIES: i64 = 100_000;

impl Store {
    /// Removes secrets from an entry's texts, and adds the entry to the audit log.
    pub async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let entry = AuditEntry {
            title: scrub::text(entry.title),
            tool: entry.tool.map(scrub::text),
            user: entry.user.map(scrub::text),
            outcome: scrub::text(entry.outcome),
            reason: entry.reason.map(scrub::text),
            ..entry
        };
        self.run(format!("log a decision in session '{}'", entry.session), move |db| {
            let record = serde_json::to_string(&entry)?;
            db.prepare_cached("INSERT INTO audit (at, session, record) VALUES (?, ?, ?)")?.execute(params![
                to_column(entry.at),
                entry.session.to_string(),
                record
            ])?;
            db.prepare_cached("DELETE FROM audit WHERE id <= ?")?.execute([db.last_insert_rowid() - ENTRIES])?;
            Ok(())
        })
        .await
    }
}

/// Reads the audit log of a state directory, oldest entry first. Works even while a host is using the directory. If
/// `session` is set, returns only the entries of that session, including those from before a rename.
///
/// # Errors
/// Fails if the database cannot be read, is damaged, or has another schema version. Also fails if no host has ever used
/// the directory, because an empty log would suggest that no decisions were made. The error text contains the reason
/// and the remedy.
pub fn audit_log(state: &Path, session: Option<&SessionName>) -> Result<Vec<AuditEntry>, OpenError> {
    let Some(db) = open_read_only(state)? else {
        return Err(OpenError::NeverUsed { what: "the audit log", path: state.to_owned() });
    };
    Ok(read(&db.connection, session).map_err(|error| error.during("read the audit log", db.file))?)
}

pub(super) fn read(db: &Connection, session: Option<&SessionName>) -> Result<Vec<AuditEntry>, WorkError> {
    let sql = "SELECT record FROM audit WHERE ?1 IS NULL OR session = ?1 ORDER BY id";
    read_all(db, sql, [session.map(ToString::to_string)], |row| json(row, 0))
}
