//! A board in memory: sessions, places and keys without agents and without a store. Orders take effect at once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
    time::Duration,
};

use async_trait::async_trait;
use cordboard::plugin::{Blueprint, Board, Choice, KeyValues, Orders, Outcome, PlugOrder, Shelf, Swap, refuse};
use cordboard_core::{
    session::{Order, Refusal, RefusalCode, Waiting},
    types::{Caller, Moment, Phase, Place, Reply, SessionName, SessionRecord, SessionView},
};

/// When everything on this board happens, until a test says otherwise.
pub const NOW: Moment = Moment(1_000_000_000);

#[derive(Default)]
pub struct FakeBoard {
    sessions: Mutex<BTreeMap<String, SessionView>>,
    places: Mutex<HashMap<Place, String>>,
    pub keys: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    pub orders: Mutex<Vec<(String, Order)>>,
    pub prompts: Mutex<Vec<(String, String)>>,
    pub posts: Mutex<Vec<(Place, Reply)>>,
    /// What time it is, where a test says so.
    pub clock: Mutex<Option<Moment>>,
    /// Where orders to the plug board go, if anybody carries them out.
    pub plug_orders: Mutex<Option<Orders>>,
}

pub fn refusal(code: RefusalCode, text: &str) -> Refusal {
    Refusal { code, text: text.to_owned() }
}

impl FakeBoard {
    /// Changes a session behind everybody's back.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut SessionView)) {
        change(self.sessions.lock().unwrap().get_mut(name).expect("the session is there"));
    }

    pub fn add(&self, view: SessionView) {
        self.sessions.lock().unwrap().insert(view.record.name.to_string(), view);
    }

    fn seen(&self, caller: &Caller, name: &str) -> Result<SessionView, Refusal> {
        let sessions = self.sessions.lock().unwrap();
        let view = sessions.get(name).filter(|view| caller.may_steer(&view.record.owner)).cloned();
        view.ok_or_else(|| refusal(RefusalCode::Unknown, "the board does not know it"))
    }
}

/// A session of `owner` at rest.
pub fn session(name: &str, owner: &Caller) -> SessionView {
    let name: SessionName = name.parse().expect("a session's name");
    SessionView {
        record: SessionRecord::new(name, owner.id.clone(), "/tmp/x".into(), "demo", NOW),
        phase: Phase::Suspended,
        why: None,
        idle_timeout: Duration::from_secs(600),
        model: None,
        models: Vec::new(),
        queued: 0,
    }
}

fn apply(view: &mut SessionView, order: &Order) -> Result<(), Refusal> {
    match order {
        Order::Archive if view.phase == Phase::Busy => {
            return Err(refusal(RefusalCode::Busy, "It is busy. /stop it first."));
        }
        Order::Restore if !view.record.archived => {
            return Err(refusal(RefusalCode::Exists, "it is there"));
        }
        Order::Retry(_) | Order::Leave if view.phase != Phase::Asking => {
            return Err(refusal(RefusalCode::Failed, "Nothing to retry."));
        }
        Order::Touch(place) => view.record.place = Some(place.clone()),
        Order::Start | Order::Retry(_) | Order::Fresh | Order::Leave => view.phase = Phase::Idle,
        Order::Suspend => view.phase = Phase::Suspended,
        Order::Interrupt(waiting) => {
            view.phase = Phase::Idle;
            view.queued = if *waiting == Waiting::Drop { 0 } else { view.queued };
        }
        Order::Archive => view.record.archived = true,
        Order::Restore => view.record.archived = false,
        Order::SetIdleTimeout(timeout) => {
            view.record.idle_timeout = *timeout;
            view.idle_timeout = timeout.unwrap_or(view.idle_timeout);
        }
        Order::SetModel(model) => view.model.clone_from(model),
        Order::SetPersona(persona) => view.record.persona.clone_from(persona),
        Order::SetMode(mode) => view.record.mode.clone_from(mode),
    }
    Ok(())
}

#[async_trait]
impl Board for FakeBoard {
    fn now(&self) -> Moment {
        self.clock.lock().unwrap().unwrap_or(NOW)
    }

    fn active(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        let name = self.places.lock().unwrap().get(place).cloned()?;
        self.seen(caller, &name).ok().filter(|view| !view.record.archived)
    }

    fn count(&self, caller: &Caller) -> usize {
        self.page(caller, Shelf::Current, 0, usize::MAX).len()
    }

