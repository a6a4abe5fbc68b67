//! Command lines of buttons under a short token, because a front-end's button holds few bytes. A token gives no right: who
//! presses is checked when the command runs.

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::{Store, error::StoreError};

/// Buttons that still work; older ones are forgotten.
const KEPT: i64 = 10_000;

/// Hexadecimal digits of a token: enough that two never meet among those kept.
const TOKEN: usize = 16;

impl Store {
    /// Stores command lines and returns a token for each, in their order.
    ///
    /// # Errors
    /// The disk's.
    pub async fn buttons(&self, commands: Vec<String>) -> Result<Vec<String>, StoreError> {
        self.ask(format!("store {} buttons", commands.len()), move |db| {
            let mut tokens = Vec::with_capacity(commands.len());
            for command in &commands {
                let mut token = Uuid::new_v4().simple().to_string();
                token.truncate(TOKEN);
                db.prepare_cached("INSERT INTO button (token, command) VALUES (?, ?)")?
                    .execute(params![token, command])?;
                tokens.push(token);
            }
            db.prepare_cached("DELETE FROM button WHERE id <= (SELECT max(id) FROM button) - ?")?.execute([KEPT])?;
            Ok(tokens)
        })
        .await
    }

    /// The command line of a token, none if it was forgotten.
    ///
    /// # Errors
    /// The disk's.
    pub async fn command_of(&self, token: &str) -> Result<Option<String>, StoreError> {
        let token = token.to_owned();
        self.ask("read the command of a button".to_owned(), move |db| {
            let mut query = db.prepare_cached("SELECT command FROM button WHERE token = ?")?;
            Ok(query.query_row([&token], |row| row.get(0)).optional()?)
        })
        .await
    }
}
