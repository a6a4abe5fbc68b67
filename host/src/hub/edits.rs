//! Applies edits of messages: a prompt that waits gets the new text, and an agent that already has the prompt gets a
//! correction. An edited command never runs again.

use cordboard_core::{
    event::CausationChain,
    messages::{self, HostReply},
    session::{Input, Prompt},
    types::{PromptKind, Urgency},
    updates_and_posts::{CompletedUpdate, InboxRow, MessagePart, Origin, Update, UpdateKind},
};
use cordboard_store::EditedPrompt;

use super::{Dispatcher, sessions::supervisor::prompt_text};

impl Dispatcher {
    /// Applies an edit. Ignores an edit of a message that was answered, and one that changes no text.
    pub(super) async fn edit(&self, row: &InboxRow, text: &str) {
        let names = self.host.sessions.name_lock.read().await;
        match self.store.edit_message(&row.update.place, &row.update.origin, text).await {
            Ok(Some(edited)) if edited.is_sent => self.send_correction(row, &edited, text).await,
            Ok(Some(edited)) => self.replace_prompt(edited).await,
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "failed to store an edited message"),
        }
        drop(names);
        self.outbound.finish(vec![CompletedUpdate::Update(row.id)], Vec::new()).await;
    }

    async fn replace_prompt(&self, edited: EditedPrompt) {
        let session = self.host.sessions.get(&edited.session);
        if let (Some(session), Some((kind, text))) = (session, prompt_text(&edited.update)) {
            session.send(Input::Edited { prompt: edited.prompt, kind, text }).await;
        }
    }

    /// Sends the new text to the agent as a further prompt.
    async fn send_correction(&self, row: &InboxRow, edited: &EditedPrompt, words: &str) {
        let Some(session) = self.host.sessions.get(&edited.session) else { return };
        if !self.host.may_prompt(&row.update, &edited.session) {
            return;
        }
        if let Some(budget) = self.host.usage.spent_budget().await {
            let refusal = messages::budget_refusal(&budget);
            return self.notify(row, &HostReply::BudgetSpent { refusal, message: messages::beginning(words) }).await;
        }
        let what = UpdateKind::Text(messages::correction_prompt(words));
        let origin = Origin {
            prompt_kind: Some(PromptKind::Text),
            is_correction: true,
            part: MessagePart::Alone,
            ..row.update.origin.clone()
        };
        let update = Update { key: format!("edit:{}", row.update.key), what, origin, ..row.update.clone() };
        let Some((kind, text)) = prompt_text(&update) else { return };
        let (place, mode) = (update.place.clone(), self.host.mode_of(&update.caller.id).await);
        match self.store.accept_for(update, &edited.session).await {
            Ok(id) => {
                let prompt = Prompt { id: id.clone(), place, kind, text, mode, files: Vec::new() };
                session.prompt(prompt, Urgency::Normal, CausationChain::default()).await;
                self.host.withdraw_if_revoked(&row.update, id, &edited.session).await;
            }
            Err(error) => {
                let (why, message) = (error.to_string(), messages::beginning(words));
                self.notify(row, &HostReply::NotStored { why, message }).await;
            }
        }
    }
}
