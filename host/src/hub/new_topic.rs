//! Gives a session that a command creates a topic of its own. The plugin's call must not wait for the chat, so the
//! session is activated and started only after the call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cordboard_chat::ChatError;
use cordboard_core::{
    config::Topics,
    messages,
    render::escape,
    session::{ApiError, SessionCommand},
    types::{Caller, Place, Reply, SessionName, SessionRecord, SessionTopic, SessionView, TopicLook, TopicState},
    updates_and_posts::{InboxId, InboxRow, NewPost},
};
use cordboard_runtime::HostApi as _;
use cordboard_store::StoreError;

use super::{dispatch::Dispatcher, host_api::HostService, session_errors::not_stored};

/// A command that creates a session in a place whose chat has topics. Records which steps wait for the topic.
pub struct NewTopic {
    place: Place,
    command: InboxId,
    delayed: Mutex<Option<DelayedSession>>,
}

/// The session that the command has created, and the steps that wait.
struct DelayedSession {
    id: SessionName,
    is_activated: bool,
    is_started: bool,
}

impl NewTopic {
    fn delayed(&self) -> MutexGuard<'_, Option<DelayedSession>> {
        self.delayed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the record of the topic that the session is to get, or `None` if the command has already created a
    /// session.
    fn wanted(&self, session: &SessionRecord, look: TopicLook) -> Option<SessionTopic> {
        self.delayed().is_none().then(|| SessionTopic {
            session: session.id().clone(),
            place: self.place.clone(),
            state: TopicState::Wanted,
            shown: look,
            command: self.command,
        })
    }

    /// Records that the command has created the session.
    fn on_created(&self, session: &SessionRecord) {
        *self.delayed() = Some(DelayedSession { id: session.id().clone(), is_activated: false, is_started: false });
    }

    /// Returns whether the activation of the session in `place` waits for the topic, and records it.
    pub(super) fn delays_activation(&self, place: &Place, session: &SessionRecord) -> bool {
        let mut delayed = self.delayed();
        let found = delayed.as_mut().filter(|delayed| delayed.id == *session.id() && self.place == *place);
        found.map(|delayed| delayed.is_activated = true).is_some()
    }

    /// Returns whether the command waits for the topic, and records it.
    pub(super) fn delays(&self, session: &SessionRecord, command: &SessionCommand) -> bool {
        let mut delayed = self.delayed();
        let is_delayed = |delayed: &&mut DelayedSession| delayed.id == *session.id() && delayed.is_activated;
        let found = delayed.as_mut().filter(is_delayed).filter(|_| *command == SessionCommand::Start);
        found.map(|delayed| delayed.is_started = true).is_some()
    }
}

/// The place of a new session.
enum Home {
    Topic(Place),
    /// The place of the command. The text says why the session has no topic.
    Here(String),
}

/// The posts about a new session, and whether its agent is to be started.
pub(super) struct OpenedTopic {
    /// The first message in the topic.
    pub post: Option<NewPost>,
    /// The session to start, and its place.
    start: Option<(SessionName, Place)>,
}

impl HostService {
    /// Returns the record of topics for a command, if the chat of `place` may have topics.
    pub(super) fn new_topic(&self, row: &InboxRow) -> Option<Arc<NewTopic>> {
        let place = &row.update.place;
        let is_wanted = self.config().telegram.topics == Topics::Create && self.outbound.may_have_topics(place);
        let new = || NewTopic { place: place.clone(), command: row.id, delayed: Mutex::default() };
        is_wanted.then(|| Arc::new(new()))
    }

    /// Returns the session that an earlier run of the host created for the same command.
    pub(super) fn already_created(&self, caller: &Caller, name: &str) -> Option<SessionView> {
        let new = self.new_topic.as_ref()?;
        let view = self.find(caller, name).filter(|view| !view.record.archived)?;
        self.topics.get(view.record.id()).filter(|topic| topic.command == new.command)?;
        new.on_created(&view.record);
        Some(view)
    }

    /// Stores a new session, with the topic that it is to get if the command is in a chat with topics.
    pub(super) async fn store_session(&self, record: &SessionRecord) -> Result<(), StoreError> {
        let look = TopicLook::of(&self.sessions.suspended_view(record.clone()));
        match self.new_topic.as_ref().and_then(|new| Some((new, new.wanted(record, look)?))) {
            Some((new, topic)) => {
                self.topics.create_session(record, topic).await?;
                new.on_created(record);
                Ok(())
            }
            None => self.store.create_session(record).await,
        }
    }
}

