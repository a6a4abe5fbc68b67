//! Stores the posts that have buttons: for each post, its request, if any, the chat messages that show it, and the
//! decision. A request is decided at most once.

use cordboard_core::{
    types::{Place, Reply, Request},
    updates_and_posts::{Delivery, MessageId, OutboxRow, PostId},
};
use rusqlite::{Connection, Params, Row, params};

use super::{
    Store,
    error::{StoreError, WorkError},
    outbox_table,
    rows::{json, read_all},
};

/// The number of recent posts whose buttons still work. The records of older posts are deleted.
const MAX_KEYBOARDS: i64 = 10_000;

/// A post with buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyboard {
    pub id: PostId,
    pub reply: Reply,
    /// The decision, in the form in which the message shows it, or `None` while the buttons still work.
    pub outcome: Option<String>,
}

/// Returns the decision as a message in this place shows it.
pub trait OutcomeText: Fn(&Place) -> String + Send + 'static {}

impl<F: Fn(&Place) -> String + Send + 'static> OutcomeText for F {}

impl Store {
    /// Returns the buttons of a post, or `None` if the post has none or their record was deleted.
    pub async fn keyboard(&self, id: PostId) -> Result<Option<Keyboard>, StoreError> {
        self.run(format!("read the buttons of post {}", id.0), move |db| {
            let read = |row: &Row<'_>| Ok(Keyboard { id, reply: json(row, 0)?, outcome: row.get(1)? });
            Ok(read_all(db, "SELECT reply, outcome FROM keyboard WHERE id = ?", [id.0], read)?.pop())
        })
        .await
    }

    /// Returns the open request that this message shows, if any.
    pub async fn open_request(&self, message: &MessageId) -> Result<Option<Request>, StoreError> {
        let message = message.0.clone();
        self.run("look up the request of a message".to_owned(), move |db| {
            let sql = "SELECT request FROM keyboard WHERE outcome IS NULL AND request IS NOT NULL
                AND EXISTS (SELECT 1 FROM json_each(messages) WHERE value = ?)";
            Ok(read_all(db, sql, [&message], |row| json(row, 0))?.pop())
        })
        .await
    }

    /// Closes a request. Returns the posts that replace the request's buttons with the outcome, or no posts if the
    /// request was already closed.
    pub async fn close_request(
        &self,
        request: &Request,
        outcome: impl OutcomeText,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let request = request.clone();
        self.run("store a decision".to_owned(), move |db| {
            close(db, "request = ?", [serde_json::to_string(&request)?], &outcome)
        })
        .await
    }

    /// Like [`Self::close_request`], for the buttons of one post.
    pub async fn close_keyboard(&self, id: PostId, outcome: impl OutcomeText) -> Result<Vec<OutboxRow>, StoreError> {
        self.run(format!("close the buttons of post {}", id.0), move |db| close(db, "id = ?", [id.0], &outcome)).await
    }

    /// Returns the places that contain posts whose buttons still work.
    pub async fn places_with_open_buttons(&self) -> Result<Vec<Place>, StoreError> {
        self.run("read which chats have open buttons".to_owned(), move |db| {
            read_all(db, "SELECT DISTINCT place FROM keyboard WHERE outcome IS NULL", [], |row| json(row, 0))
        })
        .await
    }

    /// Like [`Self::close_request`], for all posts in a place.
    pub async fn close_keyboards_in(
        &self,
        place: &Place,
        outcome: impl OutcomeText,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let place = place.clone();
        self.run(format!("close the buttons in {place}"), move |db| {
            close(db, "place = ?", [serde_json::to_string(&place)?], &outcome)
        })
        .await
    }

    /// Like [`Self::close_request`], for all requests about failed starts and silent agents, and all requests from
    /// agents. These requests are valid only while the host process that created them is running.
    pub async fn close_session_requests(&self, outcome: impl OutcomeText) -> Result<Vec<OutboxRow>, StoreError> {
        self.run("close requests from before the start".to_owned(), move |db| {
            close(
                db,
                "coalesce(request ->> '$.Start.session', request ->> '$.Stall.session', request ->> '$.Agent.session') \
                 IS NOT NULL",
                (),
                &outcome,
            )
        })
        .await
    }

    /// Like [`Self::close_request`], for requests about versions of `plugin` other than `digest`.
    pub async fn close_grant_requests(
        &self,
        plugin: &str,
        digest: &str,
        outcome: impl OutcomeText,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let key = [plugin.to_owned(), digest.to_owned()];
        self.run(format!("close requests about plugin '{plugin}'"), move |db| {
            close(db, "request ->> '$.Grant.plugin' = ? AND request ->> '$.Grant.digest' <> ?", key.clone(), &outcome)
        })
        .await
    }
}

