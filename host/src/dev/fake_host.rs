//! A host in memory: sessions, places and plugin state without agents and without a store. Commands take effect
//! immediately, and actions are recorded in order. Permissions are checked as on a real host.

mod commands;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cordboard_chat::console;
use cordboard_core::{
    messages,
    session::{ApiError, RefusalCode, SessionCommand},
    types::{Caller, Phase, Place, Reply, Role, SessionName, SessionRecord, SessionView, Timestamp, UserId},
};
use cordboard_runtime::{
    AdminCommand, AdminCommands, ArchiveFilter, CallContext, ChatMember, Choice, FakeNetwork, HostApi, Outcome,
    PluginState, SessionSpec, Swap, check_order, check_post, refuse,
};

use self::commands::apply;
use super::recorded_action::RecordedAction;

/// The idle timeout of a session that has none of its own.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

pub struct FakeHost {
    inner: Mutex<Inner>,
    agents: Vec<Choice>,
    far: Option<Arc<dyn FakeNetwork>>,
    /// Executes admin commands. Without it, they are checked and recorded.
    plug_board: OnceLock<AdminCommands>,
    personas: OnceLock<Personas>,
}

/// Returns the names of the active personas.
type Personas = Box<dyn Fn() -> Vec<String> + Send + Sync>;

struct Inner {
    now: Timestamp,
    sessions: BTreeMap<String, SessionView>,
    places: HashMap<Place, String>,
    keys: BTreeMap<(String, String), Vec<u8>>,
    deeds: Vec<RecordedAction>,
    /// The session of the pressed button, while its command is called.
    bound: Option<SessionName>,
    /// The people who have spoken in each place.
    met: Vec<(Place, ChatMember)>,
}

impl FakeHost {
    /// Creates a host with no sessions. Sessions can use `agents`; the first one is the default.
    #[must_use]
    pub fn new(now: Timestamp, agents: Vec<Choice>) -> Self {
        let (sessions, places, keys) = (BTreeMap::new(), HashMap::new(), BTreeMap::new());
        Self {
            inner: Mutex::new(Inner { now, sessions, places, keys, deeds: Vec::new(), bound: None, met: Vec::new() }),
            agents,
            far: None,
            plug_board: OnceLock::new(),
            personas: OnceLock::new(),
        }
    }

    /// Replaces the real network.
    #[must_use]
    pub fn with_far_side(self, far: Arc<dyn FakeNetwork>) -> Self {
        Self { far: Some(far), ..self }
    }

    /// Executes later admin commands with `orders`. Only the first call has an effect.
    pub fn carry_out(&self, orders: AdminCommands) {
        self.plug_board.get_or_init(|| orders);
    }

    /// Rejects unknown personas from now on. Only the first call has an effect.
    pub fn know_personas(&self, known: impl Fn() -> Vec<String> + Send + Sync + 'static) {
        self.personas.get_or_init(|| Box::new(known));
    }

