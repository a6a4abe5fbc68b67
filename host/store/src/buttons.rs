//! Stores button commands under short tokens, because buttons can carry only a few bytes (64 in Telegram). A token
//! doesn't grant any rights: the user and the command's plugin are checked when the command runs.

use cordboard_core::{
    types::SessionName,
    updates_and_posts::{ButtonAction, PostId},
};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::{
    Store,
    error::{StoreError, WorkError},
    rows::read_all,
    sessions,
};

/// The maximum number of stored buttons. Older buttons are deleted, so they no longer work.
const MAX_BUTTONS: i64 = 10_000;

/// The number of hexadecimal digits in a token, enough to make collisions practically impossible.
const TOKEN_LENGTH: usize = 16;

impl Store {
    /// Stores the command line of a button, and returns the button's token.
    pub async fn save_button(&self, line: &ButtonAction) -> Result<String, StoreError> {
        let line = line.clone();
        self.run("store a button".to_owned(), move |db| {
            let mut token = Uuid::new_v4().simple().to_string();
            token.truncate(TOKEN_LENGTH);
            let session = line.session.as_ref().map(SessionName::as_str);
            let keyboard = line.keyboard.map(|keyboard| keyboard.0);
            let sql = "INSERT INTO button (token, command, plugin, session, keyboard) VALUES (?, ?, ?, ?, ?)";
            db.prepare_cached(sql)?.execute(params![token, line.command, line.plugin, session, keyboard])?;
            db.prepare_cached("DELETE FROM button WHERE id <= (SELECT max(id) FROM button) - ?")?
                .execute([MAX_BUTTONS])?;
            Ok(token)
        })
        .await
    }

    /// Returns the action of the button with this token, or `None` if it is not stored, for example because it was
    /// deleted.
    pub async fn find_button(&self, token: &str) -> Result<Option<ButtonAction>, StoreError> {
        let token = token.to_owned();
        self.run("read the command of a button".to_owned(), move |db| {
            let sql = "SELECT command, plugin, session, keyboard FROM button WHERE token = ?";
            Ok(read_all(db, sql, [&token], read)?.pop())
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