    fn page(&self, caller: &Caller, shelf: Shelf, skip: usize, count: usize) -> Vec<SessionView> {
        let sessions = self.sessions.lock().unwrap();
        let shown = |view: &&SessionView| {
            view.record.archived == (shelf == Shelf::Archived) && caller.may_steer(&view.record.owner)
        };
        let mut views: Vec<_> = sessions.values().filter(shown).cloned().collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.record.last_active));
        views.into_iter().skip(skip).take(count).collect()
    }

    fn find(&self, caller: &Caller, name: &str) -> Option<SessionView> {
        self.seen(caller, name).ok()
    }

    fn agents(&self) -> Vec<Choice> {
        vec![Choice { name: "demo".to_owned(), description: "demo".to_owned() }]
    }

    async fn create(&self, caller: &Caller, blueprint: Blueprint) -> Result<SessionView, Refusal> {
        let mut sessions = self.sessions.lock().unwrap();
        match sessions.get(&blueprint.name) {
            Some(view) if view.record.archived => return Err(refusal(RefusalCode::Archived, "it is archived")),
            Some(_) => return Err(refusal(RefusalCode::Exists, "it is there")),
            None => {}
        }
        let mut view = session(&blueprint.name, caller);
        view.record.persona = blueprint.persona;
        sessions.insert(blueprint.name, view.clone());
        Ok(view)
    }

    async fn activate(&self, caller: &Caller, place: &Place, name: &SessionName) -> Result<SessionView, Refusal> {
        if self.seen(caller, name.as_str())?.record.archived {
            return Err(refusal(RefusalCode::Archived, "it is archived"));
        }
        self.places.lock().unwrap().insert(place.clone(), name.to_string());
        self.order(caller, name, Order::Touch(place.clone())).await
    }

    async fn order(&self, caller: &Caller, name: &SessionName, order: Order) -> Result<SessionView, Refusal> {
        self.seen(caller, name.as_str())?;
        let mut sessions = self.sessions.lock().unwrap();
        let view = sessions.get_mut(name.as_str()).expect("it was seen");
        apply(view, &order)?;
        self.orders.lock().unwrap().push((name.to_string(), order));
        Ok(view.clone())
    }

    async fn prompt(&self, caller: &Caller, name: &SessionName, text: String) -> Result<(), Refusal> {
        self.seen(caller, name.as_str())?;
        self.prompts.lock().unwrap().push((name.to_string(), text));
        Ok(())
    }

    async fn post(&self, place: &Place, reply: Reply) -> Result<(), String> {
        self.posts.lock().unwrap().push((place.clone(), reply));
        Ok(())
    }

    async fn steer_plugin(&self, caller: Option<&Caller>, plugin: &str, order: PlugOrder) -> Outcome {
        let orders = self.plug_orders.lock().unwrap().clone();
        match orders {
            Some(orders) => orders.give(caller, plugin, order).await,
            None => Err(refuse(RefusalCode::Failed, "nobody swaps plugins here")),
        }
    }
}

#[async_trait]
impl KeyValues for FakeBoard {
    async fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.keys.lock().unwrap().get(&(plugin.to_owned(), key.to_owned())).cloned())
    }

    async fn set(&self, plugin: &str, key: &str, value: Option<Vec<u8>>, _limit: usize) -> Result<(), String> {
        let mut keys = self.keys.lock().unwrap();
        let at = (plugin.to_owned(), key.to_owned());
        match value {
            Some(value) => keys.insert(at, value),
            None => keys.remove(&at),
        };
        Ok(())
    }

    async fn keys(&self, plugin: &str, prefix: &str) -> Result<Vec<String>, String> {
        let keys = self.keys.lock().unwrap();
        Ok(keys
            .keys()
            .filter(|(owner, key)| owner == plugin && key.starts_with(prefix))
            .map(|at| at.1.clone())
            .collect())
    }

    async fn swap(
        &self,
        plugin: &str,
        key: &str,
        change: Swap,
        limit: usize,
    ) -> Result<Result<(), Option<Vec<u8>>>, String> {
        // A moment's pause, so that two who count at once do meet.
        tokio::task::yield_now().await;
        let found = self.get(plugin, key).await?;
        if found != change.expected {
            return Ok(Err(found));
        }
        self.set(plugin, key, change.value, limit).await.map(Ok)
    }
}
