//! Command lines of buttons under a short token, because a front-end's button holds few bytes. A token gives no right: who
//! presses, and whose command it is then, is checked when it runs.

use cordboard_core::chat::ButtonLine;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::{Store, error::StoreError};

/// Buttons that still work; older ones are forgotten.
const KEPT: i64 = 10_000;

/// Hexadecimal digits of a token: enough that two never meet among those kept.
const TOKEN: usize = 16;

impl Store {
    /// Stores what buttons give and returns a token for each, in their order.
    ///
    /// # Errors
    /// The disk's.
    pub async fn buttons(&self, lines: Vec<ButtonLine>) -> Result<Vec<String>, StoreError> {
        self.ask(format!("store {} buttons", lines.len()), move |db| {
            let mut tokens = Vec::with_capacity(lines.len());
            for ButtonLine { command, of } in &lines {
                let mut token = Uuid::new_v4().simple().to_string();
                token.truncate(TOKEN);
                db.prepare_cached("INSERT INTO button (token, command, plugin) VALUES (?, ?, ?)")?
                    .execute(params![token, command, of])?;
                tokens.push(token);
            }
            db.prepare_cached("DELETE FROM button WHERE id <= (SELECT max(id) FROM button) - ?")?.execute([KEPT])?;
            Ok(tokens)
        })
        .await
    }

    /// What the button of a token gives, none if it was forgotten.
    ///
    /// # Errors
    /// The disk's.
    pub async fn line_of(&self, token: &str) -> Result<Option<ButtonLine>, StoreError> {
        let token = token.to_owned();
        self.ask("read the command of a button".to_owned(), move |db| {
            let mut query = db.prepare_cached("SELECT command, plugin FROM button WHERE token = ?")?;
            Ok(query.query_row([&token], |row| Ok(ButtonLine { command: row.get(0)?, of: row.get(1)? })).optional()?)
        })
        .await
    }
}
