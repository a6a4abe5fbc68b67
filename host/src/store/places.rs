//! Which users have written in which places. The host uses it to decide where plugins may post; it grants no other
//! rights.

use cordboard_core::types::{Place, UserId};
use rusqlite::params;

use super::{Store, error::StoreError};

impl Store {
    /// Stores that these users have written in these places. Known entries cost no write.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn meet(&self, met: Vec<(Place, UserId)>) -> Result<(), StoreError> {
        self.ask("store where people have spoken".to_owned(), move |db| {
            for (place, person) in &met {
                db.prepare_cached("INSERT OR IGNORE INTO met (place, person) VALUES (?, ?)")?
                    .execute(params![serde_json::to_string(place)?, person.0])?;
            }
            Ok(())
        })
        .await
    }

    /// The users who have written in a place. An empty id stands for an unknown user, because older hosts stored only
    /// the place.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn chat_members(&self, place: &Place) -> Result<Vec<UserId>, StoreError> {
        let place = place.clone();
        self.ask(format!("read who has spoken in {place}"), move |db| {
            let mut query = db.prepare_cached("SELECT person FROM met WHERE place = ?")?;
            let people = query.query_map([serde_json::to_string(&place)?], |row| row.get(0).map(UserId))?;
            Ok(people.collect::<Result<_, _>>()?)
        })
        .await
    }
}
