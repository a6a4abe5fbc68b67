//! Counts command calls, to order the menu.

use std::collections::HashMap;

use super::{Store, error::StoreError, rows::read_all};

impl Store {
    /// Counts one call to the command.
    pub async fn count_command(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.run("count the use of a command".to_owned(), move |db| {
            let sql = "INSERT INTO command_use (command, uses) VALUES (?, 1) ON CONFLICT DO UPDATE SET uses = uses + 1";
            db.prepare_cached(sql)?.execute([&name])?;
            Ok(())
        })
        .await
    }

    /// Returns the call count of every command that has been called.
    pub async fn command_uses(&self) -> Result<HashMap<String, u64>, StoreError> {
        let uses = self.run("read the uses of commands".to_owned(), |db| {
            read_all(db, "SELECT command, uses FROM command_use", [], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
            })
        });
        Ok(uses.await?.into_iter().collect())
    }
}
