//! Implements [`Inbox`]: stores the updates that a front-end accepts, then passes them to the hub. It must not pass on
//! an update before storing it; the sync to disk happens later. Also stores the front-end's offset and buttons, moved
//! chats, chat members, and the topics that people have changed.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use cordboard_chat::{Inbox, StorageError};
use cordboard_core::{
    hub::HubEvent,
    types::{Place, TopicState, UserId},
    updates_and_posts::{ButtonAction, Update},
};
use cordboard_failpoints::{Failpoint, hit};
use cordboard_metrics::METRICS;
use cordboard_store::{Store, StoreError};
use tokio::sync::Notify;

use super::{Intake, PlaceLanguages};
use crate::session_topics::SessionTopics;

pub struct InboxWriter {
    pub store: Store,
    pub topics: SessionTopics,
    pub languages: PlaceLanguages,
    pub intake: Intake,
    pub front_end: String,
    /// The people already stored as members of each place, so that nobody is stored twice.
    pub stored_members: Mutex<HashSet<(Place, UserId)>>,
    /// Notified after a person is stored as a member of a place.
    pub new_member: Arc<Notify>,
}

impl InboxWriter {
    async fn store_members(&self, updates: &[Update]) -> Result<(), StorageError> {
        let stored = || self.stored_members.lock().unwrap_or_else(PoisonError::into_inner);
        let members = updates.iter().map(|update| (update.place.clone(), update.caller.clone()));
        let new: Vec<_> = {
            let stored = stored();
            members.filter(|(place, person)| !stored.contains(&(place.clone(), person.id.clone()))).collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        self.store.add_chat_members(new.clone()).await.map_err(failed)?;
        stored().extend(new.into_iter().map(|(place, person)| (place, person.id)));
        self.new_member.notify_one();
        Ok(())
    }
}

fn failed(error: StoreError) -> StorageError {
    StorageError::Failed(error.to_string())
}

#[async_trait]
impl Inbox for InboxWriter {
    async fn accept(&self, updates: Vec<Update>, offset: Option<i64>) -> Result<(), StorageError> {
        let received = Instant::now();
        let offset = offset.map(|next| (self.front_end.clone(), next));
        self.store_members(&updates).await?;
        self.languages.record(&updates).await.map_err(failed)?;
        let rows = self.store.accept(updates, offset).await.map_err(failed)?;
        if rows.is_empty() {
            return Ok(());
        }
        hit(Failpoint::UpdateStored);
        for row in &rows {
            METRICS.update_received(&row.prompt.0, received);
        }
        self.intake.send(HubEvent::Accepted(rows)).await.map_err(|_| StorageError::Closed)
    }

    async fn sync(&self) -> Result<(), StorageError> {
        self.store.sync().await.map_err(failed)
    }

    fn record_failure(&self, place: &Place) -> bool {
        self.store.record_failure(place)
    }

    async fn offset(&self) -> Result<Option<i64>, StorageError> {
        self.store.offset(&self.front_end).await.map_err(failed)
    }

    async fn store_button(&self, line: &ButtonAction) -> Result<String, StorageError> {
        self.store.save_button(line).await.map_err(failed)
    }

    async fn find_button(&self, token: &str) -> Result<Option<ButtonAction>, StorageError> {
        self.store.find_button(token).await.map_err(failed)
    }

    async fn move_chat(&self, home: &str, chat: &str) -> Result<(), StorageError> {
        self.store.move_chat(&self.front_end, home, chat).await.map_err(failed)
    }

    async fn moved_chats(&self) -> Result<Vec<(String, String)>, StorageError> {
        self.store.moved_chats(&self.front_end).await.map_err(failed)
    }

    async fn on_topic_changed(&self, topic: &Place) -> Result<(), StorageError> {
        self.topics.set_state(topic, TopicState::Unmanaged).await.map_err(failed)
    }
}
