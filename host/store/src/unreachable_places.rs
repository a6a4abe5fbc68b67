//! Stores which places the host can't write to.

use cordboard_core::types::Place;
use rusqlite::Connection;

use super::{
    Store,
    error::{StoreError, WorkError},
    rows::{json, read_all},
};

impl Store {
    /// Stores that the host can't write to the place.
    pub async fn set_unreachable(&self, place: &Place) -> Result<(), StoreError> {
        self.change_reach(place, "INSERT OR IGNORE INTO unreachable (place) VALUES (?)").await
    }

    /// Stores that the host can write to the place again.
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

/// Reads all places that the host can't write to.
pub(super) fn read(db: &Connection) -> Result<Vec<Place>, WorkError> {
    read_all(db, "SELECT place FROM unreachable ORDER BY place", [], |row| json(row, 0))
}
