//! Stored messages with buttons: their requests, the messages that show them, and the decisions. A request is decided
//! at most once.

use cordboard_core::{
    chat::{Delivery, MessageId, OutboxRow, PostId},
    types::{Place, Reply, Request},
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::{
    Store,
    error::{StoreError, WorkError},
    outbox_row,
};

/// The number of latest posts with buttons whose buttons still work.
const KEPT: i64 = 10_000;

/// A message with buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyboard {
    pub id: PostId,
    pub reply: Reply,
    /// The decision as the message shows it.
    pub outcome: Option<String>,
}

impl Store {
    /// `None` if the message was deleted from the store.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn keyboard(&self, id: PostId) -> Result<Option<Keyboard>, StoreError> {
        self.ask(format!("read the buttons of post {}", id.0), move |db| {
            let mut query = db.prepare_cached("SELECT reply, outcome FROM keyboard WHERE id = ?")?;
            let found: Option<(String, Option<String>)> =
                query.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((reply, outcome)) = found else { return Ok(None) };
            Ok(Some(Keyboard { id, reply: serde_json::from_str(&reply)?, outcome }))
        })
        .await
    }

    /// Closes the request. Returns the posts that replace its buttons; none if it was closed before.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn decide(&self, request: &Request, outcome: &str) -> Result<Vec<OutboxRow>, StoreError> {
        let (request, outcome) = (request.clone(), outcome.to_owned());
        self.ask("store a decision".to_owned(), move |db| {
            close(db, "request = ?", [serde_json::to_string(&request)?], &outcome)
        })
        .await
    }

    /// Like [`Self::decide`], for a message whose request no other message asks.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn close_keyboard(&self, id: PostId, outcome: &str) -> Result<Vec<OutboxRow>, StoreError> {
        let outcome = outcome.to_owned();
        self.ask(format!("close the buttons of post {}", id.0), move |db| close(db, "id = ?", [id.0], &outcome)).await
    }

    /// The places whose messages have open buttons.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn keyboard_places(&self) -> Result<Vec<Place>, StoreError> {
        self.ask("read which chats have open buttons".to_owned(), move |db| {
            let mut query = db.prepare_cached("SELECT DISTINCT place FROM keyboard WHERE outcome IS NULL")?;
            let mut rows = query.query(())?;
            let mut places = Vec::new();
            while let Some(row) = rows.next()? {
                places.push(serde_json::from_str(&row.get::<_, String>(0)?)?);
            }
            Ok(places)
        })
        .await
    }

    /// Like [`Self::decide`], for all messages of a place.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn close_keyboards_of(&self, place: &Place, outcome: &str) -> Result<Vec<OutboxRow>, StoreError> {
        let (place, outcome) = (place.clone(), outcome.to_owned());
        self.ask(format!("close the buttons in {place}"), move |db| {
            close(db, "place = ?", [serde_json::to_string(&place)?], &outcome)
        })
        .await
    }

    /// Like [`Self::decide`], for all requests about failed starts, which end with their host.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn withdraw_starts(&self, outcome: &str) -> Result<Vec<OutboxRow>, StoreError> {
        let outcome = outcome.to_owned();
        self.ask("close requests from before the start".to_owned(), move |db| {
            close(db, "request ->> '$.Start.session' IS NOT NULL", (), &outcome)
        })
        .await
    }

    /// Like [`Self::decide`], for requests about versions of `plugin` other than `digest`.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn withdraw_grants(
        &self,
        plugin: &str,
        digest: &str,
        outcome: &str,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let (key, outcome) = ([plugin.to_owned(), digest.to_owned()], outcome.to_owned());
        self.ask(format!("close requests about plugin '{plugin}'"), move |db| {
            close(db, "request ->> '$.Grant.plugin' = ? AND request ->> '$.Grant.digest' <> ?", key.clone(), &outcome)
        })
        .await
    }
}

/// Records a stored post with buttons.
pub(super) fn insert(db: &Connection, id: PostId, (place, reply): (&str, &Reply)) -> Result<(), WorkError> {
    let request = reply.request.as_ref().map(serde_json::to_string).transpose()?;
    db.prepare_cached("INSERT INTO keyboard (id, place, request, reply) VALUES (?, ?, ?, ?)")?.execute(params![
        id.0,
        place,
        request,
        serde_json::to_string(reply)?
    ])?;
    db.prepare_cached("DELETE FROM keyboard WHERE id <= ? - ?")?.execute([id.0, KEPT])?;
    Ok(())
}

/// Records the messages that show the post. If the request was decided in the meantime, returns posts that show the
/// decision in them.
pub(super) fn shown(db: &Connection, id: PostId, messages: &[MessageId]) -> Result<Vec<OutboxRow>, WorkError> {
    let sql = "UPDATE keyboard SET messages = ? WHERE id = ? RETURNING id, place, reply, messages, outcome";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params![serde_json::to_string(messages)?, id.0])?;
    let Some(row) = rows.next()? else { return Ok(Vec::new()) };
    let (stored, outcome) = (Stored::read(row)?, row.get::<_, Option<String>>(4)?);
    drop(rows);
    outcome.map_or_else(|| Ok(Vec::new()), |outcome| stored.tell(db, &outcome))
}

fn close(db: &Connection, which: &str, key: impl Params, outcome: &str) -> Result<Vec<OutboxRow>, WorkError> {
    let sql = format!("SELECT id, place, reply, messages FROM keyboard WHERE outcome IS NULL AND {which} ORDER BY id");
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query(key)?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        open.push(Stored::read(row)?);
    }
    let mut told = Vec::new();
    for stored in open {
        db.prepare_cached("UPDATE keyboard SET outcome = ? WHERE id = ?")?.execute(params![outcome, stored.id])?;
        told.extend(stored.tell(db, outcome)?);
    }
    Ok(told)
}

struct Stored {
    id: i64,
    place: String,
    reply: String,
    messages: String,
}

impl Stored {
    fn read(row: &Row<'_>) -> Result<Self, WorkError> {
        Ok(Self { id: row.get(0)?, place: row.get(1)?, reply: row.get(2)?, messages: row.get(3)? })
    }

    /// The post that replaces the buttons. A message that is not sent yet needs none.
    fn tell(&self, db: &Connection, outcome: &str) -> Result<Vec<OutboxRow>, WorkError> {
        let messages: Vec<MessageId> = serde_json::from_str(&self.messages)?;
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let reply: Reply = serde_json::from_str(&self.reply)?;
        let state = Delivery { messages, shown: 0 };
        outbox_row::insert(db, (&self.place, None), (reply.closed(outcome), state)).map(|row| vec![row])
    }
}
