//! The last valid versions of each plugin's file. They are used if the file is invalid after a restart.

use rusqlite::{OptionalExtension, params};

use super::{
    Store,
    error::StoreError,
    inbox::{column, now},
};

/// The number of versions kept per plugin: the active one, and two for rollbacks.
const KEPT: i64 = 3;

impl Store {
    /// Stores a newly activated version. A version that is already stored becomes the newest.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn save_generation(&self, plugin: &str, digest: &str, wasm: &[u8]) -> Result<(), StoreError> {
        let (plugin, digest, wasm) = (plugin.to_owned(), digest.to_owned(), wasm.to_owned());
        self.ask(format!("store a version of plugin '{plugin}'"), move |db| {
            let sql = "INSERT OR REPLACE INTO generation (plugin, digest, stored, wasm) VALUES (?, ?, ?, ?)";
            db.prepare_cached(sql)?.execute(params![plugin, digest, column(now()), wasm])?;
            let sql = "DELETE FROM generation WHERE plugin = ?1 AND id NOT IN
                (SELECT id FROM generation WHERE plugin = ?1 ORDER BY id DESC LIMIT ?2)";
            db.prepare_cached(sql)?.execute(params![plugin, KEPT])?;
            Ok(())
        })
        .await
    }

    /// Makes a stored version the newest, so that it is not the next one to be deleted.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn touch_generation(&self, plugin: &str, digest: &str) -> Result<(), StoreError> {
        let (plugin, digest) = (plugin.to_owned(), digest.to_owned());
        self.ask(format!("store the active version of plugin '{plugin}'"), move |db| {
            let sql = "UPDATE generation SET id = (SELECT max(id) + 1 FROM generation)
                WHERE plugin = ?1 AND digest = ?2 AND id < (SELECT max(id) FROM generation WHERE plugin = ?1)";
            db.prepare_cached(sql)?.execute(params![plugin, digest])?;
            Ok(())
        })
        .await
    }

    /// Deletes all versions of a plugin.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn forget_generations(&self, plugin: &str) -> Result<(), StoreError> {
        let plugin = plugin.to_owned();
        self.ask(format!("delete the versions of plugin '{plugin}'"), move |db| {
            db.prepare_cached("DELETE FROM generation WHERE plugin = ?")?.execute([&plugin])?;
            Ok(())
        })
        .await
    }

    /// The digests of the stored versions, newest first.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn generations(&self, plugin: &str) -> Result<Vec<String>, StoreError> {
        let plugin = plugin.to_owned();
        self.ask(format!("read the versions of plugin '{plugin}'"), move |db| {
            let sql = "SELECT digest FROM generation WHERE plugin = ? ORDER BY id DESC";
            let mut query = db.prepare_cached(sql)?;
            let rows = query.query_map([&plugin], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The bytes of a stored version.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn generation(&self, plugin: &str, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let (plugin, digest) = (plugin.to_owned(), digest.to_owned());
        self.ask(format!("read a version of plugin '{plugin}'"), move |db| {
            let sql = "SELECT wasm FROM generation WHERE plugin = ? AND digest = ?";
            Ok(db.prepare_cached(sql)?.query_row([&plugin, &digest], |row| row.get(0)).optional()?)
        })
        .await
    }
}
