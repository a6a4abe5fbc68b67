//! Owns the published snapshots of all sessions, and records which sessions are active in each place. A session's
//! actor, or the supervisor if there is no actor, writes its cell; the host API adds sessions and sets the active ones.
//! Readers never wait for an actor.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};

use arc_swap::ArcSwap;
use cordboard_core::{
    messages,
    types::{ActiveScope, Caller, Place, SessionName, SessionView, UserId},
    updates_and_posts::ButtonAction,
};
use cordboard_runtime::ArchiveFilter;
use tokio::sync::watch;

/// The snapshot of one session. The session's actor, or the supervisor if there is no actor, replaces it.
#[derive(Debug)]
pub struct SessionCell {
    view: ArcSwap<SessionView>,
    changed: watch::Sender<u64>,
}

impl SessionCell {
    #[must_use]
    pub fn view(&self) -> Arc<SessionView> {
        self.view.load_full()
    }

    pub fn publish(&self, view: SessionView) {
        self.view.store(Arc::new(view));
        self.changed.send_modify(|count| *count += 1);
    }
}

#[derive(Debug)]
pub struct SessionRegistry {
    cells: RwLock<BTreeMap<SessionName, Arc<SessionCell>>>,
    /// Sorted, so that the scopes of a place are next to each other.
    active: RwLock<BTreeMap<ActiveScope, SessionName>>,
    changed: watch::Sender<u64>,
}

impl SessionRegistry {
    #[must_use]
    pub fn new(views: Vec<SessionView>, active: Vec<(ActiveScope, SessionName)>) -> Self {
        let registry = Self {
            cells: RwLock::default(),
            active: RwLock::new(active.into_iter().collect()),
            changed: watch::Sender::new(0),
        };
        for view in views {
            registry.add(view);
        }
        registry
    }

