//! Changes accepted updates: joins the parts of a message, and applies edits.

use cordboard_core::{
    agent_event::PromptId,
    messages, part_joiner,
    types::{Place, SessionName},
    updates_and_posts::{InboxId, MessagePart, Origin, Update, UpdateKind},
};
use rusqlite::{Connection, params};

use super::{
    Store,
    error::{StoreError, WorkError, counted},
    rows::{json, read_all},
    sessions,
};

/// A prompt that was edited after its session was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedPrompt {
    pub session: SessionName,
    pub prompt: PromptId,
    pub update: Update,
    /// Whether the agent already has the prompt, with its former text.
    pub is_sent: bool,
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

    /// Replaces the text of the message of `origin` if it is not completed. If a session was already chosen for the
    /// message, returns the edited prompt: the caller can replace it in the session's queue, or send the agent a
    /// correction.
    pub async fn edit_message(
        &self,
        place: &Place,
        origin: &Origin,
        words: &str,
    ) -> Result<Option<EditedPrompt>, StoreError> {
        let (place, origin, words) = (place.clone(), origin.clone(), words.to_owned());
        let Some(message) = origin.message.clone() else { return Ok(None) };
        self.run(format!("store an edited message of {place}"), move |db| {
            let sql = "SELECT id, prompt, session, record, state = 'handed' FROM inbox \
                       WHERE state <> 'done' AND json_extract(record, '$.origin.message') = ? ORDER BY id DESC";
            let found: Vec<(InboxId, PromptId, Option<String>, Update, bool)> =
                read_all(db, sql, [&message.0], |row| {
                    Ok((InboxId(row.get(0)?), PromptId(row.get(1)?), row.get(2)?, json(row, 3)?, row.get(4)?))
                })?;
            // The edit itself is stored, too. The last of the others may be a correction of them.
            let is_meant = |update: &Update| update.place == place && !matches!(update.what, UpdateKind::Edited(_));
            let last = found.into_iter().find(|(_, _, _, update, _)| is_meant(update));
            let Some((id, prompt, session, update, is_sent)) = last else { return Ok(None) };
            let Some(update) = edited(&update, &origin, &words) else { return Ok(None) };
            write(db, id, &update)?;
            let Some(session) = session else { return Ok(None) };
            Ok(Some(EditedPrompt { session: sessions::name(session)?, prompt, update, is_sent }))
        })
        .await
    }
}

/// Returns the update with the new text. `origin` is that of the edit. Returns `None` if the update has neither text nor
/// files or already has this text, or if it was joined from parts, because the edited part is unknown then.
fn edited(update: &Update, origin: &Origin, words: &str) -> Option<Update> {
    if update.origin.part == MessagePart::Joined {
        return None;
    }
    // The text of a reply quotes the other message, which may have changed although the reply was not edited.
    let replies = update.origin.reply.as_ref().zip(origin.reply.as_ref());
    if replies.is_some_and(|(old, new)| old.words == new.words) {
        return None;
    }
    let correction = update.origin.is_correction.then(|| messages::correction_prompt(words));
    let words = correction.as_deref().unwrap_or(words);
    let what = match &update.what {
        UpdateKind::Text(text) if text != words => UpdateKind::Text(words.to_owned()),
        UpdateKind::NotText { kind, caption, files }
            if caption.as_deref() != Some(words) && (caption.is_some() || !files.is_empty()) =>
        {
            let (caption, files) = (Some(words.to_owned()), files.clone());
            UpdateKind::NotText { kind: kind.clone(), caption, files }
        }
        UpdateKind::Text(_) | UpdateKind::NotText { .. } | UpdateKind::Edited(_) | UpdateKind::Press { .. } => {
            return None;
        }
    };
    let origin = Origin { reply: origin.reply.clone(), ..update.origin.clone() };
    Some(Update { what, origin, ..update.clone() })
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
