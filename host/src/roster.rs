//! What everybody sees of the sessions: one published snapshot each, and which one is active where. Its writers are the session actors (their
//! own cell) and the desk (names and places); readers never wait for an actor.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use arc_swap::ArcSwap;
use cordboard_core::types::{Caller, Place, SessionName, SessionView};
use tokio::sync::watch;

/// One session's snapshot, replaced by its actor alone.
#[derive(Debug)]
pub struct Cell {
    view: ArcSwap<SessionView>,
    changed: watch::Sender<u64>,
}

impl Cell {
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
pub struct Roster {
    cells: RwLock<BTreeMap<SessionName, Arc<Cell>>>,
    places: RwLock<HashMap<Place, SessionName>>,
    changed: watch::Sender<u64>,
}

impl Roster {
    #[must_use]
    pub fn new(views: Vec<SessionView>, places: Vec<(Place, SessionName)>) -> Self {
        let roster = Self {
            cells: RwLock::default(),
            places: RwLock::new(places.into_iter().collect()),
            changed: watch::Sender::new(0),
        };
        for view in views {
            roster.add(view);
        }
        roster
    }

    /// Adds a new session and gives its cell.
    pub fn add(&self, view: SessionView) -> Arc<Cell> {
        let name = view.record.name.clone();
        let cell = Arc::new(Cell { view: ArcSwap::from_pointee(view), changed: self.changed.clone() });
        self.cells.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::clone(&cell));
        self.changed.send_modify(|count| *count += 1);
        cell
    }

    #[must_use]
    pub fn cell(&self, name: &str) -> Option<Arc<Cell>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    #[must_use]
    pub fn view(&self, name: &str) -> Option<Arc<SessionView>> {
        self.cell(name).map(|cell| cell.view())
    }

    /// All of them, by name.
    #[must_use]
    pub fn views(&self) -> Vec<Arc<SessionView>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).values().map(|cell| cell.view()).collect()
    }

    /// Those that `caller` may see, archived or not, in no order.
    #[must_use]
    pub fn seen_by(&self, caller: &Caller, archived: bool) -> Vec<Arc<SessionView>> {
        let mut views = self.views();
        views.retain(|view| view.record.archived == archived && caller.may_steer(&view.record.owner));
        views
    }

    /// The active session of a place, unless it was archived meanwhile.
    #[must_use]
    pub fn active(&self, place: &Place) -> Option<Arc<SessionView>> {
        let name = self.places.read().unwrap_or_else(PoisonError::into_inner).get(place).cloned()?;
        self.view(name.as_str()).filter(|view| !view.record.archived)
    }

    pub fn bind(&self, place: &Place, name: &SessionName) {
        self.places.write().unwrap_or_else(PoisonError::into_inner).insert(place.clone(), name.clone());
    }

    /// Clears every place whose active session it is.
    pub fn unbind(&self, name: &SessionName) {
        self.places.write().unwrap_or_else(PoisonError::into_inner).retain(|_, bound| bound != name);
    }

    /// How many agents may be alive now.
    #[must_use]
    pub fn live(&self) -> usize {
        self.cells
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .filter(|cell| cell.view.load().phase.is_live())
            .count()
    }

    /// Ticks at every change of any session.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
