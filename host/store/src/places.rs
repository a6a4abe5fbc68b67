//! Which users have written in which places. The host uses it to decide where plugins may post; it grants no other
//! rights. Also stores which places can't be written to.

use cordboard_core::types::{Place, UserId};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{StoreError, WorkError},
};

impl Store {
    /// Stores that these users have written in these places. Known entries cost no write.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn meet(&self, met: Vec<(Place, UserId)>) -> Result<(), StoreError> {
        self.ask("store where users have written".to_owned(), move |db| {
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
        self.ask(format!("read who has written in {place}"), move |db| {
            let mut query = db.prepare_cached("SELECT person FROM met WHERE place = ?")?;
            let people = query.query_map([serde_json::to_string(&place)?], |row| row.get(0).map(UserId))?;
            Ok(people.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Stores that the place can't be written to.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn set_unreachable(&self, place: &Place) -> Result<(), StoreError> {
        self.change_reach(place, "INSERT OR IGNORE INTO unreachable (place) VALUES (?)").await
    }

    /// Stores that the place can be written to again.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn set_reachable(&self, place: &Place) -> Result<(), StoreError> {
        self.change_reach(place, "DELETE FROM unreachable WHERE place = ?").await
    }

    async fn change_reach(&self, place: &Place, sql: &'static str) -> Result<(), StoreError> {
        let place = place.clone();
        self.ask(format!("store whether {place} is reachable"), move |db| {
            db.prepare_cached(sql)?.execute([serde_json::to_string(&place)?])?;
            Ok(())
        })
        .await
    }
}

/// All places that can't be written to.
pub(super) fn unreachable(db: &Connection) -> Result<Vec<Place>, WorkError> {
    let mut query = db.prepare("SELECT place FROM unreachable ORDER BY place")?;
    let places = query.query_map([], |row| row.get::<_, String>(0))?;
    places.map(|place| Ok(serde_json::from_str(&place?)?)).collect()
}
