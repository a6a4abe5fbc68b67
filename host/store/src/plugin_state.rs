//! The key-value state of plugins. Each write is atomic. The total size per plugin is limited.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Store,
    error::{Limit, StoreError, WorkError},
    rows::read_all,
};

/// A compare-and-swap that replaces the value `expected` with `value`. In both fields, `None` means that the key is
/// absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareAndSwap {
    pub expected: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
}

impl Store {
    pub async fn state_get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.run(format!("read the state of plugin '{plugin}'"), move |db| get(db, &plugin, &key)).await
    }

    /// Sets a value. `limit` is the maximum total size of the plugin's keys and values, in bytes.
    ///
    /// # Errors
    /// [`StoreError::StateLimit`] if the plugin would exceed the limit.
    pub async fn state_set(&self, plugin: &str, key: &str, value: Vec<u8>, limit: Limit) -> Result<(), StoreError> {
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.run(format!("store the state of plugin '{plugin}'"), move |db| {
            put(db, &plugin, &key, Some(&value))?;
            check(db, &plugin, &limit)
        })
        .await
    }

    /// Deletes a key. A missing key is not an error.
    pub async fn state_delete(&self, plugin: &str, key: &str) -> Result<(), StoreError> {
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.run(format!("delete state of plugin '{plugin}'"), move |db| put(db, &plugin, &key, None)).await
    }

    /// Returns the plugin's keys that begin with `prefix`, sorted.
    pub async fn state_keys(&self, plugin: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let (plugin, prefix) = (plugin.to_owned(), prefix.to_owned());
        self.run(format!("list the state of plugin '{plugin}'"), move |db| {
            let sql = "SELECT key FROM plugin_state WHERE plugin = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key";
            read_all(db, sql, params![plugin, prefix], |row| Ok(row.get(0)?))
        })
        .await
    }

    /// Replaces the value with `swap.value` if it equals `swap.expected`. Otherwise returns the current value as the
    /// inner error.
    ///
    /// # Errors
    /// [`StoreError::StateLimit`] if the plugin would exceed the limit.
    pub async fn state_swap(
        &self,
        plugin: &str,
        key: &str,
        swap: CompareAndSwap,
        limit: Limit,
    ) -> Result<Result<(), Option<Vec<u8>>>, StoreError> {
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.run(format!("store the state of plugin '{plugin}'"), move |db| {
            let found = get(db, &plugin, &key)?;
            if found != swap.expected {
                return Ok(Err(found));
            }
            put(db, &plugin, &key, swap.value.as_deref())?;
            if swap.value.is_some() {
                check(db, &plugin, &limit)?;
            }
            Ok(Ok(()))
        })
        .await
    }
}

fn get(db: &Connection, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, WorkError> {
    let mut query = db.prepare_cached("SELECT value FROM plugin_state WHERE plugin = ? AND key = ?")?;
    Ok(query.query_row([plugin, key], |row| row.get(0)).optional()?)
}

fn put(db: &Connection, plugin: &str, key: &str, value: Option<&[u8]>) -> Result<(), WorkError> {
    match value {
        Some(value) => db
            .prepare_cached("INSERT OR REPLACE INTO plugin_state (plugin, key, value) VALUES (?, ?, ?)")?
            .execute(params![plugin, key, value])?,
        None => db.prepare_cached("DELETE FROM plugin_state WHERE plugin = ? AND key = ?")?.execute([plugin, key])?,
    };
    Ok(())
}

/// Checks the limit after a write. If this fails, the write is rolled back.
fn check(db: &Connection, plugin: &str, limit: &Limit) -> Result<(), WorkError> {
    let sql = "SELECT ifnull(sum(length(CAST(key AS BLOB)) + length(value)), 0) FROM plugin_state WHERE plugin = ?";
    let size: i64 = db.prepare_cached(sql)?.query_row([plugin], |row| row.get(0))?;
    let size = size.unsigned_abs();
    if size <= limit.bytes {
        return Ok(());
    }
    Err(StoreError::StateLimit { plugin: plugin.to_owned(), size, limit: limit.clone() }.into())
}
