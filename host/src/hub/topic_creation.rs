//! Creates a topic for each session that a command creates. The plugin's call must not wait for the chat, so the host
//! waits until the call has returned before it creates the topic and activates and starts the session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cordboard_chat::ChatError;
use cordboard_core::{
    config::TopicMode,
    messages,
    render::escape,
    session::{ApiError, SessionCommand},
    types::{Caller, Place, Reply, SessionName, SessionRecord, SessionTopic, SessionView, TopicAppearance, TopicState},
    updates_and_posts::{InboxId, InboxRow, NewPost},
};
use cordboard_runtime::HostApi as _;
use cordboard_store::StoreError;

use super::{dispatch::Dispatcher, host_api::HostService, session_errors::not_stored};

/// A command in a chat that can have topics. If the command creates a session, this value records the steps that must
/// wait for the topic.
pub struct TopicCreation {
    /// The place of the command.
    place: Place,
    scope: TopicScope,
    command: InboxId,
    delayed: Mutex<Option<DelayedSession>>,
}

/// The new sessions that get a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TopicScope {
    All,
    /// The command was sent in a session's topic. A fork gets a separate topic, so that the original session keeps this
    /// one. Any other new session becomes active in this topic.
    Forks,
}

/// The way in which a command creates a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionOrigin {
    New,
    Fork,
}

/// The session that the command created, and its delayed steps.
struct DelayedSession {
    id: SessionName,
    activation_requested: bool,
    start_requested: bool,
}

impl TopicCreation {
    fn delayed(&self) -> MutexGuard<'_, Option<DelayedSession>> {
        self.delayed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the record of the topic to create, or `None` if the session doesn't get one or the command has already
    /// created a session.
    fn wanted(&self, session: &SessionRecord, origin: SessionOrigin, look: TopicAppearance) -> Option<SessionTopic> {
        let is_in_scope = self.scope == TopicScope::All || origin == SessionOrigin::Fork;
        (is_in_scope && self.delayed().is_none()).then(|| SessionTopic {
            session: session.id().clone(),
            place: Place { topic: None, ..self.place.clone() },
            state: TopicState::NotRequested,
            shown: look,
            command: self.command,
        })
    }

    /// Records that the command has created the session.
    fn on_created(&self, session: &SessionRecord) {
        *self.delayed() =
            Some(DelayedSession { id: session.id().clone(), activation_requested: false, start_requested: false });
    }

    /// Returns whether activating the session in `place` must wait for the topic. If so, records the activation.
    pub(super) fn delays_activation(&self, place: &Place, session: &SessionRecord) -> bool {
        let mut delayed = self.delayed();
        let found = delayed.as_mut().filter(|delayed| delayed.id == *session.id() && self.place == *place);
        found.map(|delayed| delayed.activation_requested = true).is_some()
    }

    /// Returns whether the command starts the session's agent and must wait for the topic. If so, records the start.
    pub(super) fn delays_start(&self, session: &SessionRecord, command: &SessionCommand) -> bool {
        let mut delayed = self.delayed();
        let is_delayed = |delayed: &&mut DelayedSession| delayed.id == *session.id() && delayed.activation_requested;
        let found = delayed.as_mut().filter(is_delayed).filter(|_| *command == SessionCommand::Start);
        found.map(|delayed| delayed.start_requested = true).is_some()
    }
}

/// The place in which a new session becomes active.
enum SessionPlace {
    Topic(Place),
    /// The place where the command was sent. The text says why the session doesn't have a topic.
    CommandPlace(String),
}

/// The remaining steps for a new session: the post to store with the reply, then the agent to start.
pub(super) struct OpenedTopic {
    /// The first message in the topic.
    pub post: Option<NewPost>,
    /// The session to start, and the place it is started in.
    start: Option<(SessionName, Place)>,
}

impl HostService {
    /// Returns a [`TopicCreation`] if `[telegram] topics` is `create` and the command is in a chat that may have
    /// topics.
    pub(super) fn topic_creation(&self, row: &InboxRow) -> Option<Arc<TopicCreation>> {
        let place = &row.update.place;
        let scope = match &place.topic {
            None => TopicScope::All,
            Some(_) if self.topics.contains(place) => TopicScope::Forks,
            Some(_) => return None,
        };
        let chat = Place { topic: None, ..place.clone() };
        let is_wanted =
            self.config().telegram_of(place).topics == TopicMode::Create && self.outbound.can_create_topic(&chat);
        let new = || TopicCreation { place: place.clone(), scope, command: row.id, delayed: Mutex::default() };
        is_wanted.then(|| Arc::new(new()))
    }

    /// Returns the session that an earlier run of the host created for this command.
    pub(super) fn already_created(&self, caller: &Caller, name: &str) -> Option<SessionView> {
        let new = self.topic_creation.as_ref()?;
        let view = self.find(caller, name).filter(|view| !view.record.archived)?;
        self.topics.get(view.record.id()).filter(|topic| topic.command == new.command)?;
        new.on_created(&view.record);
        Some(view)
    }

