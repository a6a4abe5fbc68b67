//! Implements the storage port of sessions on top of the store.

use async_trait::async_trait;
use cordboard_core::{
    agent::PromptId,
    chat::{CompletedUpdate, Origin, Update, UpdateKind},
    session::Prompt,
    types::{Caller, Role, SessionRecord},
};
use cordboard_store::{Store, StoreError};

use crate::session::SessionStore;

fn said(outcome: Result<(), StoreError>) -> Result<(), String> {
    outcome.map_err(|error| error.to_string())
}

#[async_trait]
impl SessionStore for Store {
    async fn save(&self, record: &SessionRecord) -> Result<(), String> {
        said(self.save_session(record).await)
    }

    async fn accept(&self, record: &SessionRecord, prompt: &Prompt) -> Result<(), String> {
        let owner = record.owner.clone();
        let update = Update {
            key: format!("again:{}", prompt.id.0),
            caller: Caller { name: owner.0.clone(), id: owner, role: Role::Member },
            place: prompt.place.clone(),
            what: UpdateKind::Text(prompt.text.clone()),
            at: record.last_active,
            locale: None,
            origin: Origin::default(),
        };
        said(self.accept_again(update, &prompt.id, record).await)
    }

    async fn hand(&self, prompt: &PromptId) -> Result<(), String> {
        said(self.mark_sent(prompt).await)
    }

    async fn take_back(&self, prompt: &PromptId) -> Result<(), String> {
        said(self.mark_queued(prompt).await)
    }

    async fn settle(&self, prompt: &PromptId) -> Result<(), String> {
        said(self.finish(vec![CompletedUpdate::Prompt(prompt.clone())], Vec::new()).await.map(|_| ()))
    }
}
