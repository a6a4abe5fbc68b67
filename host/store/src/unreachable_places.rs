//! Stores which places can't be written to.

use cordboard_core::types::Place;
use rusqlite::Connection;

use super::{
    Store,
    error::{StoreError, WorkError},
    rows::{json, read_all},
};

impl Store {
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
pub(super) fn read(db: &Connection) -> Result<Vec<Place>, WorkError> {
    read_all(db, "SELECT place FROM unreachable ORDER BY place", [], |row| json(row, 0))
}
