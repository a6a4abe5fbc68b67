//! Stores the command lines of buttons under short tokens, because a front-end's button holds only a few bytes. A token
//! grants no rights: the user and the command's plugin are checked when the command runs.

use cordboard_core::{
    chat::{ButtonAction, PostId},
    types::SessionName,
};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::{
    Store,
    error::{StoreError, WorkError},
    sessions,
};

/// The number of latest buttons that still work. Older ones are deleted.
const KEPT: i64 = 10_000;

/// The number of hexadecimal digits of a token. Enough to make collisions among stored tokens practically impossible.
const TOKEN: usize = 16;

impl Store {
    /// Stores the command lines of buttons and returns a token for each, in the same order.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn buttons(&self, lines: Vec<ButtonAction>) -> Result<Vec<String>, StoreError> {
        self.ask(format!("store {} buttons", lines.len()), move |db| {
            let mut tokens = Vec::with_capacity(lines.len());
            for line in &lines {
                let mut token = Uuid::new_v4().simple().to_string();
                token.truncate(TOKEN);
                let session = line.session.as_ref().map(SessionName::as_str);
                let keyboard = line.keyboard.map(|keyboard| keyboard.0);
                db.prepare_cached(
                    "INSERT INTO button (token, command, plugin, session, keyboard) VALUES (?, ?, ?, ?, ?)",
                )?
                .execute(params![token, line.command, line.plugin, session, keyboard])?;
                tokens.push(token);
            }
            db.prepare_cached("DELETE FROM button WHERE id <= (SELECT max(id) FROM button) - ?")?.execute([KEPT])?;
            Ok(tokens)
        })
        .await
    }

    /// The command line of a token, or `None` if it was deleted.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn line_of(&self, token: &str) -> Result<Option<ButtonAction>, StoreError> {
        let token = token.to_owned();
        self.ask("read the command of a button".to_owned(), move |db| {
            let mut query =
                db.prepare_cached("SELECT command, plugin, session, keyboard FROM button WHERE token = ?")?;
            let mut rows = query.query([&token])?;
            rows.next()?.map(read).transpose()
        })
        .await
    }
}

fn read(row: &Row<'_>) -> Result<ButtonAction, WorkError> {
    let session: Option<String> = row.get(2)?;
    Ok(ButtonAction {
        command: row.get(0)?,
        plugin: row.get(1)?,
        session: session.map(sessions::name).transpose()?,
        keyboard: row.get::<_, Option<i64>>(3)?.map(PostId),
    })
}