/// Records a stored post with buttons. `place` is JSON. If the post edits a message that shows the same request, the
/// message no longer belongs to the earlier post, and shows the decision if there already is one. The buttons of the
/// earlier post still work, because a user may press one before the edit arrives.
pub(super) fn insert(
    db: &Connection,
    id: PostId,
    place: &str,
    reply: &Reply,
    edit: Option<&MessageId>,
) -> Result<(), WorkError> {
    let request = reply.request.as_ref().map(serde_json::to_string).transpose()?;
    let mut outcome = None;
    if let (Some(request), Some(edited)) = (&request, edit) {
        let sql = "UPDATE keyboard SET messages = '[]' WHERE request = ?
            AND EXISTS (SELECT 1 FROM json_each(messages) WHERE value = ?) RETURNING outcome";
        let outcomes: Vec<Option<String>> = read_all(db, sql, [request, &edited.0], |row| Ok(row.get(0)?))?;
        outcome = outcomes.into_iter().flatten().next();
    }
    db.prepare_cached("INSERT INTO keyboard (id, place, request, reply, outcome) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![id.0, place, request, serde_json::to_string(reply)?, outcome])?;
    db.prepare_cached("DELETE FROM keyboard WHERE id <= ? - ?")?.execute([id.0, MAX_KEYBOARDS])?;
    Ok(())
}

/// Records the chat messages that show the post. If the post's request has been decided in the meantime, returns the
/// posts that replace the buttons in these messages.
pub(super) fn record_messages(
    db: &Connection,
    id: PostId,
    messages: &[MessageId],
) -> Result<Vec<OutboxRow>, WorkError> {
    let sql = "UPDATE keyboard SET messages = ? WHERE id = ? RETURNING id, place, reply, messages, outcome";
    let read = |row: &Row<'_>| Ok((KeyboardRow::read(row)?, row.get::<_, Option<String>>(4)?));
    let updated = read_all(db, sql, params![serde_json::to_string(messages)?, id.0], read)?.pop();
    match updated {
        Some((keyboard, Some(outcome))) => Ok(keyboard.outcome_post(db, &outcome)?.into_iter().collect()),
        Some((_, None)) | None => Ok(Vec::new()),
    }
}

fn close(
    db: &Connection,
    which: &str,
    key: impl Params,
    outcome: &impl OutcomeText,
) -> Result<Vec<OutboxRow>, WorkError> {
    let sql = format!("SELECT id, place, reply, messages FROM keyboard WHERE outcome IS NULL AND {which} ORDER BY id");
    let open = read_all(db, &sql, key, KeyboardRow::read)?;
    let mut posts = Vec::new();
    for keyboard in open {
        let outcome = outcome(&serde_json::from_str(&keyboard.place)?);
        db.prepare_cached("UPDATE keyboard SET outcome = ? WHERE id = ?")?.execute(params![outcome, keyboard.id])?;
        posts.extend(keyboard.outcome_post(db, &outcome)?);
    }
    Ok(posts)
}

/// Fails if a record is invalid.
pub(super) fn check(db: &Connection) -> Result<(), WorkError> {
    read_all(db, "SELECT id, place, reply, messages FROM keyboard", [], KeyboardRow::read)?;
    let sql = "SELECT place, request FROM keyboard WHERE request IS NOT NULL";
    read_all::<(Place, Request)>(db, sql, [], |row| Ok((json(row, 0)?, json(row, 1)?))).map(drop)
}

struct KeyboardRow {
    id: i64,
    /// The place as JSON.
    place: String,
    reply: Reply,
    messages: Vec<MessageId>,
}

impl KeyboardRow {
    fn read(row: &Row<'_>) -> Result<Self, WorkError> {
        Ok(Self { id: row.get(0)?, place: row.get(1)?, reply: json(row, 2)?, messages: json(row, 3)? })
    }

    /// Stores and returns the post that replaces the buttons with the outcome. Returns `None` if no message shows the
    /// buttons yet.
    fn outcome_post(self, db: &Connection, outcome: &str) -> Result<Option<OutboxRow>, WorkError> {
        if self.messages.is_empty() {
            return Ok(None);
        }
        let state = Delivery { messages: self.messages, ..Delivery::default() };
        outbox_table::insert(db, &self.place, None, self.reply.closed(outcome), state).map(Some)
    }
}
