//! Accepted updates, each stored once and in order until it is completed. The text of a completed update is deleted,
//! but messages to agents keep their text for a while, so that their authors can edit them. Keys are kept longer, to
//! detect duplicates.

use std::time::{SystemTime, UNIX_EPOCH};

use cordboard_core::{
    agent_event::PromptId,
    types::{SessionName, SessionRecord, Timestamp},
    updates_and_posts::{CompletedUpdate, InboxId, InboxRow, InboxState, NewPost, OutboxRow, Update, UpdateKind},
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    Store,
    error::{StoreError, WorkError, counted},
    inbox_edits::{stored, write},
    outbox,
    rows::{json, read_all},
    sessions,
};

/// The number of recent updates whose keys are kept after completion, to detect duplicates. Telegram repeats at most
/// the last batch of 100 updates.
const MAX_KEYS: i64 = 10_000;

/// The number of recent updates that keep their text after completion if they are messages to agents, so that these can
/// still be edited.
const MAX_EDITABLE_UPDATES: i64 = 1000;

impl Store {
    /// Stores a batch of updates and the front-end's next offset atomically, and returns the new rows. After an error,
    /// nothing was stored, and the caller should retry with the same batch. Before the front-end confirms the updates,
    /// it must [`sync`](Self::sync) the store.
    pub async fn accept(&self, batch: Vec<Update>, offset: Option<(String, i64)>) -> Result<Vec<InboxRow>, StoreError> {
        self.run(format!("store {}", counted(batch.len(), "new message")), move |db| {
            let mut new = Vec::new();
            for update in &batch {
                new.extend(insert(db, update)?);
            }
            if let Some((front_end, next)) = &offset {
                db.prepare_cached("INSERT OR REPLACE INTO front_end (name, next) VALUES (?, ?)")?
                    .execute(params![front_end, next])?;
            }
            delete_old(db, new.len())?;
            Ok(new)
        })
        .await
    }

