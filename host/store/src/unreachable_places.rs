//! Stores which places the host can't write to.

use std::iter;

use cordboard_core::types::Place;
use rusqlite::{Connection, params_from_iter};

use super::{
    Store,
    delivery_log::clean_error_text,
    error::{StoreError, WorkError},
    rows::{json, read_all},
};

impl Store {
    /// Records that the host can't write to the place. `why` is the chat server's error message.
    pub async fn set_unreachable(&self, place: &Place, why: &str) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO unreachable (place, why) VALUES (?, ?)";
        self.change_reach(place, sql, Some(clean_error_text(why))).await
    }

    /// Records that the host can write to the place again.
    pub async fn set_reachable(&self, place: &Place) -> Result<(), StoreError> {
        self.change_reach(place, "DELETE FROM unreachable WHERE place = ?", None).await
    }

    async fn change_reach(&self, place: &Place, sql: &'static str, why: Option<String>) -> Result<(), StoreError> {
        let place = place.clone();
        self.run(format!("store whether {place} is reachable"), move |db| {
            let place = serde_json::to_string(&place)?;
            db.prepare_cached(sql)?.execute(params_from_iter(iter::once(&place).chain(&why)))?;
            Ok(())
        })
        .await
    }
}

/// Reads all places that the host can't write to.
pub(super) fn read(db: &Connection) -> Result<Vec<Place>, WorkError> {
    read_all(db, "SELECT place FROM unreachable ORDER BY place", [], |row| json(row, 0))
}