    fn check_persona(&self, persona: Option<&str>) -> Result<(), ApiError> {
        let known = self.personas.get().map(|known| known());
        match (persona, known) {
            (Some(persona), Some(known)) if !known.iter().any(|one| one == persona) => {
                let known = known.iter().map(String::as_str);
                Err(refuse(RefusalCode::Invalid, messages::no_such("persona", persona, known)))
            }
            _ => Ok(()),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_now(&self, now: Timestamp) {
        self.inner().now = now;
    }

    /// Makes `session` the active one for the next calls, whichever session is active in their place.
    pub fn bind_call(&self, session: Option<SessionName>) {
        self.inner().bound = session;
    }

    /// Returns and removes the recorded actions.
    pub fn take_deeds(&self) -> Vec<RecordedAction> {
        std::mem::take(&mut self.inner().deeds)
    }

    /// Returns the recorded actions without removing them.
    pub fn deeds(&self) -> Vec<RecordedAction> {
        self.inner().deeds.clone()
    }

    /// Returns the state of all plugins, by plugin and key.
    pub fn kept(&self) -> BTreeMap<(String, String), Vec<u8>> {
        self.inner().keys.clone()
    }

    /// Adds a session, or replaces the session with that name.
    pub fn add(&self, view: SessionView) {
        self.inner().sessions.insert(view.record.name.to_string(), view);
    }

    /// Changes a session without recording an action. An unknown session is ignored.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut SessionView)) {
        self.inner().sessions.get_mut(name).map(change);
    }

    pub fn session(&self, name: &str) -> Option<SessionView> {
        self.inner().sessions.get(name).cloned()
    }

    /// Makes a session the active one of a place, as if a user had switched to it there.
    pub fn bind(&self, place: &Place, name: &SessionName) {
        self.inner().places.insert(place.clone(), name.to_string());
    }

    /// Records that a person speaks in a place.
    pub fn meet(&self, place: &Place, caller: &Caller) {
        let met = (place.clone(), ChatMember { id: caller.id.clone(), role: caller.role });
        let mut inner = self.inner();
        if !inner.met.contains(&met) {
            inner.met.push(met);
        }
    }

    fn seen(&self, caller: &Caller, name: &str) -> Result<SessionView, ApiError> {
        let view = self.session(name).ok_or_else(|| refuse(RefusalCode::Unknown, messages::unknown(name)))?;
        let taken = || refuse(RefusalCode::Denied, messages::taken(&view.record.name));
        caller.may_steer(&view.record.owner).then(|| view.clone()).ok_or_else(taken)
    }

    fn record(&self, caller: &Caller, blueprint: SessionSpec) -> Result<SessionRecord, ApiError> {
        let invalid = |text: String| refuse(RefusalCode::Invalid, text);
        let name: SessionName =
            blueprint.name.parse().map_err(|error: cordboard_core::types::InvalidName| invalid(format!("{error}.")))?;
        match self.inner().sessions.get(name.as_str()) {
            Some(there) if there.record.archived => Err(refuse(RefusalCode::Archived, messages::archived(&name)))?,
            Some(_) => return Err(refuse(RefusalCode::Exists, messages::exists(&name))),
            None => {}
        }
        self.check_persona(blueprint.persona.as_deref())?;
        let known: Vec<&str> = self.agents.iter().map(|agent| agent.name.as_str()).collect();
        let agent = blueprint.agent.unwrap_or_else(|| known.first().copied().unwrap_or("demo").to_owned());
        if !known.contains(&agent.as_str()) {
            return Err(invalid(messages::no_such("agent", &agent, known)));
        }
        let folder = blueprint.folder.unwrap_or_else(|| format!("/sessions/{name}"));
        let mut record = SessionRecord::new(name, caller.id.clone(), folder.into(), &agent, self.now());
        record.persona = blueprint.persona;
        record.model = blueprint.model;
        Ok(record)
    }
}

/// Returns the view of a session without a running agent.
#[must_use]
pub fn at_rest(record: SessionRecord) -> SessionView {
    SessionView {
        phase: Phase::Suspended,
        why: None,
        idle_timeout: record.idle_timeout.unwrap_or(IDLE_TIMEOUT),
        model: record.model.clone(),
        models: Vec::new(),
        queued: 0,
        dropped: Vec::new(),
        record,
    }
}

#[async_trait]
impl HostApi for FakeHost {
    fn now(&self) -> Timestamp {
        self.inner().now
    }

    fn active(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        let bound = self.inner().bound.clone();
        match bound {
            Some(bound) => self.find(caller, bound.as_str()),
            None => self.current(caller, place),
        }
    }

    fn current(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        let name = self.inner().places.get(place).cloned()?;
        self.seen(caller, &name).ok().filter(|view| !view.record.archived)
    }

    fn count(&self, caller: &Caller) -> usize {
        self.page(caller, ArchiveFilter::Current, 0, usize::MAX).len()
    }

