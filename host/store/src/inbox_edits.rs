//! Changes accepted updates that still wait for dispatch or for an agent: joins the parts of a message, and applies
//! edits. An update that was sent to an agent must not change.

use cordboard_core::{
    agent_event::PromptId,
    part_joiner,
    types::{Place, SessionName},
    updates_and_posts::{InboxId, MessageId, MessagePart, Update, UpdateKind},
};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{StoreError, WorkError, counted},
    rows::{json, read_all},
    sessions,
};

/// A prompt that was edited while it waited for its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedPrompt {
    pub session: SessionName,
    pub prompt: PromptId,
    pub update: Update,
}

impl Store {
    /// Returns the current content of an accepted update, or `None` if the update is completed.
    pub async fn accepted_update(&self, id: InboxId) -> Result<Option<Update>, StoreError> {
        self.run(format!("read message {}", id.0), move |db| stored(db, id)).await
    }

    /// Joins several updates, in their order, into the first one, and completes the others.
    pub async fn join_updates(&self, first: InboxId, others: Vec<InboxId>) -> Result<(), StoreError> {
        self.run(format!("join {} to message {}", counted(others.len(), "part"), first.0), move |db| {
            let mut parts = Vec::with_capacity(others.len() + 1);
            for id in std::iter::once(&first).chain(&others) {
                parts.extend(stored(db, *id)?);
            }
            let Some(whole) = part_joiner::join(parts) else { return Ok(()) };
            write(db, first, &whole)?;
            for id in &others {
                super::inbox::complete(db, &cordboard_core::updates_and_posts::CompletedUpdate::Update(*id))?;
            }
            Ok(())
        })
        .await
    }

    /// Replaces the text of a message that still waits for dispatch or for its agent. If the message already waits for
    /// a session, returns the edited prompt, so that the caller can replace it in the session's queue, too.
    pub async fn edit_message(
        &self,
        place: &Place,
        message: &MessageId,
        words: &str,
    ) -> Result<Option<EditedPrompt>, StoreError> {
        let (place, message, words) = (place.clone(), message.clone(), words.to_owned());
        self.run(format!("store an edited message of {place}"), move |db| {
            let sql = "SELECT id, prompt, session, record FROM inbox \
                       WHERE state IN ('new', 'waiting') AND json_extract(record, '$.origin.message') = ? ORDER BY id";
            let found: Vec<(InboxId, PromptId, Option<String>, Update)> = read_all(db, sql, [&message.0], |row| {
                Ok((InboxId(row.get(0)?), PromptId(row.get(1)?), row.get(2)?, json(row, 3)?))
            })?;
            for (id, prompt, session, update) in found {
                let Some(update) = edited(&update, &place, &words) else { continue };
                write(db, id, &update)?;
                let Some(session) = session else { return Ok(None) };
                return Ok(Some(EditedPrompt { session: sessions::name(session)?, prompt, update }));
            }
            Ok(None)
        })
        .await
    }
}

/// Returns the update with the new text. Returns `None` if the place differs, if the update has neither text nor images
/// or already has this text, or if it was joined from parts, because the edited part is unknown then.
fn edited(update: &Update, place: &Place, words: &str) -> Option<Update> {
    if update.place != *place || update.origin.part == MessagePart::Joined {
        return None;
    }
    let what = match &update.what {
        UpdateKind::Text(text) if text != words => UpdateKind::Text(words.to_owned()),
        UpdateKind::NotText { kind, caption, images, has_more }
            if caption.as_deref() != Some(words) && (caption.is_some() || !images.is_empty()) =>
        {
            let (caption, images) = (Some(words.to_owned()), images.clone());
            UpdateKind::NotText { kind: kind.clone(), caption, images, has_more: *has_more }
        }
        UpdateKind::Text(_) | UpdateKind::NotText { .. } | UpdateKind::Edited(_) | UpdateKind::Press { .. } => {
            return None;
        }
    };
    Some(Update { what, ..update.clone() })
}

fn stored(db: &Connection, id: InboxId) -> Result<Option<Update>, WorkError> {
    let sql = "SELECT record FROM inbox WHERE id = ? AND state <> 'done'";
    Ok(read_all(db, sql, [id.0], |row| json(row, 0))?.pop())
}

fn write(db: &Connection, id: InboxId, update: &Update) -> Result<(), WorkError> {
    let record = serde_json::to_string(update)?;
    db.prepare_cached("UPDATE inbox SET record = ? WHERE id = ?")?.execute(params![record, id.0])?;
    Ok(())
}
