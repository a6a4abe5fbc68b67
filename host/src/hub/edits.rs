//! Applies message edits: replaces the text of a prompt that is still waiting, and sends a correction to an agent that
//! has already received or answered the prompt. An edited command never runs again.

use cordboard_core::{
    event::CausationChain,
    messages::{self, HostReply},
    session::{Input, Prompt},
    types::{PromptKind, Urgency},
    updates_and_posts::{InboxRow, MessagePart, Origin, Update, UpdateKind},
};
use cordboard_store::{EditedMessage, EditedPrompt, SavedEdit};

use super::{Dispatcher, sessions::supervisor::prompt_text};

/// The maximum number of attempts to apply an edit to a message that keeps changing.
const ATTEMPTS: u32 = 5;

/// The result of an attempt to apply an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// The edit was applied or refused.
    Finished,
    /// The message changed in the meantime, so the edit must be retried.
    Retry,
}

/// Returns the update as a correction: adds the host's line to its text, and keeps the author's own text.
fn corrected(update: &Update) -> Update {
    let words = update.what.text();
    let author = update.origin.unfiltered.clone().unwrap_or_else(|| words.to_owned());
    let origin = Origin { unfiltered: Some(author), ..update.origin.clone() };
    Update { what: UpdateKind::Text(messages::correction_prompt(words)), origin, ..update.clone() }
}

impl Dispatcher {
    /// Applies an edit. Ignores an edit that doesn't change the text, and an edit of a message whose text is no longer
    /// stored.
    pub(super) async fn edit(&self, row: &InboxRow, text: &str) {
        let mut attempt = Attempt::Retry;
        for _ in 0..ATTEMPTS {
            attempt = match self.store.find_edited(row.id, &row.update.place, &row.update.origin, text).await {
                Ok(Some(edited)) => self.apply_edit(row, edited).await,
                Ok(None) => Attempt::Finished,
                Err(error) => {
                    tracing::error!(%error, "failed to read an edited message");
                    Attempt::Finished
                }
            };
            if attempt == Attempt::Finished {
                break;
            }
        }
        if attempt == Attempt::Retry {
            tracing::warn!(
                update = row.id.0,
                "an edit was not applied: its message or session changed {ATTEMPTS} times meanwhile"
            );
        }
        self.finish(row).await;
    }

    async fn apply_edit(&self, row: &InboxRow, edited: EditedMessage) -> Attempt {
        // A message without a session will be filtered when its session is chosen.
        let filtered = match &edited.session {
            Some(name) => {
                let view = self.host.sessions.registry.view(name.as_str());
                if edited.is_answered && view.as_ref().is_none_or(|view| view.record.archived) {
                    return Attempt::Finished;
                }
                let Some(view) = view else { return Attempt::Retry };
                match self.host.filter(&edited.update, &view).await {
                    Ok(filtered) => Some(filtered),
                    Err(refusal) => {
                        self.notify(row, &HostReply::EditRefused(refusal)).await;
                        return Attempt::Finished;
                    }
                }
            }
            None => None,
        };
        let update = filtered.as_ref().map_or(&edited.update, |filtered| &filtered.update);
        let update = if update.origin.is_correction { corrected(update) } else { update.clone() };
        let names = self.host.sessions.name_lock.read().await;
        let reaches_agent = match self.store.save_edit(&edited, &update).await {
            Ok(SavedEdit::Changed) => return Attempt::Retry,
            Ok(SavedEdit::Prompt(saved)) if saved.is_sent => self.send_correction(row, &saved).await,
            Ok(SavedEdit::Prompt(saved)) => self.replace_prompt(*saved).await,
            Ok(SavedEdit::Done) => false,
            Err(error) => {
                tracing::error!(%error, "failed to store an edited message");
                false
            }
        };
        drop(names);
        if let Some(filtered) = filtered.filter(|_| reaches_agent) {
            self.host.show_notices(filtered).await;
        }
        Attempt::Finished
    }

    /// Replaces the text of a waiting prompt. Returns whether the session exists.
    async fn replace_prompt(&self, edited: EditedPrompt) -> bool {
        let session = self.host.sessions.get(&edited.session);
        let (Some(session), Some((kind, text))) = (session, prompt_text(&edited.update)) else { return false };
        session.send(Input::Edited { prompt: edited.prompt, kind, text }).await;
        true
    }

    /// Sends the new text to the agent as another prompt. Returns whether the prompt was sent.
    async fn send_correction(&self, row: &InboxRow, edited: &EditedPrompt) -> bool {
        let Some(session) = self.host.sessions.get(&edited.session) else { return false };
        if !self.host.may_prompt(&row.update, &edited.session) {
            return false;
        }
        let is_correction = edited.update.origin.is_correction;
        let correction = if is_correction { edited.update.clone() } else { corrected(&edited.update) };
        let message = messages::beginning(correction.origin.unfiltered.as_deref().unwrap_or_default());
        if let Some(budget) = self.host.usage.spent_budget().await {
            let refusal = messages::budget_refusal(&budget);
            self.notify(row, &HostReply::BudgetSpent { refusal, message }).await;
            return false;
        }
        let origin = Origin {
            prompt_kind: Some(PromptKind::Text),
            is_correction: true,
            part: MessagePart::Alone,
            unfiltered: correction.origin.unfiltered,
            edited_by: Some(row.id),
            ..row.update.origin.clone()
        };
        let key = format!("edit:{}", row.update.key);
        let update = Update { key, what: correction.what, origin, ..row.update.clone() };
        let Some((kind, text)) = prompt_text(&update) else { return false };
        let (place, mode) = (update.place.clone(), self.host.mode_of(&update.caller.id).await);
        match self.store.accept_for(update, &edited.session).await {
            // The previous run of the host stored the correction but was killed before it completed the edit.
            Ok(None) => false,
            Ok(Some(id)) => {
                let prompt = Prompt { id: id.clone(), place, kind, text, mode, files: Vec::new() };
                session.prompt(prompt, Urgency::Normal, CausationChain::default()).await;
                self.host.withdraw_if_revoked(&row.update, id, &edited.session).await;
                true
            }
            Err(error) => {
                self.notify(row, &HostReply::NotStored { why: error.to_string(), message }).await;
                false
            }
        }
    }
}
