//! Creates and edits chat topics. Topic edits have the lowest priority: they start only while no post is pending in the
//! chat.

use std::time::Duration;

use cordboard_core::types::{Place, TopicAppearance, TopicEdit};
use tokio::time::Instant;

use super::{Outbox, Post, Shared};
use crate::ChatError;

impl Outbox {
    /// Returns whether a topic can be created in the chat of `place`. See
    /// [`Chat::can_create_topic`](crate::Chat::can_create_topic).
    #[must_use]
    pub fn can_create_topic(&self, place: &Place) -> bool {
        self.shared.chat.can_create_topic(place)
    }

    /// Creates a topic. See [`Chat::create_topic`](crate::Chat::create_topic).
    ///
    /// # Errors
    /// As [`Chat::create_topic`](crate::Chat::create_topic).
    pub async fn create_topic(&self, place: &Place, look: &TopicAppearance) -> Result<Place, ChatError> {
        self.shared.record_call(place);
        self.shared.chat.create_topic(place, look).await
    }

    #[must_use]
    pub fn topic_link(&self, topic: &Place) -> Option<String> {
        self.shared.chat.topic_link(topic)
    }

    /// Returns the minimum time between two frames in the chat of `place`. The intervals between topic edits are
    /// multiples of this time.
    #[must_use]
    pub fn pause(&self, place: &Place) -> Duration {
        self.shared.chat.pacing(place).pause
    }

    /// Like [`Chat::edit_topic`](crate::Chat::edit_topic), but returns `None` if posts are pending in the chat or the
    /// chat has used up its quota.
    pub async fn edit_topic(&self, topic: &Place, edit: &TopicEdit) -> Option<Result<(), ChatError>> {
        if !self.shared.is_quiet(topic) {
            return None;
        }
        self.shared.record_call(topic);
        Some(self.shared.chat.edit_topic(topic, edit).await)
    }
}

impl Outbox {
    /// Resends the undeliverable posts of a place. Telegram sometimes reports an existing topic as deleted.
    pub(super) async fn resend_undeliverable(self, place: Place) {
        match self.shared.store.resend_undeliverable(&place).await {
            Ok(rows) => self.post_all(rows.into_iter().map(Post::Final).collect()),
            Err(error) => tracing::warn!(%place, %error, "failed to read the undeliverable posts of a place"),
        }
    }
}

impl Shared {
    fn record_call(&self, place: &Place) {
        let now = Instant::now();
        self.paces().of(place, now).record_call(now);
    }

    /// Returns whether the chat of `place` has no pending posts and is within its quota.
    fn is_quiet(&self, place: &Place) -> bool {
        let is_same_chat = |other: &Place| (&other.front_end, &other.chat) == (&place.front_end, &place.chat);
        let has_posts = {
            let state = self.state();
            state.mailboxes.iter().any(|(other, mailbox)| is_same_chat(other) && mailbox.pending_posts() > 0)
        };
        let (now, quota) = (Instant::now(), self.chat.pacing(place).quota);
        !has_posts && self.paces().of(place, now).quota_at(now, quota) <= now
    }
}