impl Dispatcher {
    /// Creates the topic of the session that a command has created, makes the session active there, and extends the
    /// reply. If there is no topic, the session becomes active in the place of the command.
    pub(super) async fn open_topic(&self, row: &InboxRow, new: Option<&NewTopic>, reply: &mut Reply) -> OpenedTopic {
        let nothing = OpenedTopic { post: None, start: None };
        let Some(DelayedSession { id, is_activated, is_started }) = new.and_then(|new| new.delayed().take()) else {
            return nothing;
        };
        let Some(topic) = self.host.topics.get(&id) else { return nothing };
        if !is_activated {
            self.forget(&topic).await;
            return nothing;
        }
        let home = self.home(topic, &row.update.caller).await;
        // Someone may have renamed the session in the meantime.
        let name = self.host.sessions.registry.name_of(&id);
        let (place, line, post) = match home {
            Home::Topic(place) => {
                let line = messages::topics::is_in_topic(&name, self.outbound.topic_link(&place).as_deref());
                let post = NewPost::new(place.clone(), messages::plain(&messages::topics::first_message(&name)));
                (place, line, Some(post))
            }
            Home::Here(why) => (row.update.place.clone(), escape(&why), None),
        };
        reply.text = format!("{} {line}", reply.text);
        if let Err(error) = self.host.activate(&row.update.caller, &place, &name).await {
            reply.text = format!("{}\n{}", reply.text, escape(&error.text));
        }
        OpenedTopic { post, start: is_started.then_some((name, place)) }
    }

    /// Starts the agent of a new session, after the first message of its topic is stored. A failure is reported in the
    /// place of the session.
    pub(super) async fn start_in_topic(&self, row: &InboxRow, opened: OpenedTopic) {
        let Some((name, place)) = opened.start else { return };
        let started = self.host.control(&row.update.caller, &name, SessionCommand::Start).await;
        if let Err(ApiError { text, .. }) = started {
            self.outbound.finish(Vec::new(), vec![NewPost::new(place, messages::plain(&text))]).await;
        }
    }

    /// Creates the topic unless it exists or the chat was already asked to create it.
    async fn home(&self, topic: SessionTopic, caller: &Caller) -> Home {
        match topic.state {
            TopicState::Wanted => {}
            TopicState::Requested => {
                self.forget(&topic).await;
                return Home::Here(messages::topics::interrupted(&self.host.sessions.registry.name_of(&topic.session)));
            }
            TopicState::Open | TopicState::Closed | TopicState::LeftAlone | TopicState::Deleted => {
                return Home::Topic(topic.place);
            }
        }
        let requested = SessionTopic { state: TopicState::Requested, ..topic };
        // The chat can't be asked whether the topic exists, so the host asks at most once for each command.
        if let Err(error) = self.host.topics.save(requested.clone()).await {
            return Home::Here(not_stored(&error).text);
        }
        match self.outbound.create_topic(&requested.place, &requested.shown).await {
            Ok(place) => self.store_opened(requested, place, caller).await,
            Err(error) => {
                tracing::warn!(session = %requested.session, %error, "failed to create a topic");
                self.forget(&requested).await;
                let name = self.host.sessions.registry.name_of(&requested.session);
                Home::Here(no_topic(&requested.place, &name, &error))
            }
        }
    }

    async fn store_opened(&self, requested: SessionTopic, place: Place, caller: &Caller) -> Home {
        let _names = self.host.sessions.name_lock.read().await;
        let name = self.host.sessions.registry.name_of(&requested.session);
        let open = SessionTopic { state: TopicState::Open, place: place.clone(), ..requested };
        match self.host.topics.open(open, &name, &caller.id).await {
            Ok(()) => Home::Topic(place),
            Err(error) => Home::Here(not_stored(&error).text),
        }
    }

    async fn forget(&self, topic: &SessionTopic) {
        if let Err(error) = self.host.topics.forget(topic).await {
            tracing::warn!(session = %topic.session, %error, "failed to forget a topic that was not created");
        }
    }
}

/// Returns why a session has no topic, and what to do.
fn no_topic(place: &Place, name: &SessionName, error: &ChatError) -> String {
    let (why, remedy) = match error {
        ChatError::Unavailable { why } => return messages::topics::unanswered(name, why),
        ChatError::RateLimited { why, .. } | ChatError::Unauthorised { why } => (why, messages::topics::LATER),
        ChatError::Unreachable { why }
        | ChatError::Deleted { why }
        | ChatError::Forbidden { why }
        | ChatError::Rejected { why } => {
            let is_group = place.chat.starts_with('-');
            (why, if is_group { messages::topics::IN_GROUP } else { messages::topics::IN_PRIVATE_CHAT })
        }
    };
    messages::topics::refused(why, remedy)
}