    /// Adds a new session and returns its cell.
    pub fn add(&self, view: SessionView) -> Arc<SessionCell> {
        let name = view.record.name.clone();
        let cell = Arc::new(SessionCell { view: ArcSwap::from_pointee(view), changed: self.changed.clone() });
        self.cells.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::clone(&cell));
        self.changed.send_modify(|count| *count += 1);
        cell
    }

    #[must_use]
    pub fn cell(&self, name: &str) -> Option<Arc<SessionCell>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    #[must_use]
    pub fn view(&self, name: &str) -> Option<Arc<SessionView>> {
        self.cell(name).map(|cell| cell.view())
    }

    /// Returns the session that has this id.
    #[must_use]
    pub fn with_id(&self, id: &SessionName) -> Option<Arc<SessionView>> {
        // Fast path: most sessions' ids are their names.
        let same_name = self.view(id.as_str()).filter(|view| view.record.id() == id);
        same_name.or_else(|| self.views().into_iter().find(|view| view.record.id() == id))
    }

    /// Returns the current name of the session with this id, or the id if there is no such session.
    #[must_use]
    pub fn name_of(&self, id: &SessionName) -> SessionName {
        self.with_id(id).map_or_else(|| id.clone(), |view| view.record.name.clone())
    }

    /// Returns the id for a new session with this name.
    #[must_use]
    pub fn free_id(&self, name: &SessionName) -> SessionName {
        name.free_id(|id| self.with_id(id).is_some())
    }

    /// Replaces the name of a session whose snapshot already has the new name.
    pub fn rename(&self, from: &SessionName, to: &SessionName) {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.remove(from) {
            cells.insert(to.clone(), cell);
        }
        drop(cells);
        let mut active = self.active.write().unwrap_or_else(PoisonError::into_inner);
        active.values_mut().filter(|name| *name == from).for_each(|name| name.clone_from(to));
        drop(active);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Returns the session that has this conversation.
    #[must_use]
    pub fn with_conversation(&self, id: &str) -> Option<Arc<SessionView>> {
        self.views().into_iter().find(|view| view.record.conversation.as_deref() == Some(id))
    }

    /// Returns all sessions, sorted by name.
    #[must_use]
    pub fn views(&self) -> Vec<Arc<SessionView>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).values().map(|cell| cell.view()).collect()
    }

    /// Returns the reason why `caller` may not press a host button, or `None` if the press is allowed. A plugin checks
    /// the presses of its own buttons.
    #[must_use]
    pub fn press_refusal(&self, caller: &Caller, button: &ButtonAction) -> Option<String> {
        let session = button.session.as_ref().filter(|_| button.plugin.is_none())?;
        let view = self.with_id(session)?;
        (!caller.may_control(&view.record.owner)).then(messages::others_button)
    }

    /// Returns the sessions that `caller` may see and that match `filter`.
    #[must_use]
    pub fn visible_to(&self, caller: &Caller, filter: ArchiveFilter) -> Vec<Arc<SessionView>> {
        let mut views = self.views();
        let archived = filter == ArchiveFilter::Archived;
        views.retain(|view| view.record.archived == archived && caller.may_control(&view.record.owner));
        views
    }

    /// Returns a page of the sessions that `caller` may see, the most recently active first.
    #[must_use]
    pub fn page(&self, caller: &Caller, filter: ArchiveFilter, skip: usize, count: usize) -> Vec<Arc<SessionView>> {
        let mut views = self.visible_to(caller, filter);
        views.sort_by(|a, b| {
            b.record.last_active.cmp(&a.record.last_active).then_with(|| a.record.name.cmp(&b.record.name))
        });
        views.into_iter().skip(skip).take(count).collect()
    }

    /// Returns the session that is active for `caller` in `place`: the one shared by everybody if the caller may see
    /// it, or else the caller's own.
    #[must_use]
    pub fn active(&self, caller: &Caller, place: &Place) -> Option<Arc<SessionView>> {
        let scopes = [ActiveScope::everybody(place), ActiveScope::one(place, &caller.id)];
        let is_visible = |view: &Arc<SessionView>| caller.may_control(&view.record.owner);
        scopes.iter().find_map(|scope| self.bound(scope).filter(is_visible))
    }

    /// Returns the scope in which `caller` switches sessions in `place`. In the caller's private chat, and in a topic
    /// that has no active session or one that the caller may see, the switch applies to everybody. Elsewhere, it
    /// applies to the caller only.
    #[must_use]
    pub fn scope(&self, caller: &Caller, place: &Place) -> ActiveScope {
        let everybody = ActiveScope::everybody(place);
        let may_switch = || self.bound(&everybody).is_none_or(|view| caller.may_control(&view.record.owner));
        if caller.is_private_chat(place) || (place.topic.is_some() && may_switch()) {
            everybody
        } else {
            ActiveScope::one(place, &caller.id)
        }
    }

    /// Returns the active session of `scope`, unless it is archived.
    fn bound(&self, scope: &ActiveScope) -> Option<Arc<SessionView>> {
        let name = self.active.read().unwrap_or_else(PoisonError::into_inner).get(scope).cloned()?;
        self.view(name.as_str()).filter(|view| !view.record.archived)
    }

    /// Returns the sessions that are active in a place, for any person.
    #[must_use]
    pub fn active_in(&self, place: &Place) -> BTreeSet<SessionName> {
        let active = self.active.read().unwrap_or_else(PoisonError::into_inner);
        let from_here = active.range(ActiveScope::everybody(place)..);
        let here = from_here.take_while(|(scope, _)| scope.place == *place).map(|(_, name)| name.clone());
        let here: BTreeSet<SessionName> = here.collect();
        drop(active);
        here.into_iter().filter(|name| self.view(name.as_str()).is_some_and(|view| !view.record.archived)).collect()
    }

    pub fn bind(&self, scope: ActiveScope, name: &SessionName) {
        self.active.write().unwrap_or_else(PoisonError::into_inner).insert(scope, name.clone());
    }

    /// Makes the session inactive in every place.
    pub fn unbind(&self, name: &SessionName) {
        self.active.write().unwrap_or_else(PoisonError::into_inner).retain(|_, bound| bound != name);
    }

    /// Removes the active sessions of people in places for which `lost_access` returns true. Returns the removed
    /// scopes.
    pub fn unbind_people(&self, lost_access: impl Fn(&UserId, &Place) -> bool) -> Vec<ActiveScope> {
        let mut active = self.active.write().unwrap_or_else(PoisonError::into_inner);
        let is_lost =
            |scope: &ActiveScope| scope.person.as_ref().is_some_and(|person| lost_access(person, &scope.place));
        active.extract_if(.., |scope, _| is_lost(scope)).map(|(scope, _)| scope).collect()
    }

    /// Returns the number of agents that may be running.
    #[must_use]
    pub fn live_agents(&self) -> usize {
        self.cells
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .filter(|cell| cell.view.load().phase.is_live())
            .count()
    }

    /// Returns a counter that changes whenever a session changes.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
