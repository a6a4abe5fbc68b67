//! The hub puts every accepted update into the queue of its place and dispatches the updates of a place one at a time,
//! in order. Its loop must not await a plugin, an agent or a chat: dispatching runs in separate tasks.

mod access_withdrawal;
mod button_press;
mod dispatch;
mod event_bus;
mod host_api;
mod in_flight;
mod ingress;
mod live_config;
mod outbound;
pub(crate) mod refusal_texts;
mod sessions;
mod store_adapters;

pub use dispatch::Dispatcher;
pub use event_bus::EventBus;
pub use host_api::HostService;
pub use host_api::chat_members::{person_of, role};
pub use ingress::InboxWriter;
pub use live_config::{LiveConfig, plugin_settings};
pub use outbound::{Outbound, OutboundSink};
pub use sessions::plugin_queries::PluginQueries;
pub use sessions::presenter::TurnRenderer;
pub use sessions::quiescence::{OpenWork, QuiescenceWaiter};
pub use sessions::supervisor::{Revived, SessionSupervisor, sort};
pub(crate) use {
    button_press::{Changes, Press},
    dispatch::{error_text, not_addressed, waits},
    host_api::{
        agents,
        create_session::{NewSession, check_persona},
    },
    sessions::plugin_queries::Query,
};

use std::{collections::HashMap, sync::Arc, time::Duration};

use cordboard_core::{
    chat::{InboxRow, UpdateKind},
    message_parts::{JoinedUpdate, PartJoiner},
    place_queue::{PlaceQueue, QueueFull},
    types::{Place, Timestamp},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use in_flight::{Served, Tasks};

/// The maximum number of waiting updates per place. A person does not type that many; a script that exceeds the limit
/// gets an error reply.
const LANE: usize = 10_000;

/// The capacity of the channel into the hub, in batches. The loop never blocks, so a full channel drains quickly.
const BATCHES: usize = 64;

/// The events of the loop.
enum Event {
    Accepted(Vec<InboxRow>),
    /// The time to wait for further parts of a message has elapsed.
    Due,
    Served(Served),
    Closed,
}

/// The effects that an event requests.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
enum Action {
    Serve(Lanes, JoinedUpdate),
    TellFull(JoinedUpdate),
}

/// Whether an update occupies the queue of its place while it is dispatched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lanes {
    In,
    Beside,
}

/// Sends accepted updates to the hub.
pub type Intake = mpsc::Sender<Vec<InboxRow>>;

/// Creates the channel into the hub. The front-end opens before the hub starts, so the channel is created first.
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
    /// Stops accepting updates. Returns when all accepted updates have been dispatched and their tasks have finished.
    pub async fn finish(self) {
        self.closing.send_replace(true);
        drop(self.task.await);
    }
}

pub struct Hub {
    parts: PartJoiner,
    lanes: HashMap<Place, PlaceQueue<JoinedUpdate>>,
    jumps: Box<dyn Fn(&InboxRow) -> bool + Send>,
}

impl Hub {
    /// `jumps` returns true for an update that bypasses the queue of its place.
    fn new(jumps: impl Fn(&InboxRow) -> bool + Send + 'static) -> Self {
        Self { parts: PartJoiner::default(), lanes: HashMap::new(), jumps: Box::new(jumps) }
    }

    /// `patience` is how long a part of a message waits for the next one.
    fn handle(&mut self, event: Event, now: Timestamp, patience: Duration) -> Vec<Action> {
        let joined = match event {
            Event::Accepted(rows) => rows.into_iter().flat_map(|row| self.join(row, now, patience)).collect(),
            Event::Due => self.parts.due(now),
            Event::Closed => self.parts.flush(),
            Event::Served(Served::In(place)) => return self.free(&place).into_iter().collect(),
            Event::Served(Served::Beside) => Vec::new(),
        };
        joined.into_iter().filter_map(|one| self.take(one)).collect()
    }

    fn join(&mut self, row: InboxRow, now: Timestamp, patience: Duration) -> Vec<JoinedUpdate> {
        match row.update.what {
            // An edit changes waiting updates, so it must not wait behind them.
            UpdateKind::Edited(_) => vec![JoinedUpdate { row, absorbed: Vec::new() }],
            UpdateKind::Text(_) | UpdateKind::NotText { .. } | UpdateKind::Press { .. } => {
                self.parts.push(row, now, patience)
            }
        }
    }

    fn take(&mut self, one: JoinedUpdate) -> Option<Action> {
        if matches!(one.row.update.what, UpdateKind::Edited(_)) || (self.jumps)(&one.row) {
            return Some(Action::Serve(Lanes::Beside, one));
        }
        let lane = self.lanes.entry(one.row.update.place.clone()).or_insert_with(|| PlaceQueue::new(LANE));
        match lane.push(one) {
            Ok(next) => next.map(|one| Action::Serve(Lanes::In, one)),
            Err(QueueFull(one)) => Some(Action::TellFull(one)),
        }
    }

    fn free(&mut self, place: &Place) -> Option<Action> {
        let lane = self.lanes.get_mut(place)?;
        let next = lane.finished();
        if lane.is_idle() {
            self.lanes.remove(place);
        }
        next.map(|one| Action::Serve(Lanes::In, one))
    }
}

/// Starts the hub on its own task.
#[must_use]
pub fn spawn(server: Arc<Dispatcher>, accepted: mpsc::Receiver<Vec<InboxRow>>) -> Serving {
    let asking = Arc::clone(&server);
    let hub = Hub::new(move |row| asking.jumps(row));
    let (closing, closed) = watch::channel(false);
    Serving { closing, task: tokio::spawn(run(hub, server, (accepted, closed))) }
}

async fn run(
    mut hub: Hub,
    server: Arc<Dispatcher>,
    (mut accepted, mut closed): (mpsc::Receiver<Vec<InboxRow>>, watch::Receiver<bool>),
) {
    let mut serving = Tasks::default();
    let mut open = true;
    let clock = server.desk.clock;
    while open || !serving.is_empty() {
        let due = hub.parts.deadline().map(|at| clock.instant(at));
        let due = async {
            match due {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            Ok(()) = closed.changed() => {
                // Updates that are already in the channel are still received before it reports its end.
                accepted.close();
                continue;
            }
            Some(served) = serving.next() => Event::Served(served),
            rows = accepted.recv(), if open => rows.map_or(Event::Closed, Event::Accepted),
            () = due => Event::Due,
        };
        open &= !matches!(event, Event::Closed);
        let patience = server.desk.config().telegram.gather;
        for action in hub.handle(event, clock.now(), patience) {
            let server = Arc::clone(&server);
            match action {
                Action::Serve(Lanes::In, one) => {
                    let place = one.row.update.place.clone();
                    serving.spawn(Served::In(place), async move { server.serve(one).await });
                }
                Action::Serve(Lanes::Beside, one) => {
                    serving.spawn(Served::Beside, async move { server.serve(one).await });
                }
                Action::TellFull(one) => serving.spawn(Served::Beside, async move { server.tell_full(one).await }),
            }
        }
    }
}
