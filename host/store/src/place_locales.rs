//! Stores each place's locale, as reported by the chat app of the last user who wrote there.

use std::collections::HashMap;

use cordboard_core::types::Place;
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{StoreError, WorkError},
    rows::{json, read_all},
};

impl Store {
    pub async fn set_place_locales(&self, locales: Vec<(Place, String)>) -> Result<(), StoreError> {
        self.run("store the languages of chats".to_owned(), move |db| {
            let mut save = db.prepare_cached("INSERT OR REPLACE INTO place_locale (place, locale) VALUES (?, ?)")?;
            for (place, locale) in &locales {
                save.execute(params![serde_json::to_string(place)?, locale])?;
            }
            Ok(())
        })
        .await
    }
}

pub(super) fn all(db: &Connection) -> Result<HashMap<Place, String>, WorkError> {
    let locales = read_all(db, "SELECT place, locale FROM place_locale", [], |row| Ok((json(row, 0)?, row.get(1)?)));
    Ok(locales?.into_iter().collect())
}
