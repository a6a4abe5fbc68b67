//! Reads what the status page and `cordboard top` show, and the values of the gauges. Secrets are removed from all texts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use cordboard_agents::process::{ProcessTrees, own_memory};
use cordboard_core::{
    scrub,
    types::{Caller, Exchange, Phase, Role, SessionName, SessionView, Timestamp, UserId},
};
use cordboard_metrics::{CallSummary, GaugeValues, QueueLengths};
use cordboard_runtime::{ActivatedVersion, HostApi, PluginStatus, Snapshot};
use cordboard_store::{OutboxReport, Store, StoreError};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, watch},
    time::Instant,
};

use crate::{
    control::{
        Activation, HostRows, HostStatus, PluginReport, PluginRow, PostState, QueueReport, SessionExchanges,
        SessionReport, SessionRow, StatusReader, post_rows,
    },
    logging::recent_problems,
};

/// The time for which a state, once read, is reused for all open pages.
const STATE_MAX_AGE: Duration = Duration::from_millis(200);

/// Like [`STATE_MAX_AGE`], for the values that take longer to read.
const POLLED_MAX_AGE: Duration = Duration::from_secs(2);

/// The maximum number of waiting posts, and of delivery problems, to show. The oldest posts and the newest problems are
/// shown.
const MAX_POSTS: usize = 50;

/// The number of exchanges that a session's page shows.
const EXCHANGES: usize = 10;

/// The parts of the host from which the state is read.
pub struct StateSources {
    pub rows: HostRows,
    pub store: Store,
    /// A weak reference, so that an open page doesn't keep the host from shutting down.
    pub host: Weak<dyn HostApi>,
}

pub struct StateReader {
    sources: StateSources,
    shared: Mutex<Option<(Instant, Arc<Value>)>>,
    polled: Mutex<Option<(Instant, Polled)>>,
}

/// The values that take longer to read and have no change notifications.
#[derive(Clone)]
struct Polled {
    /// The memory of each agent and its children in bytes, by the agent's pid.
    memory: Arc<BTreeMap<i32, u64>>,
    outbox: QueueReport,
}

/// The state that a page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct PageState {
    /// A [`HostStatus`] without secrets.
    host: Arc<Value>,
    session: Option<SessionHistory>,
}

/// A session's exchanges. They are read again if `turns` or `phase` has changed.
#[derive(Debug, Clone, PartialEq)]
struct SessionHistory {
    turns: u64,
    phase: Phase,
    /// [`SessionExchanges`] without secrets.
    exchanges: Value,
}

impl PageState {
    /// Returns the state as a server-sent event.
    pub fn event(&self, now: Timestamp) -> Bytes {
        Bytes::from(format!("data: {}\n\n", self.report(now)))
    }

    /// Returns a [`StatusReport`](crate::control::StatusReport) as JSON.
    fn report(&self, now: Timestamp) -> Value {
        let session = self.session.as_ref().map(|session| &session.exchanges);
        json!({ "now": now.0, "host": &*self.host, "session": session })
    }
}

#[async_trait]
impl StatusReader for StateReader {
    async fn report(&self, session: Option<&SessionName>) -> Value {
        self.page(session, None).await.report(self.now())
    }
}

impl StateReader {
    #[must_use]
    pub fn new(sources: StateSources) -> Self {
        Self { sources, shared: Mutex::default(), polled: Mutex::default() }
    }

    #[must_use]
    pub fn rows(&self) -> &HostRows {
        &self.sources.rows
    }

    pub fn now(&self) -> Timestamp {
        self.sources.rows.clock.wall()
    }

    /// Returns counters that change whenever a session or a plugin changes.
    pub fn changes(&self) -> (watch::Receiver<u64>, watch::Receiver<u64>) {
        (self.sources.rows.sessions.changes(), self.sources.rows.plugins.changes())
    }

