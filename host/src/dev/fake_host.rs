//! An in-memory host without agent processes or a store. Each session uses a real host's state machine and a fake agent
//! that reacts immediately. Permissions are checked as on a real host, and actions are recorded in order.

mod api;
mod files;
mod plugin_queries;
mod plugin_state;
mod session;
mod session_setup;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use cordboard_core::{
    agent_event::{AgentEvent, PromptId},
    budget::Budget,
    config::{Config, Limits},
    session::{Decision, Input, Prompt, SessionCommand, Settings},
    time_zone::Zone,
    turn::Turn,
    types::{
        AgentRequest, Caller, ChatFile, Exchange, Phase, Place, PromptKind, Reply, RequestId, SessionName,
        SessionRecord, SessionView, Timestamp, Urgency, UsageEntry, UserId,
    },
};
use cordboard_runtime::{AdminCommands, CallError, ChatMember, FakeNetwork};

pub use self::session::CONVERSATION;
use self::session::FakeSession;
pub use self::{
    plugin_queries::settle,
    session_setup::{SessionSetup, SetupError},
};
use super::recorded_action::RecordedAction;
use crate::{
    hub::{LiveConfig, Press},
    session::SessionConfig as _,
    session_registry::{SessionCell, SessionRegistry},
};

/// The home folder of every agent.
const HOME: &str = "/home/agent";

/// A handle to the fake host. Clones share its state.
#[derive(Clone)]
pub struct FakeHost {
    shared: Arc<Shared>,
    /// The button press that this handle was created for, if any.
    press: Option<Arc<Press>>,
    /// The attachments of the message passed to the filter.
    attachments: Arc<[AttachedFile]>,
    /// Whether this handle was created for a filter, which must not send messages to agents.
    is_filter: bool,
}

/// A file attached to a message, with its content.
#[derive(Debug, Clone)]
pub struct AttachedFile {
    pub file: ChatFile,
    pub content: Vec<u8>,
}

struct Shared {
    inner: Mutex<Inner>,
    sessions: SessionRegistry,
    config: LiveConfig,
    network: Option<Arc<dyn FakeNetwork>>,
    /// Executes admin commands. If not set, admin commands are only checked and recorded.
    admin_commands: OnceLock<AdminCommands>,
    personas: OnceLock<Personas>,
}

/// A function that returns the names of the active personas.
type Personas = Box<dyn Fn() -> Vec<String> + Send + Sync>;

struct Inner {
    now: Timestamp,
    sessions: BTreeMap<SessionName, Entry>,
    keys: BTreeMap<(String, String), Vec<u8>>,
    actions: Vec<RecordedAction>,
    /// The people who have called a command, each with the place they called it from.
    members: Vec<(Place, ChatMember)>,
    own_modes: BTreeMap<UserId, String>,
    /// The number of prompts so far. A prompt's id contains its number.
    prompts: u64,
    /// The number of agent questions so far. A question's id contains its number.
    requests: u64,
    /// The number of posts so far. A post's id is its number.
    posts: u64,
    /// The exchanges of all sessions, in order.
    exchanges: Vec<(SessionName, Exchange)>,
    /// The files in session folders. Each entry contains the session, the path relative to its folder, and the size.
    files: Vec<(SessionName, String, u64)>,
    /// The usage of all finished turns.
    usage: Vec<UsageEntry>,
    /// The last answer of an approval plugin, until [`FakeHost::take_decision`] removes it.
    decision: Option<Result<Decision, CallError>>,
}

struct Entry {
    session: FakeSession,
    cell: Arc<SessionCell>,
}

impl FakeHost {
    /// Creates a host with no sessions. Plugins use `network`, or the real network if `network` is `None`.
    #[must_use]
    pub fn new(now: Timestamp, config: Config, network: Option<Arc<dyn FakeNetwork>>) -> Self {
        let inner = Inner {
            now,
            sessions: BTreeMap::new(),
            keys: BTreeMap::new(),
            actions: Vec::new(),
            members: Vec::new(),
            own_modes: BTreeMap::new(),
            prompts: 0,
            requests: 0,
            posts: 0,
            exchanges: Vec::new(),
            files: Vec::new(),
            usage: Vec::new(),
            decision: None,
        };
        let shared = Shared {
            inner: Mutex::new(inner),
            sessions: SessionRegistry::new(Vec::new(), Vec::new()),
            config: LiveConfig::new(config),
            network,
            admin_commands: OnceLock::new(),
            personas: OnceLock::new(),
        };
        Self { shared: Arc::new(shared), press: None, attachments: Arc::default(), is_filter: false }
    }

    /// Returns a handle for a pressed button's command.
    #[must_use]
    pub fn pressed(&self, press: Arc<Press>) -> Self {
        Self { press: Some(press), ..self.clone() }
    }

