//! The hub: every accepted update goes into the lane of its place, and one after the other is served. It decides nothing else. It must never
//! await a plugin, an agent or a chat: serving runs beside the loop.

mod advisor;
mod desk;
mod doorway;
mod founding;
mod hooks;
mod kept;
mod ledger;
mod lines;
mod lookout;
mod posts;
mod refusals;
mod residents;
mod revoked;
mod serve;
mod setup;
mod stage;
mod tasks;

pub use advisor::Advisor;
pub use desk::Desk;
pub use doorway::Doorway;
pub use hooks::Hooks;
pub use lines::{Lines, Revived, sort};
pub use lookout::{Lookout, Open};
pub use posts::{Outlet, Posts};
pub use residents::{person_of, role};
pub use serve::Server;
pub use setup::{Live, plugin_settings};
pub use stage::Painter;

use std::{collections::HashMap, sync::Arc};

use cordboard_core::{
    chat::InboxRow,
    lane::{Full, Lane},
    types::Place,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use tasks::{Served, Tasks};

/// How many updates of one place may wait: a person does not type so many, a script that does is told.
const LANE: usize = 10_000;

/// Batches that wait for the hub; it never waits itself, so that a full box lasts a moment only.
const BATCHES: usize = 64;

/// Everything that can happen to the hub.
enum Event {
    Accepted(Vec<InboxRow>),
    Served(Served),
    Closed,
}

/// Everything it asks for.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
enum Action {
    Serve(Lanes, InboxRow),
    TellFull(InboxRow),
}

/// Whether a served update frees its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lanes {
    In,
    Beside,
}

/// Hands accepted updates to the hub.
pub type Intake = mpsc::Sender<Vec<InboxRow>>;

/// The way into a hub that is started later: a front-end opens first.
#[must_use]
pub fn intake() -> (Intake, mpsc::Receiver<Vec<InboxRow>>) {
    mpsc::channel(BATCHES)
}

/// A running hub.
pub struct Serving {
    closing: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Takes nothing more in, and returns when what was taken is served.
    pub async fn finish(self) {
        self.closing.send_replace(true);
        drop(self.task.await);
    }
}

pub struct Hub {
    lanes: HashMap<Place, Lane<InboxRow>>,
    jumps: Box<dyn Fn(&InboxRow) -> bool + Send>,
}

impl Hub {
    /// `jumps` tells which updates do not wait for the earlier ones of their place.
    fn new(jumps: impl Fn(&InboxRow) -> bool + Send + 'static) -> Self {
        Self { lanes: HashMap::new(), jumps: Box::new(jumps) }
    }

    fn handle(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Accepted(rows) => rows.into_iter().filter_map(|row| self.take(row)).collect(),
            Event::Served(Served::In(place)) => self.free(&place).into_iter().collect(),
            Event::Served(Served::Beside) | Event::Closed => Vec::new(),
        }
    }

    fn take(&mut self, row: InboxRow) -> Option<Action> {
        if (self.jumps)(&row) {
            return Some(Action::Serve(Lanes::Beside, row));
        }
        let lane = self.lanes.entry(row.update.place.clone()).or_insert_with(|| Lane::new(LANE));
        match lane.push(row) {
            Ok(next) => next.map(|row| Action::Serve(Lanes::In, row)),
            Err(Full(row)) => Some(Action::TellFull(row)),
        }
    }

    fn free(&mut self, place: &Place) -> Option<Action> {
        let lane = self.lanes.get_mut(place)?;
        let next = lane.finished();
        if lane.is_idle() {
            self.lanes.remove(place);
        }
        next.map(|row| Action::Serve(Lanes::In, row))
    }
}

/// Starts the hub.
#[must_use]
pub fn spawn(server: Arc<Server>, accepted: mpsc::Receiver<Vec<InboxRow>>) -> Serving {
    let asking = Arc::clone(&server);
    let hub = Hub::new(move |row| asking.jumps(row));
    let (closing, closed) = watch::channel(false);
    Serving { closing, task: tokio::spawn(run(hub, server, (accepted, closed))) }
}

async fn run(
    mut hub: Hub,
    server: Arc<Server>,
    (mut accepted, mut closed): (mpsc::Receiver<Vec<InboxRow>>, watch::Receiver<bool>),
) {
    let mut serving = Tasks::default();
    let mut open = true;
    while open || !serving.is_empty() {
        let event = tokio::select! {
            Ok(()) = closed.changed() => {
                // What lies in the box is still given out, then comes the end.
                accepted.close();
                continue;
            }
            Some(served) = serving.next() => Event::Served(served),
            rows = accepted.recv(), if open => rows.map_or(Event::Closed, Event::Accepted),
        };
        open &= !matches!(event, Event::Closed);
        for action in hub.handle(event) {
            let server = Arc::clone(&server);
            match action {
                Action::Serve(Lanes::In, row) => {
                    let place = row.update.place.clone();
                    serving.spawn(Served::In(place), async move { server.serve(row).await });
                }
                Action::Serve(Lanes::Beside, row) => {
                    serving.spawn(Served::Beside, async move { server.serve(row).await });
                }
                Action::TellFull(row) => serving.spawn(Served::Beside, async move { server.tell_full(row).await }),
            }
        }
    }
}