    /// Returns the state for a page. `previous` is the state that the page shows.
    pub async fn page(&self, session: Option<&SessionName>, previous: Option<&PageState>) -> PageState {
        let host = self.shared_state().await;
        let known = previous.and_then(|state| state.session.as_ref());
        let session = match session {
            Some(name) => Some(self.history(name, known).await),
            None => None,
        };
        PageState { host, session }
    }

    async fn shared_state(&self) -> Arc<Value> {
        let mut shared = self.shared.lock().await;
        if let Some((at, state)) = &*shared
            && at.elapsed() < STATE_MAX_AGE
        {
            return Arc::clone(state);
        }
        let state = Arc::new(self.read().await);
        *shared = Some((Instant::now(), Arc::clone(&state)));
        state
    }

    async fn read(&self) -> Value {
        let rows = &self.sources.rows;
        let views = rows.sessions.views();
        let Polled { memory, outbox } = self.polled(&views).await;
        let reason = |view: &Arc<SessionView>| Some((view.record.name.to_string(), view.why.clone()?));
        let mut reasons: BTreeMap<String, String> = views.iter().filter_map(reason).collect();
        let session = |row: SessionRow| SessionReport {
            memory: row.pid.and_then(|pid| memory.get(&pid).copied()),
            why: reasons.remove(&row.name),
            row,
        };
        let snapshot = rows.plugins.snapshot();
        let status = HostStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            memory: own_memory(),
            sessions: rows.sessions().into_iter().map(session).collect(),
            requests: rows.requests(),
            plugins: snapshot.statuses().map(|status| plugin_report(&snapshot, status)).collect(),
            outbox,
            log: recent_problems(),
        };
        let mut state = json!(status);
        remove_secrets(&mut state);
        state
    }

    async fn polled(&self, views: &[Arc<SessionView>]) -> Polled {
        let mut polled = self.polled.lock().await;
        if let Some((at, values)) = &*polled
            && at.elapsed() < POLLED_MAX_AGE
        {
            return values.clone();
        }
        let values = Polled { memory: Arc::new(measure(views).await), outbox: self.outbox().await };
        *polled = Some((Instant::now(), values.clone()));
        values
    }

    async fn outbox(&self) -> QueueReport {
        let (report, inbox) = (self.sources.store.outbox_report().await, self.sources.store.count_open_updates().await);
        let (report, inbox) = match (report, inbox) {
            (Ok(report), Ok(inbox)) => (report, inbox),
            (Err(error), _) | (_, Err(error)) => {
                return QueueReport { error: Some(error.to_string()), ..QueueReport::default() };
            }
        };
        let waiting = report.waiting.len();
        let OutboxReport { log, waiting: mut posts } = report;
        posts.truncate(MAX_POSTS);
        let log = log[log.len().saturating_sub(MAX_POSTS)..].to_vec();
        QueueReport {
            inbox,
            waiting,
            posts: post_rows(OutboxReport { log: Vec::new(), waiting: posts }),
            problems: post_rows(OutboxReport { log, waiting: Vec::new() }),
            error: None,
        }
    }

    /// Returns the last exchanges of a session. Reads them only if they may have changed.
    async fn history(&self, name: &SessionName, known: Option<&SessionHistory>) -> SessionHistory {
        let failed = |why: &str| json!(exchanges(name, Err(why.to_owned())));
        let Some(view) = self.sources.rows.sessions.view(name.as_str()) else {
            let exchanges = failed("This session does not exist.");
            return SessionHistory { turns: 0, phase: Phase::Archived, exchanges };
        };
        let (turns, phase) = (view.record.turns, view.phase);
        if let Some(known) = known.filter(|known| known.turns == turns && known.phase == phase) {
            return known.clone();
        }
        let mut exchanges = match Weak::upgrade(&self.sources.host) {
            Some(host) => {
                let read = host.history(&operator(), name, EXCHANGES).await;
                json!(exchanges(name, read.map_err(|refusal| refusal.text)))
            }
            None => failed("The host is shutting down."),
        };
        remove_secrets(&mut exchanges);
        SessionHistory { turns, phase, exchanges }
    }

    /// Returns the values of the gauges.
    pub async fn levels(&self) -> Result<GaugeValues, StoreError> {
        let views = self.sources.rows.sessions.views();
        let report = self.sources.store.outbox_report().await?;
        let states: Vec<PostState> = report.waiting.iter().map(PostState::of).collect();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let in_state =
            |state: PostState| (state.as_str(), count(states.iter().filter(|other| **other == state).count()));
        let in_phase = |phase: Phase| (phase.as_str(), count(views.iter().filter(|view| view.phase == phase).count()));
        Ok(GaugeValues {
            sessions: Phase::ALL.map(in_phase).to_vec(),
            requests: count(views.iter().map(|view| view.requests.len()).sum()),
            agent_memory: measure(&views).await.values().sum(),
            host_memory: own_memory().unwrap_or_default(),
            queues: QueueLengths {
                outbox: PostState::ALL.map(in_state).to_vec(),
                inbox: self.sources.store.count_open_updates().await?,
            },
        })
    }
}

