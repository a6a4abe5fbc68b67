//! Changes accepted updates: joins the parts of a message, and applies edits.

use cordboard_core::{
    agent_event::PromptId,
    part_joiner,
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

/// An edited message that is either not completed or already answered by an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedMessage {
    pub id: InboxId,
    /// The content before the edit.
    before: UpdateKind,
    /// The update with the new text. If it is a correction, its text is the author's text, without the line that the
    /// host added.
    pub update: Update,
    /// The session chosen for the message, if any.
    pub session: Option<SessionName>,
    /// Whether the agent's turn for the message has ended.
    pub is_answered: bool,
}

/// A prompt that was edited after its session was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedPrompt {
    pub session: SessionName,
    pub prompt: PromptId,
    pub update: Update,
    /// Whether the prompt was already sent to the agent with its old text.
    pub is_sent: bool,
}

impl Store {
    /// Returns the current content of an accepted update, or `None` if the update is completed.
    pub async fn accepted_update(&self, id: InboxId) -> Result<Option<Update>, StoreError> {
        self.run(format!("read message {}", id.0), move |db| stored(db, id)).await
    }

    /// Joins several updates, in order, into the first one, and completes the others.
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

    /// Finds the message that `edit` refers to, and returns it with the new text `words`. Returns `None` if the
    /// message's text is no longer stored, if the edit changes nothing, or if a later edit was already applied.
    pub async fn find_edited(
        &self,
        edit: InboxId,
        place: &Place,
        origin: &Origin,
        words: &str,
    ) -> Result<Option<EditedMessage>, StoreError> {
        let (place, origin, words) = (place.clone(), origin.clone(), words.to_owned());
        let Some(message) = origin.message.clone() else { return Ok(None) };
        self.run(format!("read an edited message of {place}"), move |db| {
            let sql = "SELECT id, session, record, state = 'done' FROM inbox \
                       WHERE record <> '' AND json_extract(record, '$.origin.message') = ? ORDER BY id DESC";
            let found: Vec<(InboxId, Option<String>, Update, bool)> = read_all(db, sql, [&message.0], |row| {
                Ok((InboxId(row.get(0)?), row.get(1)?, json(row, 2)?, row.get(3)?))
            })?;
            // Skip the edit itself, because it is also stored in the inbox. The newest remaining row may be a
            // correction.
            let is_meant = |update: &Update| update.place == place && !matches!(update.what, UpdateKind::Edited(_));
            let Some((id, session, update, is_answered)) = found.into_iter().find(|(_, _, update, _)| is_meant(update))
            else {
                return Ok(None);
            };
            if update.origin.edited_by > Some(edit) {
                return Ok(None);
            }
            let (session, before) = (session.map(sessions::name).transpose()?, update.what.clone());
            Ok(edited(&update, &origin, &words).map(|update| {
                let update = Update { origin: Origin { edited_by: Some(edit), ..update.origin }, ..update };
                EditedMessage { id, before, update, session, is_answered }
            }))
        })
        .await
    }

    /// Stores the new content of an edited message. If a session was already chosen for the message, returns the edited
    /// prompt: the caller can replace it in the session's queue, or send the agent a correction.
    pub async fn save_edit(&self, edited: &EditedMessage, update: &Update) -> Result<SavedEdit, StoreError> {
        let (edited, update) = (edited.clone(), update.clone());
        let id = edited.id;
        self.run(format!("store the edited message {}", id.0), move |db| {
            let sql = "SELECT prompt, session, state IN ('handed', 'done'), record FROM inbox \
                       WHERE id = ? AND record <> ''";
            let found: Option<(PromptId, Option<String>, bool, Update)> =
                read_all(db, sql, [id.0], |row| Ok((PromptId(row.get(0)?), row.get(1)?, row.get(2)?, json(row, 3)?)))?
                    .pop();
            let Some((prompt, session, is_sent, stored)) = found else { return Ok(SavedEdit::Done) };
            let session = session.map(sessions::name).transpose()?;
            if stored.what != edited.before || session != edited.session {
                return Ok(SavedEdit::Changed);
            }
            write(db, id, &update)?;
            Ok(match session {
                Some(session) => {
                    SavedEdit::Prompt(Box::new(EditedPrompt { session, prompt, update: update.clone(), is_sent }))
                }
                None => SavedEdit::Done,
            })
        })
        .await
    }
}

/// The result of storing an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedEdit {
    /// No session has been chosen for the message yet, or the message is completed.
    Done,
    Prompt(Box<EditedPrompt>),
    /// The message or its session has changed since it was read. Nothing was stored.
    Changed,
}

/// Returns the update with the new text. `origin` is the edit's origin. Returns `None` if the update has neither text
/// nor files, if it already has this text, or if it was joined from parts, because it is then unknown which part was
/// edited.
fn edited(update: &Update, origin: &Origin, words: &str) -> Option<Update> {
    if update.origin.part == MessagePart::Joined {
        return None;
    }
    // A reply quotes the message that it replies to, and that message may have changed even if the reply wasn't edited.
    let replies = update.origin.reply.as_ref().zip(origin.reply.as_ref());
    if replies.is_some_and(|(old, new)| old.words == new.words) {
        return None;
    }
    // Compare with the author's original text: filters may have changed it, and corrections contain a line from the
    // host.
    let old = update.origin.unfiltered.as_deref();
    let what = match &update.what {
        UpdateKind::Text(text) if old.unwrap_or(text) != words => UpdateKind::Text(words.to_owned()),
        UpdateKind::NotText { kind, caption, files }
            if old.or(caption.as_deref()) != Some(words) && (caption.is_some() || !files.is_empty()) =>
        {
            let (caption, files) = (Some(words.to_owned()), files.clone());
            UpdateKind::NotText { kind: kind.clone(), caption, files }
        }
        UpdateKind::Text(_) | UpdateKind::NotText { .. } | UpdateKind::Edited(_) | UpdateKind::Press { .. } => {
            return None;
        }
    };
    let origin = Origin { reply: origin.reply.clone(), unfiltered: None, ..update.origin.clone() };
    Some(Update { what, origin, ..update.clone() })
}

pub(super) fn stored(db: &Connection, id: InboxId) -> Result<Option<Update>, WorkError> {
    let sql = "SELECT record FROM inbox WHERE id = ? AND state <> 'done'";
    Ok(read_all(db, sql, [id.0], |row| json(row, 0))?.pop())
}

pub(super) fn write(db: &Connection, id: InboxId, update: &Update) -> Result<(), WorkError> {
    let record = serde_json::to_string(update)?;
    db.prepare_cached("UPDATE inbox SET record = ? WHERE id = ?")?.execute(params![record, id.0])?;
    Ok(())
}
