//! Keeps the names, icons and open or closed states of the topics that the bot created in sync with their sessions. The
//! decisions are in [`cordboard_core::topic_updates`]. An edit must not delay messages, so it begins only while no
//! message is pending in the chat.

use std::sync::Arc;

use cordboard_chat::{ChatError, outbox::Outbox};
use cordboard_core::{
    topic_updates::{EditOutcome, TopicUpdates, WantedTopic},
    types::{SessionTopic, TopicEdit},
};
use cordboard_store::StoreError;
use tokio::{sync::watch, task::JoinSet, time::sleep_until};

use crate::{clock::Clock, session_registry::SessionRegistry, session_topics::SessionTopics};

/// Runs as long as the host runs.
pub struct TopicUpdater {
    registry: Arc<SessionRegistry>,
    topics: SessionTopics,
    outbox: Outbox,
    clock: Clock,
    updates: TopicUpdates,
    edits: JoinSet<FinishedEdit>,
}

struct FinishedEdit {
    topic: SessionTopic,
    edit: TopicEdit,
    outcome: EditOutcome,
}

impl TopicUpdater {
    #[must_use]
    pub fn new(registry: Arc<SessionRegistry>, topics: SessionTopics, outbox: Outbox, clock: Clock) -> Self {
        Self { registry, topics, outbox, clock, updates: TopicUpdates::default(), edits: JoinSet::new() }
    }

    pub async fn run(mut self) {
        let (mut sessions, mut topics) = (self.registry.changes(), self.topics.changes());
        loop {
            self.observe();
            self.start_due_edits();
            self.next_event(&mut sessions, &mut topics).await;
        }
    }

    async fn next_event(&mut self, sessions: &mut watch::Receiver<u64>, topics: &mut watch::Receiver<()>) {
        let next = self.updates.next_time().map(|at| self.clock.instant(at));
        let next = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Ok(()) = sessions.changed() => {}
            Ok(()) = topics.changed() => {}
            Some(finished) = self.edits.join_next() => match finished {
                Ok(finished) => self.finish(finished).await,
                Err(error) => tracing::error!(%error, "a change of a topic failed"),
            },
            () = next => {}
            else => std::future::pending().await,
        }
    }

    fn observe(&mut self) {
        let now = self.clock.now();
        for topic in self.topics.all() {
            if let Some(view) = self.registry.with_id(&topic.session) {
                let pause = self.outbox.pause(&topic.place);
                self.updates.observe(topic, WantedTopic::of(&view), pause, now);
            }
        }
    }

    fn start_due_edits(&mut self) {
        for (topic, edit) in self.updates.due(self.clock.now()) {
            let outbox = self.outbox.clone();
            self.edits.spawn(async move {
                let outcome = match outbox.edit_topic(&topic.place, &edit).await {
                    None => EditOutcome::Busy,
                    Some(Ok(())) => EditOutcome::Done,
                    Some(Err(error)) => {
                        tracing::debug!(place = %topic.place, %error, "failed to change a topic");
                        outcome_of(&error)
                    }
                };
                FinishedEdit { topic, edit, outcome }
            });
        }
    }

    /// Stores the new name, icon and state of the topic. If storing fails, the cached record keeps its old values, and
    /// the same edit is repeated after a delay.
    async fn finish(&mut self, finished: FinishedEdit) {
        let FinishedEdit { topic, edit, outcome } = finished;
        // A person may have changed the topic in the meantime.
        self.observe();
        let changed = self.updates.on_outcome(&topic.session, edit.clone(), outcome, self.clock.now());
        let Some(changed) = changed else { return };
        match self.topics.save(changed).await {
            // The host is shutting down.
            Ok(()) | Err(StoreError::Closed { .. }) => {}
            Err(error) => {
                tracing::warn!(%error, "failed to store what a topic shows");
                let again = EditOutcome::Failed;
                drop(self.updates.on_outcome(&topic.session, edit, again, self.clock.now()));
            }
        }
    }
}

const fn outcome_of(error: &ChatError) -> EditOutcome {
    match error {
        ChatError::RateLimited { after, .. } => EditOutcome::RateLimited(*after),
        ChatError::Deleted { .. } => EditOutcome::Deleted,
        ChatError::Unavailable { .. } | ChatError::Unauthorised { .. } => EditOutcome::Failed,
        ChatError::Unreachable { .. } | ChatError::Forbidden { .. } | ChatError::Rejected { .. } => {
            EditOutcome::Refused
        }
    }
}
