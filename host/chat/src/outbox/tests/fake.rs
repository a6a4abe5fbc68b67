//! A fake front-end and delivery store that record calls and return scripted results.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use cordboard_core::{
    agent_event::PromptId,
    language::Language,
    types::{Alert, DeliveryIssue, Place, TopicEdit},
    updates_and_posts::{Delivery, MessageId, OutboxRow, PostId},
};
use tokio::time::Instant;

use super::super::DeliveryStore;
use crate::{
    Chat, ChatError, Completeness, Draft, Edits, Limits, LiveLine, Menus, Outgoing, Pacing, Quota, StorageError,
    Streaming,
};

/// The initial frame interval of all places, long enough to be visible in the tests.
pub const EDIT_PAUSE: Duration = Duration::from_secs(1);

/// A message with this text makes the front-end panic.
pub const BUG: &str = "bug";

pub struct Fake {
    began: Instant,
    pub live: LiveLine,
    pub units: usize,
    calls: Mutex<Vec<(Duration, String)>>,
    rings: Mutex<Vec<String>>,
    pub pause: Mutex<Duration>,
    pub quota: Mutex<Option<Quota>>,
    pub streaming: Mutex<Streaming>,
    /// Zero by default, so that every streamed answer notifies.
    pub ring_after: Mutex<Duration>,
    takes: Mutex<Duration>,
    /// The errors that later calls return, in order, each with the chat that it applies to. All other calls succeed.
    script: Mutex<VecDeque<(String, ChatError)>>,
    next: Mutex<u32>,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        Self::with(LiveLine::InMessage, 4096)
    }

    pub fn with(live: LiveLine, units: usize) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            live,
            units,
            calls: Mutex::default(),
            rings: Mutex::default(),
            pause: Mutex::new(EDIT_PAUSE),
            quota: Mutex::default(),
            streaming: Mutex::new(Streaming::Messages),
            ring_after: Mutex::default(),
            takes: Mutex::default(),
            script: Mutex::default(),
            next: Mutex::new(0),
        })
    }

    /// Makes the next send, edit, delete or draft in `chat` return this error.
    pub fn fail(&self, chat: &str, error: ChatError) {
        self.script.lock().unwrap().push_back((chat.to_owned(), error));
    }

    /// Sets how long later calls take.
    pub fn slow(&self, span: Duration) {
        *self.takes.lock().unwrap() = span;
    }

    /// Returns the calls as `chat verb text`, excluding `working` calls.
    pub fn calls(&self) -> Vec<String> {
        self.all().into_iter().map(|(_, call)| call).filter(|call| !call.contains(" working")).collect()
    }

    /// Returns the texts of the messages that triggered a notification.
    pub fn rings(&self) -> Vec<String> {
        self.rings.lock().unwrap().clone()
    }

    pub fn all(&self) -> Vec<(Duration, String)> {
        self.calls.lock().unwrap().clone()
    }

    /// Returns the times, in whole seconds since the start, of the calls whose text starts with `what`.
    pub fn seconds(&self, what: &str) -> Vec<u64> {
        self.all().iter().filter(|(_, call)| call.starts_with(what)).map(|(at, _)| at.as_secs()).collect()
    }

    fn record(&self, call: String) {
        self.calls.lock().unwrap().push((self.began.elapsed(), call));
    }

    async fn answer(&self, place: &Place, call: String) -> Result<(), ChatError> {
        assert!(!call.ends_with(BUG), "the simulated bug");
        // Yield to other tasks, as a real call would.
        let takes = *self.takes.lock().unwrap();
        if takes.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(takes).await;
        }
        let error = {
            let mut script = self.script.lock().unwrap();
            let at = script.iter().position(|(chat, _)| *chat == place.chat);
            at.and_then(|at| script.remove(at))
        };
        let mark = if error.is_some() { " !" } else { "" };
        self.record(format!("{} {call}{mark}", place.chat));
        error.map_or(Ok(()), |(_, error)| Err(error))
    }
}

fn shown(message: &Outgoing) -> String {
    let buttons = if message.buttons.is_empty() { "" } else { " [+]" };
    let styles = if message.message.entities.is_empty() { "" } else { " *" };
    let styles = if message.completeness == Completeness::Halted { " halted" } else { styles };
    format!("{}{styles}{buttons}", message.message.text.replace('\n', "|"))
}

#[async_trait]
impl Chat for Fake {
    fn limits(&self, _place: &Place) -> Limits {
        let edits = if self.live == LiveLine::Status { Edits::Append } else { Edits::Replace };
        Limits {
            text_units: self.units,
            columns: usize::MAX,
            live_line: self.live,
            edits,
            ring_after: *self.ring_after.lock().unwrap(),
            document_over: None,
        }
    }

    /// Returns no pause between frames if this front-end has a status line, as the console does.
    fn pacing(&self, _place: &Place) -> Pacing {
        let pause = if self.live == LiveLine::Status { Duration::ZERO } else { *self.pause.lock().unwrap() };
        Pacing { pause, quota: *self.quota.lock().unwrap() }
    }

