//! Stores the topics that the bot creates for sessions.

use cordboard_core::types::{ActiveScope, SessionName, SessionRecord, SessionTopic, UserId};
use rusqlite::{Connection, params};

use super::{
    Store, chat_members,
    error::{StoreError, WorkError},
    rows::{json, read_all},
    sessions,
};

impl Store {
    /// Atomically stores a new session and a record of the topic that will be created for it.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if a session with that name exists, even an archived one.
    pub async fn create_session_for_topic(
        &self,
        record: &SessionRecord,
        topic: &SessionTopic,
    ) -> Result<(), StoreError> {
        let (record, topic) = (record.clone(), topic.clone());
        self.run(format!("create session '{}'", record.name), move |db| {
            sessions::insert_new(db, &record)?;
            save(db, &topic)
        })
        .await
    }

    /// Stores the state of a topic.
    pub async fn save_topic(&self, topic: &SessionTopic) -> Result<(), StoreError> {
        let topic = topic.clone();
        self.run(format!("store the topic of session '{}'", topic.session), move |db| save(db, &topic)).await
    }

    /// Atomically stores a topic that the chat has created, makes its session active in it, and adds `member` to the
    /// topic's members.
    pub async fn open_topic(
        &self,
        topic: &SessionTopic,
        session: &SessionName,
        member: &UserId,
    ) -> Result<(), StoreError> {
        let (topic, name, member) = (topic.clone(), session.clone(), member.clone());
        self.run(format!("store the topic of session '{name}'"), move |db| {
            save(db, &topic)?;
            sessions::set_active(db, &ActiveScope::everybody(&topic.place), Some(&name))?;
            chat_members::add(db, &topic.place, &member)
        })
        .await
    }

    /// Deletes the record of a topic that was not created.
    pub async fn delete_topic_record(&self, topic: &SessionTopic) -> Result<(), StoreError> {
        let session = topic.session.clone();
        self.run(format!("delete the topic of session '{session}'"), move |db| {
            db.prepare_cached("DELETE FROM topic WHERE session = ?")?.execute([session.as_str()])?;
            Ok(())
        })
        .await
    }
}

fn save(db: &Connection, topic: &SessionTopic) -> Result<(), WorkError> {
    let row = params![topic.session.as_str(), serde_json::to_string(topic)?];
    db.prepare_cached("INSERT OR REPLACE INTO topic (session, record) VALUES (?, ?)")?.execute(row)?;
    Ok(())
}

/// Reads all topics, ordered by session id.
pub(super) fn read(db: &Connection) -> Result<Vec<SessionTopic>, WorkError> {
    read_all(db, "SELECT record FROM topic ORDER BY session", [], |row| json(row, 0))
}
