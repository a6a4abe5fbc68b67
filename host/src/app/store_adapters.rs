//! Connects the outbox to the hub, which passes it stored posts, and to the store, which records the progress of their
//! delivery. The ports belong to their users, so that the store and the chats don't know each other.

use async_trait::async_trait;
use cordboard_chat::{
    StorageError,
    outbox::{AnswerStop, DeliveryStore, Outbox, Post, Reachability},
};
use cordboard_core::{
    agent::PromptId,
    chat::{Delivery, MessageId, OutboxRow, PostId},
    turn::TurnFrame,
    types::Place,
};
use cordboard_store::{Store, StoreError};

use crate::hub::OutboundSink;

#[async_trait]
impl OutboundSink for Outbox {
    fn live(&self, place: &Place, turn: &PromptId, frame: TurnFrame) {
        self.post(Post::Frame { place: place.clone(), turn: turn.clone(), frame });
    }

    fn post(&self, rows: Vec<OutboxRow>) {
        self.post_all(rows.into_iter().map(Post::Final).collect());
    }

    fn stopping(&self, place: &Place, turn: &PromptId) {
        self.post(Post::Stopping { place: place.clone(), turn: turn.clone() });
    }

    fn back(&self, place: &Place, turn: &PromptId) {
        self.post(Post::Requeued { place: place.clone(), turn: turn.clone() });
    }

    async fn acknowledge(&self, place: &Place, message: Option<&MessageId>) -> bool {
        Self::acknowledge(self, place, message).await
    }

    fn over(&self, place: &Place, turn: &PromptId) {
        self.post(Post::Ended { place: place.clone(), turn: turn.clone() });
    }

    fn heard(&self, place: &Place) {
        Self::on_user_message(self, place);
    }

    fn cut(&self, place: &Place) -> AnswerStop {
        Self::stop_answer(self, place)
    }
}

fn said<T>(outcome: Result<T, StoreError>) -> Result<T, StorageError> {
    outcome.map_err(|error| StorageError::Failed(error.to_string()))
}

/// The store as the outbox sees it.
pub struct StoredDeliveries(pub Store);

#[async_trait]
impl DeliveryStore for StoredDeliveries {
    async fn save_placeholder(
        &self,
        turn: &PromptId,
        place: &Place,
        message: &MessageId,
        text: &str,
    ) -> Result<(), StorageError> {
        said(self.0.save_placeholder(turn, place, message, text).await)
    }

    async fn answered_message(&self, turn: &PromptId) -> Option<MessageId> {
        // If this fails, the answer is sent without a reference to its question.
        self.0.answered_message(turn).await.ok().flatten()
    }

    async fn forget_placeholder(&self, place: &Place, message: &MessageId) -> Result<(), StorageError> {
        said(self.0.forget_placeholder(place, message).await)
    }

    async fn save_progress(&self, post: PostId, delivery: Delivery) -> Result<(), StorageError> {
        said(self.0.save_progress(post, delivery).await)
    }

    async fn complete(&self, post: PostId, messages: Vec<MessageId>) -> Result<Vec<OutboxRow>, StorageError> {
        said(self.0.complete_post(post, messages).await)
    }

    async fn set_reachability(&self, place: &Place, reachability: Reachability) -> Result<(), StorageError> {
        said(match reachability {
            Reachability::Blocked => self.0.set_unreachable(place).await,
            Reachability::Open => self.0.set_reachable(place).await,
        })
    }
}
