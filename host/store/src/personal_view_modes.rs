//! Stores the view modes that people have chosen for the answers to their own prompts.

use std::collections::HashMap;

use cordboard_core::types::UserId;
use rusqlite::{OptionalExtension as _, params};

use super::{Store, error::StoreError, rows::read_all};

impl Store {
    /// Stores a person's view mode. `None` resets it.
    pub async fn set_own_mode(&self, person: &UserId, mode: Option<String>) -> Result<(), StoreError> {
        let person = person.clone();
        self.run(format!("store the view mode of {}", person.0), move |db| {
            match &mode {
                Some(mode) => db
                    .prepare_cached("INSERT OR REPLACE INTO own_mode (person, mode) VALUES (?, ?)")?
                    .execute(params![person.0, mode])?,
                None => db.prepare_cached("DELETE FROM own_mode WHERE person = ?")?.execute([&person.0])?,
            };
            Ok(())
        })
        .await
    }

    pub async fn own_mode(&self, person: &UserId) -> Result<Option<String>, StoreError> {
        let person = person.clone();
        self.run(format!("read the view mode of {}", person.0), move |db| {
            let mut query = db.prepare_cached("SELECT mode FROM own_mode WHERE person = ?")?;
            Ok(query.query_row([&person.0], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Returns the view modes of all people who have chosen one.
    pub async fn own_modes(&self) -> Result<HashMap<UserId, String>, StoreError> {
        let modes = self.run("read the view modes".to_owned(), |db| {
            read_all(db, "SELECT person, mode FROM own_mode", [], |row| Ok((UserId(row.get(0)?), row.get(1)?)))
        });
        Ok(modes.await?.into_iter().collect())
    }
}
