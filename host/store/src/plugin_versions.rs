//! Stores each plugin's most recently active versions, for rollbacks and for starting the host while a plugin file is
//! invalid.

use rusqlite::{OptionalExtension, params};

use super::{
    Store,
    error::StoreError,
    inbox::{now, to_column},
    rows::read_all,
};

/// The number of versions kept per plugin: the active one, and two for rollbacks.
const MAX_VERSIONS: i64 = 3;

impl Store {
    /// Stores a newly activated version. A version that is already stored becomes the newest.
    pub async fn save_version(&self, plugin: &str, digest: &str, wasm: &[u8]) -> Result<(), StoreError> {
        let (plugin, digest, wasm) = (plugin.to_owned(), digest.to_owned(), wasm.to_owned());
        self.run(format!("store a version of plugin '{plugin}'"), move |db| {
            let sql = "INSERT OR REPLACE INTO generation (plugin, digest, stored, wasm) VALUES (?, ?, ?, ?)";
            db.prepare_cached(sql)?.execute(params![plugin, digest, to_column(now()), wasm])?;
            let sql = "DELETE FROM generation WHERE plugin = ?1 AND id NOT IN
                (SELECT id FROM generation WHERE plugin = ?1 ORDER BY id DESC LIMIT ?2)";
            db.prepare_cached(sql)?.execute(params![plugin, MAX_VERSIONS])?;
            Ok(())
        })
        .await
    }

    /// Makes a stored version the newest, so that it isn't deleted next.
    pub async fn touch_version(&self, plugin: &str, digest: &str) -> Result<(), StoreError> {
        let (plugin, digest) = (plugin.to_owned(), digest.to_owned());
        self.run(format!("store the active version of plugin '{plugin}'"), move |db| {
            let sql = "UPDATE generation SET id = (SELECT max(id) + 1 FROM generation)
                WHERE plugin = ?1 AND digest = ?2 AND id < (SELECT max(id) FROM generation WHERE plugin = ?1)";
            db.prepare_cached(sql)?.execute(params![plugin, digest])?;
            Ok(())
        })
        .await
    }

    /// Deletes all versions of a plugin.
    pub async fn delete_versions(&self, plugin: &str) -> Result<(), StoreError> {
        let plugin = plugin.to_owned();
        self.run(format!("delete the versions of plugin '{plugin}'"), move |db| {
            db.prepare_cached("DELETE FROM generation WHERE plugin = ?")?.execute([&plugin])?;
            Ok(())
        })
        .await
    }

    /// Returns the digests of the stored versions, newest first.
    pub async fn versions(&self, plugin: &str) -> Result<Vec<String>, StoreError> {
        let plugin = plugin.to_owned();
        self.run(format!("read the versions of plugin '{plugin}'"), move |db| {
            let sql = "SELECT digest FROM generation WHERE plugin = ? ORDER BY id DESC";
            read_all(db, sql, [&plugin], |row| Ok(row.get(0)?))
        })
        .await
    }

    /// Returns the bytes of a version, or `None` if it is not stored.
    pub async fn version(&self, plugin: &str, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let (plugin, digest) = (plugin.to_owned(), digest.to_owned());
        self.run(format!("read a version of plugin '{plugin}'"), move |db| {
            let sql = "SELECT wasm FROM generation WHERE plugin = ? AND digest = ?";
            Ok(db.prepare_cached(sql)?.query_row([&plugin, &digest], |row| row.get(0)).optional()?)
        })
        .await
    }
}