    /// Stores a new session and, if the command is in a chat with topics, the topic to create for it.
    pub(super) async fn store_session(&self, record: &SessionRecord, origin: SessionOrigin) -> Result<(), StoreError> {
        let look = TopicAppearance::of(&self.sessions.suspended_view(record.clone()));
        match self.topic_creation.as_ref().and_then(|new| Some((new, new.wanted(record, origin, look)?))) {
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
    /// reply. If there is no topic, the session becomes active where the command was sent.
    pub(super) async fn open_topic(
        &self,
        row: &InboxRow,
        new: Option<&TopicCreation>,
        reply: &mut Reply,
    ) -> OpenedTopic {
        let nothing = OpenedTopic { post: None, start: None };
        let Some(DelayedSession { id, activation_requested, start_requested }) =
            new.and_then(|new| new.delayed().take())
        else {
            return nothing;
        };
        let Some(topic) = self.host.topics.get(&id) else { return nothing };
        if !activation_requested {
            self.delete_topic_record(&topic).await;
            return nothing;
        }
        let home = self.home(topic, &row.update.caller).await;
        // The session may have been renamed in the meantime.
        let name = self.host.sessions.registry.name_of(&id);
        let (place, line, post) = match home {
            SessionPlace::Topic(place) => {
                let line = messages::topics::is_in_topic(&name, self.outbound.topic_link(&place).as_deref());
                let post = NewPost::new(place.clone(), messages::plain(&messages::topics::first_message(&name)));
                (place, line, Some(post))
            }
            SessionPlace::CommandPlace(why) => (row.update.place.clone(), escape(&why), None),
        };
        reply.text = format!("{} {line}", reply.text);
        if let Err(error) = self.host.activate(&row.update.caller, &place, &name).await {
            reply.text = format!("{}\n{}", reply.text, escape(&error.text));
        }
        OpenedTopic { post, start: start_requested.then_some((name, place)) }
    }

    /// Starts a new session's agent, after the first message in its topic is stored. A failure is reported in the place
    /// of the session.
    pub(super) async fn start_in_topic(&self, row: &InboxRow, opened: OpenedTopic) {
        let Some((name, place)) = opened.start else { return };
        let started = self.host.control(&row.update.caller, &name, SessionCommand::Start).await;
        if let Err(ApiError { text, .. }) = started {
            self.outbound.finish(Vec::new(), vec![NewPost::new(place, messages::plain(&text))]).await;
        }
    }

    /// Creates the topic unless it exists or the chat was already asked to create it.
    async fn home(&self, topic: SessionTopic, caller: &Caller) -> SessionPlace {
        match topic.state {
            TopicState::NotRequested => {}
            TopicState::Requested => {
                self.delete_topic_record(&topic).await;
                return SessionPlace::CommandPlace(messages::topics::interrupted(
                    &self.host.sessions.registry.name_of(&topic.session),
                ));
            }
            TopicState::Open | TopicState::Closed | TopicState::Unmanaged | TopicState::Deleted => {
                return SessionPlace::Topic(topic.place);
            }
        }
        let requested = SessionTopic { state: TopicState::Requested, ..topic };
        // The Bot API can't tell whether a topic exists, so the host requests at most one topic for each command.
        if let Err(error) = self.host.topics.save(requested.clone()).await {
            return SessionPlace::CommandPlace(not_stored(&error).text);
        }
        match self.outbound.create_topic(&requested.place, &requested.shown).await {
            Ok(place) => self.store_opened(requested, place, caller).await,
            Err(error) => {
                tracing::warn!(session = %requested.session, %error, "failed to create a topic");
                self.delete_topic_record(&requested).await;
                let name = self.host.sessions.registry.name_of(&requested.session);
                SessionPlace::CommandPlace(no_topic(&requested.place, &name, &error))
            }
        }
    }

    async fn store_opened(&self, requested: SessionTopic, place: Place, caller: &Caller) -> SessionPlace {
        let _names = self.host.sessions.name_lock.read().await;
        let name = self.host.sessions.registry.name_of(&requested.session);
        let open = SessionTopic { state: TopicState::Open, place: place.clone(), ..requested };
        match self.host.topics.open(open, &name, &caller.id).await {
            Ok(()) => SessionPlace::Topic(place),
            Err(error) => SessionPlace::CommandPlace(not_stored(&error).text),
        }
    }

    async fn delete_topic_record(&self, topic: &SessionTopic) {
        if let Err(error) = self.host.topics.delete_topic_record(topic).await {
            tracing::warn!(session = %topic.session, %error, "failed to delete the record of a topic that was not created");
        }
    }
}

/// Returns why a session has no topic, and what to do.
fn no_topic(place: &Place, name: &SessionName, error: &ChatError) -> String {
    let (why, remedy) = match error {
        ChatError::Unavailable { why } => return messages::topics::unanswered(name, why),
        ChatError::RateLimited { why, .. } | ChatError::Unauthorised { why } => {
            (why, messages::topics::rate_limit_remedy())
        }
        ChatError::Unreachable { why }
        | ChatError::Deleted { why }
        | ChatError::Forbidden { why }
        | ChatError::Rejected { why } => {
            let is_group = place.chat.starts_with('-');
            (why, if is_group { messages::topics::group_remedy() } else { messages::topics::private_chat_remedy() })
        }
    };
    messages::topics::refused(why, &remedy)
}
