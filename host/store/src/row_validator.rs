//! Decides which recovered rows a host can read. Inserts each row into an in-memory database, and reads it with the
//! same code that reads the real database.

use rusqlite::{Connection, types::Value};

use super::{audit, delivery_log, error::WorkError, keyboards, salvage::Table, schema, snapshot};

pub(super) struct RowValidator {
    db: Connection,
}

impl RowValidator {
    pub fn new() -> Result<Self, WorkError> {
        let db = Connection::open_in_memory()?;
        schema::create(&db, schema::VERSION)?;
        Ok(Self { db })
    }

    /// Returns whether a host can read this row.
    pub fn accepts(&self, table: &Table, row: &[Value]) -> Result<bool, WorkError> {
        // This can't violate a constraint, because the row comes from a database with the same constraints.
        table.insert(&self.db, row)?;
        let is_readable = self.is_readable(&self.db)?;
        self.db.execute(&format!("DELETE FROM \"{}\"", table.name), [])?;
        Ok(is_readable)
    }

    /// Returns whether all records of a database are valid.
    pub fn is_readable(&self, db: &Connection) -> Result<bool, WorkError> {
        let read = snapshot::read(db)
            .and_then(|_| audit::read(db, None))
            .and_then(|_| delivery_log::read(db))
            .and_then(|_| keyboards::check(db));
        match read {
            Ok(()) => Ok(true),
            Err(WorkError::Record(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