    /// Returns a handle for a filter whose message has these attachments.
    #[must_use]
    pub fn with_attachments(&self, files: &[AttachedFile]) -> Self {
        Self { attachments: files.into(), is_filter: true, ..self.clone() }
    }

    /// Adds a file of this size to a session folder. `path` is relative to the folder.
    pub fn add_file(&self, session: SessionName, path: &str, size: u64) {
        self.inner().files.push((session, path.to_owned(), size));
    }

    /// Passes later admin commands to `commands`. Only the first call has an effect.
    pub fn set_admin_commands(&self, commands: AdminCommands) {
        self.shared.admin_commands.get_or_init(|| commands);
    }

    /// Makes the host reject any persona that isn't in the list returned by `known`. Only the first call has an effect.
    pub fn set_personas(&self, known: impl Fn() -> Vec<String> + Send + Sync + 'static) {
        self.shared.personas.get_or_init(|| Box::new(known));
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the configuration of the fake host.
    pub fn config(&self) -> Arc<Config> {
        self.shared.config.now()
    }

    /// Sets the time. Sessions then handle all deadlines that have passed.
    pub fn set_now(&self, now: Timestamp) {
        self.inner().now = now;
        self.advance();
    }

    /// Lets all sessions handle the deadlines that have passed.
    fn advance(&self) {
        let mut inner = self.inner();
        let now = inner.now;
        inner.sessions.values_mut().for_each(|entry| {
            entry.session.advance(now);
            entry.cell.publish(entry.session.machine.view());
        });
        inner.collect_outputs();
    }

    /// Removes and returns the recorded actions.
    pub fn take_actions(&self) -> Vec<RecordedAction> {
        std::mem::take(&mut self.inner().actions)
    }

    /// Returns the recorded actions without removing them.
    pub fn actions(&self) -> Vec<RecordedAction> {
        self.inner().actions.clone()
    }

    fn record(&self, action: RecordedAction) {
        self.inner().actions.push(action);
    }

    /// Adds a suspended session, or replaces the session with the same name.
    pub fn add(&self, record: SessionRecord) {
        let settings = self.settings(&record);
        self.insert(FakeSession::new(record, settings));
    }

    /// Adds a session in the described state, or replaces the session with the same name.
    ///
    /// # Errors
    /// No session can have this state.
    pub fn set_up(&self, setup: SessionSetup) -> Result<(), SetupError> {
        let settings = self.settings(&setup.record);
        let now = self.inner().now;
        self.insert(setup.session(settings, now)?);
        Ok(())
    }

    /// Moves a renamed session to its new name.
    fn rekey(&self, from: &SessionName, to: &SessionName) {
        let mut inner = self.inner();
        if let Some(entry) = inner.sessions.remove(from) {
            inner.sessions.insert(to.clone(), entry);
        }
        inner.exchanges.iter_mut().filter(|(name, _)| name == from).for_each(|(name, _)| name.clone_from(to));
        drop(inner);
        self.shared.sessions.rename(from, to);
    }

    /// Applies the settings that the configuration contains for a session's name and agent.
    fn reload_settings(&self, name: &SessionName, view: &SessionView) {
        let settings = Box::new(self.settings(&view.record));
        self.change(name, |session, now| session.handle(Input::Settings(settings), now));
    }

    /// Adds an exchange to the history of a session.
    pub fn add_exchange(&self, name: SessionName, exchange: Exchange) {
        self.inner().exchanges.push((name, exchange));
    }

    fn last_exchanges(&self, name: &SessionName, count: usize) -> Vec<Exchange> {
        let inner = self.inner();
        let own = inner.exchanges.iter().filter(|(session, _)| session == name).map(|(_, exchange)| exchange.clone());
        let mut own: Vec<Exchange> = own.collect();
        own.split_off(own.len().saturating_sub(count)).into_iter().map(Exchange::shortened).collect()
    }

    /// Returns the current name of the session with this id.
    pub fn name_of(&self, id: &SessionName) -> SessionName {
        self.shared.sessions.name_of(id)
    }

    fn settings(&self, record: &SessionRecord) -> Settings {
        Settings { home: Some(HOME.to_owned()), ..self.shared.config.settings(record) }
    }

    fn insert(&self, session: FakeSession) {
        let name = session.machine.record().name.clone();
        let cell = self.shared.sessions.add(session.machine.view());
        self.inner().sessions.insert(name, Entry { session, cell });
    }

    /// Makes a session active for a person in a place, as `/session` does.
    pub fn bind(&self, caller: &Caller, place: &Place, name: &SessionName) {
        let sessions = &self.shared.sessions;
        sessions.bind(sessions.scope(caller, place), name);
        // An archived session refuses this, which is harmless: the registry never returns one as active.
        drop(self.change(name, |session, now| session.order(SessionCommand::Touch(place.clone()), now)));
    }

    /// Changes a session and publishes the result. Returns `None` for an unknown session.
    fn change<T>(&self, name: &SessionName, change: impl FnOnce(&mut FakeSession, Timestamp) -> T) -> Option<T> {
        let mut inner = self.inner();
        let now = inner.now;
        let entry = inner.sessions.get_mut(name)?;
        let outcome = change(&mut entry.session, now);
        entry.cell.publish(entry.session.machine.view());
        inner.collect_outputs();
        Some(outcome)
    }

    pub fn session(&self, name: &str) -> Option<SessionView> {
        self.shared.sessions.view(name).map(|view| SessionView::clone(&view))
    }

    /// Returns the running turn of a session, or else the one that ended last.
    pub fn turn(&self, name: &SessionName) -> Option<Turn> {
        self.inner().sessions.get(name)?.session.turn().cloned()
    }

    /// Returns the turn that ended last in a session.
    pub fn ended_turn(&self, name: &SessionName) -> Option<Turn> {
        self.inner().sessions.get(name)?.session.ended().cloned()
    }

    /// Delivers an event from a session's agent.
    pub fn agent(&self, name: &SessionName, event: AgentEvent) {
        self.change(name, |session, now| session.on_agent_event(event, now));
    }

    /// Asks a question as a session's agent. Returns whether the session has a running agent that can ask.
    pub fn ask(&self, name: &SessionName, request: impl FnOnce(RequestId) -> AgentRequest) -> bool {
        let can_ask = self.session(name.as_str()).is_some_and(|view| matches!(view.phase, Phase::Busy | Phase::Idle));
        let id = RequestId(format!("request-{}", self.next_request()));
        self.agent(name, AgentEvent::Requested(request(id)));
        can_ask
    }

    /// Adds the usage of a finished turn.
    pub fn add_usage(&self, usage: UsageEntry) {
        self.inner().usage.push(usage);
    }

    /// Replaces `[limits]` in the configuration.
    pub fn set_limits(&self, limits: Limits) {
        drop(self.shared.config.replace(Config { limits, ..(*self.config()).clone() }));
    }

    /// Returns the budget of the current day in UTC, if the configuration sets a daily limit.
    pub fn day_budget(&self) -> Option<Budget> {
        let limit = self.config().limits.cost_per_day?;
        let (inner, zone) = (self.inner(), Zone::utc());
        let today = inner.usage.iter().filter(|one| one.at >= zone.day_start(inner.now));
        let spent = today.filter_map(|one| one.cost_usd).fold(0.0, |sum, cost| sum + cost);
        Some(Budget::of_day(limit, spent, inner.now, &zone))
    }

    /// Returns and removes the last answer of an approval plugin. `None` if no plugin was asked since the last call.
    pub fn take_decision(&self) -> Option<Result<Decision, CallError>> {
        self.inner().decision.take()
    }

    fn next_request(&self) -> u64 {
        let mut inner = self.inner();
        inner.requests += 1;
        inner.requests
    }

    /// Sends a prompt from a place to a session.
    pub fn send(&self, name: &SessionName, place: &Place, text: &str, urgency: Urgency) {
        let id = self.next_prompt();
        let prompt = Prompt {
            id,
            place: place.clone(),
            kind: PromptKind::Text,
            text: text.to_owned(),
            mode: None,
            files: Vec::new(),
        };
        self.change(name, |session, now| session.handle(Input::prompt(prompt, urgency), now));
    }

    /// Sends a prompt from a place to a session, and records it as an action.
    pub fn accept(&self, name: &SessionName, place: &Place, text: &str, urgency: Urgency) {
        self.record(RecordedAction::Prompted(name.clone(), text.to_owned()));
        self.send(name, place, text, urgency);
    }

    /// Records a post in a place.
    pub fn show(&self, place: &Place, reply: Reply) {
        self.record(RecordedAction::Posted(place.clone(), Box::new(reply)));
    }

    fn next_prompt(&self) -> PromptId {
        let mut inner = self.inner();
        inner.prompts += 1;
        PromptId(format!("prompt-{}", inner.prompts))
    }

    /// Returns the sessions that are active in a place, for any person.
    pub fn active_in(&self, place: &Place) -> BTreeSet<SessionName> {
        self.shared.sessions.active_in(place)
    }

    /// Records that a person has called a command in a place.
    pub fn add_member(&self, place: &Place, caller: &Caller) {
        let member = (place.clone(), ChatMember { id: caller.id.clone(), role: caller.role });
        let mut inner = self.inner();
        if !inner.members.contains(&member) {
            inner.members.push(member);
        }
    }
}

impl Inner {
    /// Records the sessions' new notices as posts, and collects the usage of their finished turns.
    fn collect_outputs(&mut self) {
        for (name, entry) in &mut self.sessions {
            self.usage.append(&mut entry.session.usage);
            for (place, notice) in entry.session.notices.drain(..) {
                self.actions.push(RecordedAction::Posted(
                    place,
                    Box::new(notice.reply(name).bind_to_session(entry.session.machine.record().id())),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests;
