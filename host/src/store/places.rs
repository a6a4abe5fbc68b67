//! Where people were met: who has spoken in which place. It says where plugins may post, and gives no right to anybody else.

use cordboard_core::types::{Place, UserId};
use rusqlite::params;

use super::{Store, error::StoreError};

impl Store {
    /// Keeps that these people have spoken in these places; what is known costs no write.
    ///
    /// # Errors
    /// The disk's.
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

    /// Who has spoken there; an empty name where an older host knew the place, and not by whom.
    ///
    /// # Errors
    /// The disk's.
    pub async fn met_in(&self, place: &Place) -> Result<Vec<UserId>, StoreError> {
        let place = place.clone();
        self.ask(format!("read who has spoken in {place}"), move |db| {
            let mut query = db.prepare_cached("SELECT person FROM met WHERE place = ?")?;
            let people = query.query_map([serde_json::to_string(&place)?], |row| row.get(0).map(UserId))?;
            Ok(people.collect::<Result<_, _>>()?)
        })
        .await
    }
}