/// Returns the operator, who sees all sessions.
fn operator() -> Caller {
    Caller { id: UserId("console:local".to_owned()), name: "status page".to_owned(), role: Role::Owner }
}

/// Returns the memory of each agent and its children, by the agent's pid.
async fn measure(views: &[Arc<SessionView>]) -> BTreeMap<i32, u64> {
    let pids: Vec<i32> = views.iter().filter_map(|view| Some(view.record.process.as_ref()?.pid)).collect();
    if pids.is_empty() {
        return BTreeMap::new();
    }
    // Reading the process table can take milliseconds, and must not delay other tasks.
    let measure = move || {
        let trees = ProcessTrees::read();
        pids.into_iter().filter_map(|pid| Some((pid, trees.resident_memory(pid)?))).collect()
    };
    tokio::task::spawn_blocking(measure).await.unwrap_or_default()
}

fn exchanges(name: &SessionName, read: Result<Vec<Exchange>, String>) -> SessionExchanges {
    let name = name.to_string();
    match read {
        Ok(turns) => SessionExchanges { name, turns, error: None },
        Err(why) => SessionExchanges { name, turns: Vec::new(), error: Some(why) },
    }
}

fn plugin_report(snapshot: &Snapshot, status: PluginStatus) -> PluginReport {
    let name = status.name.clone();
    let summary = snapshot.version(&name).map(|version| version.calls.summary());
    let CallSummary { calls, failures, p50, p99 } = summary.unwrap_or_default();
    let activation = |one: &ActivatedVersion| Activation {
        digest: one.digest.clone(),
        generation: one.generation,
        since: one.since.0,
    };
    let activations = snapshot.activations(&name).iter().map(activation).collect();
    let rollbacks = snapshot.entry(&name).map(|entry| entry.rollout.rollbacks.clone()).unwrap_or_default();
    PluginReport { row: PluginRow::from(status), calls, failures, p50, p99, activations, rollbacks }
}

/// Removes secrets from all texts of a JSON value.
fn remove_secrets(value: &mut Value) {
    match value {
        Value::String(text) => *text = scrub::text(std::mem::take(text)),
        Value::Array(items) => items.iter_mut().for_each(remove_secrets),
        Value::Object(fields) => fields.values_mut().for_each(remove_secrets),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_from_every_text() {
        scrub::remember("<status test>", "a-secret-of-the-test");
        let mut value = json!({ "a": ["x a-secret-of-the-test y", { "b": "a-secret-of-the-test" }], "c": 1 });
        remove_secrets(&mut value);
        assert_eq!(value, json!({ "a": ["x <status test> y", { "b": "<status test>" }], "c": 1 }));
    }
}
