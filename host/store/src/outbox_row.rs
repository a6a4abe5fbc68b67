//! The rows of the table of posts.

use cordboard_core::{
    agent::PromptId,
    chat::{Delivery, OutboxRow, PostId},
    types::Reply,
};
use rusqlite::{Connection, Row, params};

use super::error::WorkError;

pub fn insert(
    db: &Connection,
    (place, turn): (&str, Option<PromptId>),
    (reply, state): (Reply, Delivery),
) -> Result<OutboxRow, WorkError> {
    let (stored, delivery) = (serde_json::to_string(&reply)?, serde_json::to_string(&state)?);
    db.prepare_cached("INSERT INTO outbox (place, turn, reply, delivery) VALUES (?, ?, ?, ?)")?.execute(params![
        place,
        turn.as_ref().map(|turn| &turn.0),
        stored,
        delivery
    ])?;
    Ok(OutboxRow { id: PostId(db.last_insert_rowid()), place: serde_json::from_str(place)?, reply, turn, state })
}

/// All posts that are not completely sent, in order.
pub fn all(db: &Connection) -> Result<Vec<OutboxRow>, WorkError> {
    let mut query = db.prepare("SELECT id, place, turn, reply, delivery FROM outbox ORDER BY id")?;
    let mut rows = query.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

fn read(row: &Row<'_>) -> Result<OutboxRow, WorkError> {
    let (place, reply, delivery): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
    Ok(OutboxRow {
        id: PostId(row.get(0)?),
        place: serde_json::from_str(&place)?,
        reply: serde_json::from_str(&reply)?,
        turn: row.get::<_, Option<String>>(2)?.map(PromptId),
        state: serde_json::from_str(&delivery)?,
    })
}
