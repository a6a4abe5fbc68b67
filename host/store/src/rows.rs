//! Helpers for reading query results.

use rusqlite::{Connection, Params, Row};
use serde::de::DeserializeOwned;

use super::error::WorkError;

/// Runs a query and reads all its rows.
pub fn read_all<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, WorkError>,
) -> Result<Vec<T>, WorkError> {
    db.prepare_cached(sql)?.query_and_then(params, read)?.collect()
}

/// Parses a column that contains JSON.
pub fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, WorkError> {
    Ok(serde_json::from_str(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)?)
}
