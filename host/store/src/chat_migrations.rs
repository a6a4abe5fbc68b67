//! Stores the new id of each chat whose id has changed. Places keep a chat's original id, so that sessions, messages
//! and plugin state stay valid.

use cordboard_core::types::Place;
use rusqlite::{OptionalExtension, params};

use super::{Store, error::StoreError, rows::read_all};

impl Store {
    /// Records that the chat `home` has the new id `chat`. Moves the active sessions, chat members, access entries and
    /// locales that are already stored under the new id to the original id, and deletes those for which the original id
    /// already has an entry.
    pub async fn move_chat(&self, front_end: &str, home: &str, chat: &str) -> Result<(), StoreError> {
        let (front_end, home, chat) = (front_end.to_owned(), home.to_owned(), chat.to_owned());
        self.run(format!("store that chat {home} of {front_end} is now {chat}"), move |db| {
            let sql = "INSERT OR REPLACE INTO moved (front_end, chat, home) VALUES (?, ?, ?)";
            db.prepare_cached(sql)?.execute(params![front_end, chat, home])?;
            for table in ["active", "met", "chat_access", "place_locale"] {
                let there = "json_extract(place, '$.front_end') = ? AND json_extract(place, '$.chat') = ?";
                let sql = format!("UPDATE OR IGNORE {table} SET place = json_set(place, '$.chat', ?) WHERE {there}");
                db.prepare_cached(&sql)?.execute(params![home, front_end, chat])?;
                db.prepare_cached(&format!("DELETE FROM {table} WHERE {there}"))?.execute(params![front_end, chat])?;
            }
            Ok(())
        })
        .await
    }

    /// Returns the front-end's chats whose id has changed, as pairs of original and current id.
    pub async fn moved_chats(&self, front_end: &str) -> Result<Vec<(String, String)>, StoreError> {
        let front_end = front_end.to_owned();
        self.run(format!("read the moved chats of {front_end}"), move |db| {
            let sql = "SELECT home, chat FROM moved WHERE front_end = ?";
            read_all(db, sql, [&front_end], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .await
    }

    /// Returns the place with its chat's current id replaced by the original one.
    pub async fn original_place(&self, place: &Place) -> Result<Place, StoreError> {
        let place = place.clone();
        self.run(format!("read the first id of {place}"), move |db| {
            let mut query = db.prepare_cached("SELECT home FROM moved WHERE front_end = ? AND chat = ?")?;
            let home = query.query_row(params![place.front_end, place.chat], |row| row.get(0)).optional()?;
            Ok(Place { chat: home.unwrap_or_else(|| place.chat.clone()), ..place.clone() })
        })
        .await
    }
}