    fn streaming(&self, _place: &Place) -> Streaming {
        *self.streaming.lock().unwrap()
    }

    async fn show_draft(&self, place: &Place, draft: &Draft) -> Result<(), ChatError> {
        let styles = if draft.message.entities.is_empty() { "" } else { " *" };
        let text = draft.message.text.replace('\n', "|");
        self.answer(place, format!("draft {} {text}{styles}", draft.turn.0)).await
    }

    async fn send(&self, place: &Place, message: &Outgoing) -> Result<MessageId, ChatError> {
        self.answer(place, format!("send {}", shown(message))).await?;
        if message.alert == Alert::Ring {
            self.rings.lock().unwrap().push(shown(message));
        }
        let mut next = self.next.lock().unwrap();
        *next += 1;
        Ok(MessageId(format!("m{next}")))
    }

    async fn edit(&self, place: &Place, id: &MessageId, message: &Outgoing) -> Result<(), ChatError> {
        self.answer(place, format!("edit {} {}", id.0, shown(message))).await
    }

    async fn delete(&self, place: &Place, id: &MessageId) -> Result<(), ChatError> {
        self.answer(place, format!("delete {}", id.0)).await
    }

    async fn show_activity(&self, place: &Place, line: Option<&str>) {
        self.record(format!("{} working {line:?}", place.chat));
    }

    async fn acknowledge(&self, _place: &Place, _message: Option<&MessageId>) -> bool {
        true
    }

    async fn edit_topic(&self, topic: &Place, edit: &TopicEdit) -> Result<(), ChatError> {
        self.answer(topic, format!("{edit:?}")).await
    }

    async fn set_menus(&self, menus: &Menus) -> Result<(), ChatError> {
        let names: Vec<_> = menus.everyone.iter().map(|entry| entry.name.as_str()).collect();
        self.answer(&Place::new("fake", "menu"), names.join(",")).await
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredReachability {
    Reachable,
    Unreachable(String),
}

#[derive(Default)]
pub struct Notes {
    notes: Mutex<Vec<String>>,
    /// The undeliverable posts of any place.
    pub undeliverable: Mutex<Vec<OutboxRow>>,
    /// Reachability changes, each with its chat.
    pub reachability: Mutex<Vec<(String, StoredReachability)>>,
    issues: Mutex<Vec<String>>,
}

impl Notes {
    pub fn all(&self) -> Vec<String> {
        self.notes.lock().unwrap().clone()
    }

    /// Returns the issues of completed posts as `post outcome: why`.
    pub fn issues(&self) -> Vec<String> {
        self.issues.lock().unwrap().clone()
    }

    fn note(&self, note: String) -> Result<(), StorageError> {
        self.notes.lock().unwrap().push(note);
        Ok(())
    }
}

#[async_trait]
impl DeliveryStore for Notes {
    fn language(&self, _place: &Place) -> Option<Language> {
        None
    }

    async fn save_placeholder(
        &self,
        turn: &PromptId,
        _place: &Place,
        message: &MessageId,
        text: &str,
    ) -> Result<(), StorageError> {
        self.note(format!("{} in {}: {}", turn.0, message.0, text.replace('\n', "|")))
    }

    async fn forget_placeholder(&self, _place: &Place, message: &MessageId) -> Result<(), StorageError> {
        self.note(format!("{} is gone", message.0))
    }

    async fn save_progress(&self, post: PostId, delivery: Delivery) -> Result<(), StorageError> {
        let messages: Vec<_> = delivery.messages.iter().map(|id| id.0.as_str()).collect();
        self.note(format!("{} shows {} of {}", post.0, delivery.shown, messages.join(",")))
    }

    async fn complete(
        &self,
        post: PostId,
        _messages: Vec<MessageId>,
        issues: Vec<DeliveryIssue>,
    ) -> Result<Vec<OutboxRow>, StorageError> {
        let issues = issues.into_iter().map(|issue| format!("{} {}: {}", post.0, issue.outcome.as_str(), issue.why));
        self.issues.lock().unwrap().extend(issues);
        self.note(format!("{} sent", post.0)).map(|()| Vec::new())
    }

    async fn record_undeliverable(&self, post: PostId, why: &str) -> Result<(), StorageError> {
        self.note(format!("{} is undeliverable: {why}", post.0))
    }

    async fn resend_undeliverable(&self, _place: &Place) -> Result<Vec<OutboxRow>, StorageError> {
        Ok(std::mem::take(&mut *self.undeliverable.lock().unwrap()))
    }

    async fn set_unreachable(&self, place: &Place, why: &str) -> Result<(), StorageError> {
        self.reachability.lock().unwrap().push((place.chat.clone(), StoredReachability::Unreachable(why.to_owned())));
        Ok(())
    }

    async fn set_reachable(&self, place: &Place) -> Result<(), StorageError> {
        self.reachability.lock().unwrap().push((place.chat.clone(), StoredReachability::Reachable));
        Ok(())
    }
}
