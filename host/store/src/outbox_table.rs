//! Reads and inserts rows of the outbox table.

use cordboard_core::{
    agent_event::PromptId,
    types::Reply,
    updates_and_posts::{Delivery, OutboxRow, PostId},
};
use rusqlite::{Connection, params};

use super::{
    error::WorkError,
    inbox::{now, to_column},
    rows::{json, read_all},
};

/// Inserts a post. `place` is JSON.
pub fn insert(
    db: &Connection,
    place: &str,
    turn: Option<PromptId>,
    reply: Reply,
    state: Delivery,
) -> Result<OutboxRow, WorkError> {
    let (json, delivery) = (serde_json::to_string(&reply)?, serde_json::to_string(&state)?);
    db.prepare_cached("INSERT INTO outbox (place, turn, reply, delivery, stored) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![place, turn.as_ref().map(|turn| &turn.0), json, delivery, to_column(now())])?;
    Ok(OutboxRow { id: PostId(db.last_insert_rowid()), place: serde_json::from_str(place)?, reply, turn, state })
}

/// Returns all posts that haven't been completely sent, in order.
pub fn all(db: &Connection) -> Result<Vec<OutboxRow>, WorkError> {
    read_all(db, "SELECT id, place, turn, reply, delivery FROM outbox ORDER BY id", [], |row| {
        Ok(OutboxRow {
            id: PostId(row.get(0)?),
            place: json(row, 1)?,
            turn: row.get::<_, Option<String>>(2)?.map(PromptId),
            reply: json(row, 3)?,
            state: json(row, 4)?,
        })
    })
}
