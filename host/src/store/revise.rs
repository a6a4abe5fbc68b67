//! Changes of accepted updates that still wait: parts become one, and an edited text takes the place of the one before.

use cordboard_core::{
    agent::PromptId,
    chat::{InboxId, MessageId, Part, Update, What},
    gather,
    types::{Place, SessionName},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Store,
    error::{StoreError, Trouble},
    sessions,
};

/// A prompt whose text was replaced while it waited for its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revised {
    pub session: SessionName,
    pub prompt: PromptId,
    pub update: Update,
}

impl Store {
    /// An accepted update as it is now; none where it is done.
    ///
    /// # Errors
    /// The disk's.
    pub async fn accepted(&self, id: InboxId) -> Result<Option<Update>, StoreError> {
        self.ask(format!("read message {}", id.0), move |db| stored(db, id)).await
    }

    /// Makes one update of several, in their order, and settles all but the first.
    ///
    /// # Errors
    /// The disk's.
    pub async fn join(&self, first: InboxId, others: Vec<InboxId>) -> Result<(), StoreError> {
        self.ask(format!("join message {} and {} others", first.0, others.len()), move |db| {
            let mut parts = Vec::with_capacity(others.len() + 1);
            for id in std::iter::once(&first).chain(&others) {
                parts.extend(stored(db, *id)?);
            }
            let Some(whole) = gather::join(parts) else { return Ok(()) };
            write(db, first, &whole)?;
            for id in &others {
                super::inbox::settle(db, &cordboard_core::chat::Done::Update(*id))?;
            }
            Ok(())
        })
        .await
    }

    /// Replaces the words that came with this message, where they still wait to be served or to be given to an agent; gives the prompt
    /// that a session is to replace as well.
    ///
    /// # Errors
    /// The disk's.
    pub async fn revise(&self, place: &Place, message: &MessageId, words: &str) -> Result<Option<Revised>, StoreError> {
        let (place, message, words) = (place.clone(), message.clone(), words.to_owned());
        self.ask(format!("store an edited message of {place}"), move |db| {
            let sql = "SELECT id, prompt, session, record FROM inbox \
                       WHERE state IN ('new', 'waiting') AND json_extract(record, '$.origin.message') = ? ORDER BY id";
            let mut query = db.prepare_cached(sql)?;
            let mut rows = query.query([&message.0])?;
            while let Some(row) = rows.next()? {
                let record: String = row.get(3)?;
                let update: Update = serde_json::from_str(&record)?;
                let Some(update) = revised(&update, &place, &words) else { continue };
                write(db, InboxId(row.get(0)?), &update)?;
                let session: Option<String> = row.get(2)?;
                let Some(session) = session else { return Ok(None) };
                let prompt = PromptId(row.get(1)?);
                return Ok(Some(Revised { session: sessions::name(session)?, prompt, update }));
            }
            Ok(None)
        })
        .await
    }
}

/// The update with other words; none where it is not the one, or says the same. Of a text that was put together, a part cannot be told.
fn revised(update: &Update, place: &Place, words: &str) -> Option<Update> {
    if update.place != *place || update.origin.part == Part::Joined {
        return None;
    }
    let what = match &update.what {
        What::Text(text) if text != words => What::Text(words.to_owned()),
        What::NotText { kind, caption: Some(caption) } if caption != words => {
            What::NotText { kind: kind.clone(), caption: Some(words.to_owned()) }
        }
        What::Text(_) | What::NotText { .. } | What::Edited(_) | What::Press { .. } => return None,
    };
    Some(Update { what, ..update.clone() })
}

fn stored(db: &Connection, id: InboxId) -> Result<Option<Update>, Trouble> {
    let mut query = db.prepare_cached("SELECT record FROM inbox WHERE id = ? AND state <> 'done'")?;
    let record: Option<String> = query.query_row([id.0], |row| row.get(0)).optional()?;
    Ok(record.map(|record| serde_json::from_str(&record)).transpose()?)
}

fn write(db: &Connection, id: InboxId, update: &Update) -> Result<(), Trouble> {
    let record = serde_json::to_string(update)?;
    db.prepare_cached("UPDATE inbox SET record = ? WHERE id = ?")?.execute(params![record, id.0])?;
    Ok(())
}
