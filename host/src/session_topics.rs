//! Caches the records of the topics that the bot creates for sessions. Every change is stored before the cache changes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cordboard_core::types::{Place, SessionName, SessionRecord, SessionTopic, TopicState, UserId};
use cordboard_store::{Store, StoreError};
use tokio::sync::watch;

/// The topics of all sessions. Clones share them.
#[derive(Clone)]
pub struct SessionTopics {
    store: Store,
    /// The topics, by session id.
    topics: Arc<Mutex<BTreeMap<SessionName, SessionTopic>>>,
    changed: watch::Sender<()>,
}

impl SessionTopics {
    #[must_use]
    pub fn new(store: Store, topics: Vec<SessionTopic>) -> Self {
        let topics = topics.into_iter().map(|topic| (topic.session.clone(), topic)).collect();
        Self { store, topics: Arc::new(Mutex::new(topics)), changed: watch::Sender::new(()) }
    }

    fn topics(&self) -> MutexGuard<'_, BTreeMap<SessionName, SessionTopic>> {
        // Every change is a single step, so the map is consistent even after a panic.
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, topic: SessionTopic) {
        self.topics().insert(topic.session.clone(), topic);
        self.changed.send_replace(());
    }

    /// Returns the topic of the session with this id.
    #[must_use]
    pub fn get(&self, session: &SessionName) -> Option<SessionTopic> {
        self.topics().get(session).cloned()
    }

    /// Returns whether the bot has created the topic at `place`.
    #[must_use]
    pub fn contains(&self, place: &Place) -> bool {
        self.topics().values().any(|topic| topic.place == *place)
    }

    #[must_use]
    pub fn all(&self) -> Vec<SessionTopic> {
        self.topics().values().cloned().collect()
    }

    /// Returns a receiver that is notified of every change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Stores a new session and the record of the topic to create for it.
    ///
    /// # Errors
    /// A session with that name exists, or the store failed.
    pub async fn create_session(&self, record: &SessionRecord, topic: SessionTopic) -> Result<(), StoreError> {
        self.store.create_session_for_topic(record, &topic).await?;
        self.put(topic);
        Ok(())
    }

    /// Stores a changed topic.
    ///
    /// # Errors
    /// The store failed, and nothing has changed.
    pub async fn save(&self, topic: SessionTopic) -> Result<(), StoreError> {
        self.store.save_topic(&topic).await?;
        self.put(topic);
        Ok(())
    }

    /// Stores a topic that the chat has created, makes its session active there, and adds `member` to the members of
    /// the topic.
    ///
    /// # Errors
    /// The store failed, and nothing has changed.
    pub async fn open(&self, topic: SessionTopic, session: &SessionName, member: &UserId) -> Result<(), StoreError> {
        self.store.open_topic(&topic, session, member).await?;
        self.put(topic);
        Ok(())
    }

    /// Deletes the record of a topic that was not created.
    ///
    /// # Errors
    /// The store failed, and nothing has changed.
    pub async fn delete_topic_record(&self, topic: &SessionTopic) -> Result<(), StoreError> {
        self.store.delete_topic_record(topic).await?;
        self.topics().remove(&topic.session);
        self.changed.send_replace(());
        Ok(())
    }

    /// If the topic at `place` belongs to a session, stores its new state.
    ///
    /// # Errors
    /// The store failed, and nothing has changed.
    pub async fn set_state(&self, place: &Place, state: TopicState) -> Result<(), StoreError> {
        let found = self.topics().values().find(|topic| topic.place == *place).cloned();
        match found {
            Some(topic) if topic.state != state => self.save(SessionTopic { state, ..topic }).await,
            Some(_) | None => Ok(()),
        }
    }
}
