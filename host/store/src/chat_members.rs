//! Stores the members of each place and their names. Members are the users who have written there or for whom the host
//! created the place. The host uses this to decide where plugins may post and which private chats get their own menu.
//! Membership grants no other rights.

use std::collections::HashMap;

use cordboard_core::types::{Caller, Place, UserId};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{StoreError, WorkError},
    rows::{json, read_all},
};

impl Store {
    /// Records that each user has written in the given place, and stores the user's current name.
    pub async fn add_chat_members(&self, met: Vec<(Place, Caller)>) -> Result<(), StoreError> {
        self.run("store where users have written".to_owned(), move |db| {
            met.iter().try_for_each(|(place, person)| save(db, place, person))
        })
        .await
    }

    /// Returns the users who have written in a place. An empty id represents an unknown user, because older versions of
    /// the host stored only the place.
    pub async fn chat_members(&self, place: &Place) -> Result<Vec<UserId>, StoreError> {
        let place = place.clone();
        self.run(format!("read who has written in {place}"), move |db| {
            let place = serde_json::to_string(&place)?;
            read_all(db, "SELECT person FROM met WHERE place = ?", [place], |row| Ok(UserId(row.get(0)?)))
        })
        .await
    }

    /// Returns every place with the users who have written there.
    pub async fn all_chat_members(&self) -> Result<Vec<(Place, UserId)>, StoreError> {
        self.run("read who has written".to_owned(), |db| {
            read_all(db, "SELECT place, person FROM met", [], |row| Ok((json(row, 0)?, UserId(row.get(1)?))))
        })
        .await
    }

    /// Returns the last known names of all users who have written in a place.
    pub async fn names(&self) -> Result<HashMap<UserId, String>, StoreError> {
        self.run("read the names of users".to_owned(), names).await
    }
}

pub(super) fn save(db: &Connection, place: &Place, person: &Caller) -> Result<(), WorkError> {
    let sql = "INSERT INTO met (place, person, name) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name";
    db.prepare_cached(sql)?.execute(params![serde_json::to_string(place)?, person.id.0, person.name])?;
    // Rows have no timestamp, so the newest name replaces the old ones in all places.
    let sql = "UPDATE met SET name = ?2 WHERE person = ?1 AND name <> ?2";
    db.prepare_cached(sql)?.execute(params![person.id.0, person.name])?;
    Ok(())
}

pub(super) fn names(db: &Connection) -> Result<HashMap<UserId, String>, WorkError> {
    let sql = "SELECT person, name FROM met WHERE name <> ''";
    let names = read_all(db, sql, [], |row| Ok((UserId(row.get(0)?), row.get(1)?)));
    Ok(names?.into_iter().collect())
}

/// Stores a user as a member of a place, without a name.
pub(super) fn add(db: &Connection, place: &Place, person: &UserId) -> Result<(), WorkError> {
    db.prepare_cached("INSERT OR IGNORE INTO met (place, person) VALUES (?, ?)")?
        .execute(params![serde_json::to_string(place)?, person.0])?;
    Ok(())
}