    /// Returns the last offset stored with a batch from this front-end.
    pub async fn offset(&self, front_end: &str) -> Result<Option<i64>, StoreError> {
        let front_end = front_end.to_owned();
        self.run(format!("read the offset of {front_end}"), move |db| {
            let mut query = db.prepare_cached("SELECT next FROM front_end WHERE name = ?")?;
            Ok(query.query_row([&front_end], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Returns all updates that are not completed, in the order in which they were accepted.
    pub async fn open_messages(&self) -> Result<Vec<InboxRow>, StoreError> {
        self.run("read the open messages".to_owned(), open).await
    }

    /// Returns the number of updates that are not completed.
    pub async fn count_open_updates(&self) -> Result<u64, StoreError> {
        self.run("count the open messages".to_owned(), |db| {
            let count: i64 = db
                .prepare_cached("SELECT count(*) FROM inbox WHERE state <> 'done'")?
                .query_row([], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or_default())
        })
        .await
    }

    /// Marks the update as a prompt that waits for this session, and stores its `filtered` content. `seen` is the
    /// content that was filtered. If the message has been edited since, changes nothing and returns the edited update.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if the update is completed.
    pub async fn assign(
        &self,
        id: InboxId,
        session: &SessionName,
        seen: &UpdateKind,
        filtered: &Update,
    ) -> Result<Option<Update>, StoreError> {
        let (what, session) = (format!("assign message {} to session '{session}'", id.0), session.clone());
        let (seen, filtered) = (seen.clone(), filtered.clone());
        self.run(what.clone(), move |db| {
            let Some(stored) = stored(db, id)? else { return Err(StoreError::Gone { what: what.clone() }.into()) };
            if stored.what != seen {
                return Ok(Some(stored));
            }
            if filtered.what != seen {
                write(db, id, &Update { what: filtered.what.clone(), origin: filtered.origin.clone(), ..stored })?;
            }
            let sql = "UPDATE inbox SET state = 'waiting', session = ? WHERE id = ?";
            db.prepare_cached(sql)?.execute(params![session.as_str(), id.0])?;
            Ok(None)
        })
        .await
    }

    /// Returns whether the update is completed, or is a prompt that was assigned to a session.
    pub async fn is_handled(&self, id: InboxId) -> Result<bool, StoreError> {
        self.run(format!("read message {}", id.0), move |db| {
            let sql = "SELECT state <> 'new' FROM inbox WHERE id = ?";
            Ok(db.prepare_cached(sql)?.query_row([id.0], |row| row.get(0)).optional()?.unwrap_or(true))
        })
        .await
    }

    /// Stores `update` as a prompt that waits for this session, without routing its text. Returns the id of the prompt,
    /// or `None` if the update was already accepted.
    pub async fn accept_for(&self, update: Update, session: &SessionName) -> Result<Option<PromptId>, StoreError> {
        let (prompt, session) = (PromptId(Uuid::new_v4().to_string()), session.clone());
        self.run(format!("store a message for session '{session}'"), move |db| {
            let sql = "SELECT 1 FROM inbox WHERE front_end = ? AND key = ?";
            if db.prepare_cached(sql)?.exists(params![update.place.front_end, update.key])? {
                return Ok(None);
            }
            insert_waiting(db, &update, &prompt, &session)?;
            delete_old(db, 1)?;
            Ok(Some(prompt.clone()))
        })
        .await
    }

    /// Stores `update`, whose key must be new, as a prompt that waits for this session. Stores `post`, which announces
    /// the prompt, in the same commit.
    pub async fn accept_announced(
        &self,
        update: Update,
        session: &SessionName,
        post: NewPost,
    ) -> Result<(PromptId, OutboxRow), StoreError> {
        let (prompt, session) = (PromptId(Uuid::new_v4().to_string()), session.clone());
        self.run(format!("store a message for session '{session}'"), move |db| {
            insert_waiting(db, &update, &prompt, &session)?;
            delete_old(db, 1)?;
            Ok((prompt.clone(), outbox::insert(db, &post)?))
        })
        .await
    }

    /// Stores `update` again as a prompt that waits for the session, with the new id `prompt`, together with the
    /// session's record.
    pub async fn accept_again(
        &self,
        update: Update,
        prompt: &PromptId,
        record: &SessionRecord,
    ) -> Result<(), StoreError> {
        let (prompt, record) = (prompt.clone(), record.clone());
        self.run(format!("requeue a message of session '{}'", record.name), move |db| {
            insert_waiting(db, &update, &prompt, &record.name)?;
            sessions::save(db, &record)
        })
        .await
    }

    /// Marks the prompt as sent to its session's agent.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if the prompt was not assigned or is completed.
    pub async fn mark_sent(&self, prompt: &PromptId) -> Result<(), StoreError> {
        self.set_inbox_state("handed", format!("mark prompt {} as sent to the agent", prompt.0), prompt).await
    }

    /// Marks the prompt as waiting again, because it has to be sent to another agent process.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if the prompt was not assigned or is completed.
    pub async fn mark_queued(&self, prompt: &PromptId) -> Result<(), StoreError> {
        self.set_inbox_state("waiting", format!("mark prompt {} as waiting again", prompt.0), prompt).await
    }

    async fn set_inbox_state(&self, state: &'static str, what: String, prompt: &PromptId) -> Result<(), StoreError> {
        let prompt = prompt.clone();
        self.run(what.clone(), move |db| {
            let sql = "UPDATE inbox SET state = ? WHERE prompt = ? AND state IN ('waiting', 'handed')";
            require_row(db.prepare_cached(sql)?.execute(params![state, prompt.0])?, &what)
        })
        .await
    }
}

fn require_row(rows: usize, what: &str) -> Result<(), WorkError> {
    if rows == 0 { Err(StoreError::Gone { what: what.to_owned() }.into()) } else { Ok(()) }
}

fn insert(db: &Connection, update: &Update) -> Result<Option<InboxRow>, WorkError> {
    let prompt = PromptId(Uuid::new_v4().to_string());
    let at = now();
    let sql =
        "INSERT OR IGNORE INTO inbox (front_end, key, prompt, state, accepted, record) VALUES (?, ?, ?, 'new', ?, ?)";
    let json = serde_json::to_string(update)?;
    let row = params![update.place.front_end, update.key, prompt.0, to_column(at), json];
    Ok(match db.prepare_cached(sql)?.execute(row)? {
        0 => None,
        _ => Some(InboxRow {
            id: InboxId(db.last_insert_rowid()),
            update: update.clone(),
            state: InboxState::New,
            prompt,
            at,
        }),
    })
}

fn insert_waiting(db: &Connection, update: &Update, prompt: &PromptId, session: &SessionName) -> Result<(), WorkError> {
    let sql = "INSERT INTO inbox (front_end, key, prompt, state, session, accepted, record) VALUES (?, ?, ?, 'waiting', ?, ?, ?)";
    let json = serde_json::to_string(update)?;
    let row = params![update.place.front_end, update.key, prompt.0, session.as_str(), to_column(now()), json];
    db.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Call this after inserting `inserted` rows, which push as many older rows out of the last [`MAX_KEYS`]. Deletes
/// those of the older rows that are completed; [`complete`] deletes the others later. Also deletes the texts of
/// completed rows that are older than the last [`MAX_EDITABLE_UPDATES`]. The index `inbox_answered` contains only
/// completed rows with a text, so the second query stays short.
fn delete_old(db: &Connection, inserted: usize) -> Result<(), WorkError> {
    let sql = "DELETE FROM inbox WHERE state = 'done' \
               AND id <= (SELECT max(id) FROM inbox) - ?1 AND id > (SELECT max(id) FROM inbox) - ?1 - ?2";
    db.prepare_cached(sql)?.execute(params![MAX_KEYS, i64::try_from(inserted).unwrap_or(i64::MAX)])?;
    let sql = "UPDATE inbox SET session = NULL, record = '' \
               WHERE state = 'done' AND record <> '' AND id <= (SELECT max(id) FROM inbox) - ?";
    db.prepare_cached(sql)?.execute([MAX_EDITABLE_UPDATES])?;
    Ok(())
}

/// Completes an update, identified by its own id or its prompt's id. Deletes its text unless it was sent to an agent.
/// Has no effect if the update is already completed.
pub(super) fn complete(db: &Connection, done: &CompletedUpdate) -> Result<(), WorkError> {
    let completed: Option<i64> = match done {
        CompletedUpdate::Update(id) => {
            let sql = "UPDATE inbox SET state = 'done', session = NULL, record = '' WHERE id = ? AND state <> 'done' \
                       RETURNING id";
            db.prepare_cached(sql)?.query_row([id.0], |row| row.get(0)).optional()?
        }
        CompletedUpdate::Prompt(prompt) => {
            let sql = "UPDATE inbox SET state = 'done', session = iif(state = 'handed', session, NULL), \
                       record = iif(state = 'handed', record, '') WHERE prompt = ? AND state <> 'done' RETURNING id";
            db.prepare_cached(sql)?.query_row([&prompt.0], |row| row.get(0)).optional()?
        }
    };
    if let Some(id) = completed {
        let sql = "DELETE FROM inbox WHERE id = ?1 AND ?1 <= (SELECT max(id) FROM inbox) - ?2";
        db.prepare_cached(sql)?.execute([id, MAX_KEYS])?;
    }
    Ok(())
}

/// Returns all updates that are not completed, in order.
pub(super) fn open(db: &Connection) -> Result<Vec<InboxRow>, WorkError> {
    let sql = "SELECT id, prompt, state, session, accepted, record FROM inbox WHERE state <> 'done' ORDER BY id";
    read_all(db, sql, [], read)
}

fn read(row: &Row<'_>) -> Result<InboxRow, WorkError> {
    let (state, session): (String, Option<String>) = (row.get(2)?, row.get(3)?);
    let state = match (state.as_str(), session) {
        ("waiting", Some(session)) => InboxState::Queued { session: sessions::name(session)? },
        ("handed", Some(session)) => InboxState::Sent { session: sessions::name(session)? },
        (_, _) => InboxState::New,
    };
    Ok(InboxRow {
        id: InboxId(row.get(0)?),
        update: json(row, 5)?,
        state,
        prompt: PromptId(row.get(1)?),
        at: Timestamp(row.get::<_, i64>(4)?.unsigned_abs()),
    })
}

/// Returns the timestamp as SQLite stores it.
pub(super) fn to_column(at: Timestamp) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
