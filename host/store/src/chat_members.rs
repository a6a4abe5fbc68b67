//! Stores which users have written in a place. The host uses this to decide where plugins may post; users get no other
//! rights by writing.

use cordboard_core::types::{Place, UserId};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{StoreError, WorkError},
    rows::read_all,
};

impl Store {
    /// Stores that each user has written in the paired place. Entries that already exist are not written again.
    pub async fn add_chat_members(&self, met: Vec<(Place, UserId)>) -> Result<(), StoreError> {
        self.run("store where users have written".to_owned(), move |db| {
            met.iter().try_for_each(|(place, person)| add(db, place, person))
        })
        .await
    }

    /// Returns the users who have written in a place. An empty id represents an unknown user: older hosts stored only
    /// the place.
    pub async fn chat_members(&self, place: &Place) -> Result<Vec<UserId>, StoreError> {
        let place = place.clone();
        self.run(format!("read who has written in {place}"), move |db| {
            let place = serde_json::to_string(&place)?;
            read_all(db, "SELECT person FROM met WHERE place = ?", [place], |row| Ok(UserId(row.get(0)?)))
        })
        .await
    }
}

/// Stores that a user can write in a place.
pub(super) fn add(db: &Connection, place: &Place, person: &UserId) -> Result<(), WorkError> {
    db.prepare_cached("INSERT OR IGNORE INTO met (place, person) VALUES (?, ?)")?
        .execute(params![serde_json::to_string(place)?, person.0])?;
    Ok(())
}
