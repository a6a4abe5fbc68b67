//! Stores the updates that a front-end accepts, then passes them to the hub. It must not pass on an update that is not
//! stored.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use cordboard_chat::{Inbox, InboxError};
use cordboard_core::{
    chat::{ButtonAction, Update},
    types::{Place, UserId},
};
use cordboard_store::{Store, StoreError};

use super::Intake;

pub struct InboxWriter {
    pub store: Store,
    pub intake: Intake,
    pub front_end: &'static str,
    /// The people who are already stored as members of a place, so that each is stored only once.
    pub met: Mutex<HashSet<(Place, UserId)>>,
}

impl InboxWriter {
    async fn meet(&self, updates: &[Update]) -> Result<(), InboxError> {
        let known = || self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let met = updates.iter().map(|update| (update.place.clone(), update.caller.id.clone()));
        let new: Vec<_> = {
            let known = known();
            met.filter(|met| !known.contains(met)).collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        self.store.meet(new.clone()).await.map_err(failed)?;
        known().extend(new);
        Ok(())
    }
}

fn failed(error: StoreError) -> InboxError {
    InboxError(error.to_string())
}

#[async_trait]
impl Inbox for InboxWriter {
    async fn accept(&self, updates: Vec<Update>, offset: Option<i64>) -> Result<(), InboxError> {
        let offset = offset.map(|next| (self.front_end.to_owned(), next));
        self.meet(&updates).await?;
        let rows = self.store.accept(updates, offset).await.map_err(failed)?;
        if rows.is_empty() {
            return Ok(());
        }
        self.intake.send(rows).await.map_err(|_| InboxError("accept messages: Cordboard is shutting down".to_owned()))
    }

    fn record_failure(&self, place: &Place) -> bool {
        self.store.record_failure(place)
    }

    async fn offset(&self) -> Result<Option<i64>, InboxError> {
        self.store.offset(self.front_end).await.map_err(failed)
    }

    async fn button(&self, line: &ButtonAction) -> Result<String, InboxError> {
        let tokens = self.store.buttons(vec![line.clone()]).await.map_err(failed)?;
        tokens.into_iter().next().ok_or_else(|| InboxError("store a button: the store returned no token".to_owned()))
    }

    async fn line_of(&self, token: &str) -> Result<Option<ButtonAction>, InboxError> {
        self.store.line_of(token).await.map_err(failed)
    }

    async fn move_chat(&self, home: &str, chat: &str) -> Result<(), InboxError> {
        self.store.move_chat(self.front_end, home, chat).await.map_err(failed)
    }

    async fn moved_chats(&self) -> Result<Vec<(String, String)>, InboxError> {
        self.store.moved_chats(self.front_end).await.map_err(failed)
    }
}
