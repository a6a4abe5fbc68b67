//! Implements ports that connect crates: the hub's port to the outbox, and the sessions' and the outbox's ports to the
//! store. Each port is a trait declared by the crate that uses it, so that the store and the chats don't depend on each
//! other.

use std::fs::File;

use async_trait::async_trait;
use cordboard_chat::{
    ChatError, DownloadError, StorageError, Streaming,
    outbox::{AnswerStop, DeliveryStore, Outbox, Post},
};
use cordboard_core::{
    agent_event::PromptId,
    budget::Budget,
    language::Language,
    session::Prompt,
    types::{
        AuditEntry, Caller, ChatFile, DeliveryIssue, Place, Role, SessionName, SessionRecord, TopicAppearance,
        UsageEntry,
    },
    updates_and_posts::{CompletedUpdate, Delivery, MessageId, Origin, OutboxRow, PostId, Update, UpdateKind},
};
use cordboard_failpoints::{Failpoint, hit};
use cordboard_store::{Store, StoreError};

use crate::{
    hub::{OutboundSink, PlaceLanguages, UsageLedger},
    session::SessionStore,
};

#[async_trait]
impl OutboundSink for Outbox {
    fn post(&self, posts: Vec<Post>) {
        self.post_all(posts);
    }

    async fn acknowledge(&self, place: &Place, message: Option<&MessageId>) -> bool {
        Self::acknowledge(self, place, message).await
    }

    async fn download(&self, place: &Place, file: &ChatFile, to: File) -> Result<(), DownloadError> {
        Self::download(self, place, file, to).await
    }

    fn on_user_message(&self, place: &Place) {
        Self::on_user_message(self, place);
    }

    fn streaming(&self, place: &Place) -> Streaming {
        Self::streaming(self, place)
    }

    fn stop_answer(&self, place: &Place) -> AnswerStop {
        Self::stop_answer(self, place)
    }

    fn can_create_topic(&self, place: &Place) -> bool {
        Self::can_create_topic(self, place)
    }

    async fn create_topic(&self, place: &Place, look: &TopicAppearance) -> Result<Place, ChatError> {
        Self::create_topic(self, place, look).await
    }

    fn topic_link(&self, topic: &Place) -> Option<String> {
        Self::topic_link(self, topic)
    }
}

fn storage_result<T>(outcome: Result<T, StoreError>) -> Result<T, StorageError> {
    outcome.map_err(|error| StorageError::Failed(error.to_string()))
}

/// Implements the outbox's [`DeliveryStore`] with the database.
pub struct StoredDeliveries {
    pub store: Store,
    pub languages: PlaceLanguages,
}

#[async_trait]
impl DeliveryStore for StoredDeliveries {
    fn language(&self, place: &Place) -> Option<Language> {
        self.languages.of(place)
    }

    async fn save_placeholder(
        &self,
        turn: &PromptId,
        place: &Place,
        message: &MessageId,
        text: &str,
    ) -> Result<(), StorageError> {
        storage_result(self.store.save_placeholder(turn, place, message, text).await)
    }

    async fn answered_message(&self, turn: &PromptId) -> Option<MessageId> {
        // If the read fails, the answer is sent, but not as a reply to the user's message.
        self.store.answered_message(turn).await.ok().flatten()
    }

    async fn forget_placeholder(&self, place: &Place, message: &MessageId) -> Result<(), StorageError> {
        storage_result(self.store.forget_placeholder(place, message).await)
    }

    async fn save_progress(&self, post: PostId, delivery: Delivery) -> Result<(), StorageError> {
        storage_result(self.store.save_progress(post, delivery).await)
    }

    async fn complete(
        &self,
        post: PostId,
        messages: Vec<MessageId>,
        issues: Vec<DeliveryIssue>,
    ) -> Result<Vec<OutboxRow>, StorageError> {
        let done = storage_result(self.store.complete_post(post, messages, issues).await)?;
        hit(Failpoint::PostMarked);
        Ok(done)
    }

    async fn record_undeliverable(&self, post: PostId, why: &str) -> Result<(), StorageError> {
        storage_result(self.store.mark_undeliverable(post, why).await)
    }

    async fn resend_undeliverable(&self, place: &Place) -> Result<Vec<OutboxRow>, StorageError> {
        storage_result(self.store.resend_undeliverable(place).await)
    }

    async fn set_unreachable(&self, place: &Place, why: &str) -> Result<(), StorageError> {
        storage_result(self.store.set_unreachable(place, why).await)
    }

    async fn set_reachable(&self, place: &Place) -> Result<(), StorageError> {
        storage_result(self.store.set_reachable(place).await)
    }
}

/// Implements the sessions' [`SessionStore`] with the database.
pub struct StoredSessions {
    pub store: Store,
    pub usage: UsageLedger,
}

#[async_trait]
impl SessionStore for StoredSessions {
    async fn save(&self, record: &SessionRecord) -> Result<(), StoreError> {
        self.store.save_session(record).await
    }

    async fn rename(&self, from: &SessionName, record: &SessionRecord) -> Result<(), StoreError> {
        self.store.rename_session(from, record).await
    }

    async fn save_turn(&self, record: &SessionRecord, usage: UsageEntry) -> Result<Option<Budget>, StoreError> {
        self.usage.save_turn(record, usage).await
    }

    async fn requeue(&self, record: &SessionRecord, prompt: &Prompt) -> Result<(), StoreError> {
        let owner = record.owner.clone();
        let update = Update {
            key: format!("again:{}", prompt.id.0),
            caller: Caller { name: owner.0.clone(), id: owner, role: Role::Member },
            place: prompt.place.clone(),
            what: UpdateKind::prompt(prompt.text.clone(), prompt.files.clone()),
            at: record.last_active,
            locale: None,
            origin: Origin { prompt_kind: Some(prompt.kind), ..Origin::default() },
        };
        self.store.accept_again(update, &prompt.id, record).await
    }

    async fn mark_sent(&self, prompt: &PromptId) -> Result<(), StoreError> {
        self.store.mark_sent(prompt).await?;
        hit(Failpoint::PromptMarked);
        Ok(())
    }

    async fn mark_queued(&self, prompt: &PromptId) -> Result<(), StoreError> {
        self.store.mark_queued(prompt).await
    }

    async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.store.append_audit(entry).await
    }

    async fn complete(&self, prompt: &PromptId) -> Result<(), StoreError> {
        self.store.finish(vec![CompletedUpdate::Prompt(prompt.clone())], Vec::new()).await.map(drop)
    }
}