    fn page(&self, caller: &Caller, shelf: ArchiveFilter, skip: usize, count: usize) -> Vec<SessionView> {
        let inner = self.inner();
        let shown = |view: &&SessionView| {
            view.record.archived == (shelf == ArchiveFilter::Archived) && caller.may_steer(&view.record.owner)
        };
        let mut views: Vec<_> = inner.sessions.values().filter(shown).cloned().collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.record.last_active));
        views.into_iter().skip(skip).take(count).collect()
    }

    fn find(&self, caller: &Caller, name: &str) -> Option<SessionView> {
        self.seen(caller, name).ok()
    }

    fn agents(&self) -> Vec<Choice> {
        self.agents.clone()
    }

    fn far_side(&self) -> Option<Arc<dyn FakeNetwork>> {
        self.far.clone()
    }

    async fn create(&self, caller: &Caller, blueprint: SessionSpec) -> Result<SessionView, ApiError> {
        let view = at_rest(self.record(caller, blueprint)?);
        self.add(view.clone());
        self.inner().deeds.push(RecordedAction::Created(Box::new(view.record.clone())));
        Ok(view)
    }

    async fn activate(&self, caller: &Caller, place: &Place, name: &SessionName) -> Result<SessionView, ApiError> {
        if self.seen(caller, name.as_str())?.record.archived {
            return Err(refuse(RefusalCode::Archived, messages::archived(name)));
        }
        self.bind(place, name);
        self.order(caller, name, SessionCommand::Touch(place.clone())).await
    }

    async fn order(&self, caller: &Caller, name: &SessionName, order: SessionCommand) -> Result<SessionView, ApiError> {
        self.seen(caller, name.as_str())?;
        if let SessionCommand::SetPersona(persona) = &order {
            self.check_persona(persona.as_deref())?;
        }
        let mut inner = self.inner();
        let now = inner.now;
        let unknown = || refuse(RefusalCode::Unknown, messages::unknown(name.as_str()));
        let view = inner.sessions.get_mut(name.as_str()).ok_or_else(unknown)?;
        apply(view, &order, now)?;
        let view = view.clone();
        inner.deeds.push(RecordedAction::Ordered(name.clone(), order));
        Ok(view)
    }

    async fn prompt(&self, caller: &Caller, name: &SessionName, text: String) -> Result<(), ApiError> {
        if self.seen(caller, name.as_str())?.record.place.is_none() {
            return Err(refuse(RefusalCode::Failed, messages::never_active(name)));
        }
        self.inner().deeds.push(RecordedAction::Prompted(name.clone(), text));
        Ok(())
    }

    async fn may_post(&self, asked: &CallContext, place: &Place) -> Result<(), String> {
        let met = self.inner().met.iter().filter(|(at, _)| at == place).map(|(_, one)| one.clone()).collect::<Vec<_>>();
        // The operator is the only person at the console.
        let seated = (place == console::place())
            .then(|| ChatMember { id: UserId("console:local".to_owned()), role: Role::Owner });
        check_post(asked, place, &met.into_iter().chain(seated).collect::<Vec<_>>())
    }

    async fn post(&self, place: &Place, reply: Reply) -> Result<(), String> {
        self.inner().deeds.push(RecordedAction::Posted(place.clone(), Box::new(reply)));
        Ok(())
    }

    async fn steer_plugin(&self, caller: Option<&Caller>, plugin: &str, order: AdminCommand) -> Outcome {
        if let Some(orders) = self.plug_board.get() {
            return orders.give(caller, plugin, order).await;
        }
        check_order(caller, &order)?;
        let said = format!("Noted: {} plugin '{plugin}'.", order.as_str());
        self.inner().deeds.push(RecordedAction::Steered(plugin.to_owned(), order));
        Ok(said)
    }
}

impl Inner {
    fn keep(&mut self, (plugin, key): (&str, &str), value: Option<Vec<u8>>, limit: usize) -> Result<(), String> {
        let at = (plugin.to_owned(), key.to_owned());
        let others = self.keys.iter().filter(|(other, _)| other.0 == plugin && **other != at);
        let size: usize = others.map(|((_, key), value)| key.len() + value.len()).sum();
        match &value {
            Some(value) if size + key.len() + value.len() > limit => {
                let size = size + key.len() + value.len();
                return Err(format!(
                    "the plugin would store {size} bytes, more than its limit: plugins.{plugin}.state = {limit}"
                ));
            }
            Some(value) => self.keys.insert(at, value.clone()),
            None => self.keys.remove(&at),
        };
        self.deeds.push(RecordedAction::StateSet(key.to_owned(), value));
        Ok(())
    }
}

#[async_trait]
impl PluginState for FakeHost {
    async fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.inner().keys.get(&(plugin.to_owned(), key.to_owned())).cloned())
    }

    async fn set(&self, plugin: &str, key: &str, value: Option<Vec<u8>>, limit: usize) -> Result<(), String> {
        self.inner().keep((plugin, key), value, limit)
    }

    async fn keys(&self, plugin: &str, prefix: &str) -> Result<Vec<String>, String> {
        let inner = self.inner();
        let own = inner.keys.keys().filter(|(owner, key)| owner == plugin && key.starts_with(prefix));
        Ok(own.map(|(_, key)| key.clone()).collect())
    }

    async fn swap(
        &self,
        plugin: &str,
        key: &str,
        change: Swap,
        limit: usize,
    ) -> Result<Result<(), Option<Vec<u8>>>, String> {
        // Yield, so that tests of concurrent changes do conflict.
        tokio::task::yield_now().await;
        let mut inner = self.inner();
        let found = inner.keys.get(&(plugin.to_owned(), key.to_owned())).cloned();
        if found != change.expected {
            return Ok(Err(found));
        }
        inner.keep((plugin, key), change.value, limit).map(Ok)
    }
}
