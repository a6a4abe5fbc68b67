//! Stores which users have written in a place, and which places can't be written to. The host uses the former to decide
//! where plugins may post; users get no other rights by writing.

use cordboard_core::types::{Place, UserId};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{StoreError, WorkError},
    rows::{json, read_all},
};

impl Store {
    /// Stores that these users have written in these places. Entries that already exist are not written again.
    pub async fn add_chat_members(&self, met: Vec<(Place, UserId)>) -> Result<(), StoreError> {
        self.run("store where users have written".to_owned(), move |db| {
            for (place, person) in &met {
                db.prepare_cached("INSERT OR IGNORE INTO met (place, person) VALUES (?, ?)")?
                    .execute(params![serde_json::to_string(place)?, person.0])?;
            }
            Ok(())
        })
        .await
    }

    /// The users who have written in a place. An empty id means an unknown user, because older hosts stored only the
    /// place.
    pub async fn chat_members(&self, place: &Place) -> Result<Vec<UserId>, StoreError> {
        let place = place.clone();
        self.run(format!("read who has written in {place}"), move |db| {
            let place = serde_json::to_string(&place)?;
            read_all(db, "SELECT person FROM met WHERE place = ?", [place], |row| Ok(UserId(row.get(0)?)))
        })
        .await
    }

    /// Stores that the place can't be written to.
    pub async fn set_unreachable(&self, place: &Place) -> Result<(), StoreError> {
        self.change_reach(place, "INSERT OR IGNORE INTO unreachable (place) VALUES (?)").await
    }

    /// Stores that the place can be written to again.
    pub async fn set_reachable(&self, place: &Place) -> Result<(), StoreError> {
        self.change_reach(place, "DELETE FROM unreachable WHERE place = ?").await
    }

    async fn change_reach(&self, place: &Place, sql: &'static str) -> Result<(), StoreError> {
        let place = place.clone();
        self.run(format!("store whether {place} is reachable"), move |db| {
            db.prepare_cached(sql)?.execute([serde_json::to_string(&place)?])?;
            Ok(())
        })
        .await
    }
}

/// All places that can't be written to.
pub(super) fn unreachable(db: &Connection) -> Result<Vec<Place>, WorkError> {
    read_all(db, "SELECT place FROM unreachable ORDER BY place", [], |row| json(row, 0))
}
