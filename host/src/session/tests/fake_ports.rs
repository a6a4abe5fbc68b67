//! Fake ports for one session, which record everything that is stored, shown or queried in a single sequence.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cordboard_agents::process::{Environment, OwnFiles};
use cordboard_core::{
    agent_event::PromptId,
    budget::Budget,
    config::{Agent, AgentKind, Busy, Limits, SandboxKind},
    event::SessionEvent,
    messages::SessionNotice,
    session::{Input, Prompt, Settings, Ticket, Verdict},
    time_zone::Zone,
    turn::{Turn, TurnPart, TurnState},
    types::{AuditEntry, Phase, Place, PromptKind, SessionName, SessionRecord, UsageEntry, UserId},
};
use cordboard_store::StoreError;
use tempfile::TempDir;
use tokio::sync::{Notify, watch};

use super::super::{
    EventSink, Handle, PluginQueries, PluginQuery, Ports, PromptOutcomes, Query, SessionConfig, SessionOutput,
    SessionStore, TurnSink, spawn,
};
use crate::{clock::Clock, session_registry::SessionRegistry};

pub struct Fakes {
    recorder: Arc<Recorder>,
    command: PathBuf,
    bwrap: Option<PathBuf>,
    folder: TempDir,
    pub registry: Arc<SessionRegistry>,
    pub check_limits: Arc<Notify>,
}

/// Everything that the ports recorded.
#[derive(Default)]
struct Recorded {
    calls: Vec<String>,
    events: Vec<SessionEvent>,
    stored: Option<SessionRecord>,
    last: Option<Turn>,
    notice: Option<SessionNotice>,
    review: Option<Ticket>,
    full: bool,
}

struct Recorder {
    recorded: Mutex<Recorded>,
    ticks: watch::Sender<u64>,
}

struct Agents {
    command: PathBuf,
    script: String,
    /// The folder that contains the `bwrap` program for the agent's sandbox.
    bwrap: Option<PathBuf>,
}

pub fn prompt(id: &str) -> Prompt {
    Prompt {
        id: PromptId(id.to_owned()),
        place: Place::new("test", "home"),
        kind: PromptKind::Text,
        text: "hello".to_owned(),
        mode: None,
        files: Vec::new(),
    }
}

/// Returns a handle to an actor that has ended.
pub fn ended_handle() -> Handle {
    Handle { messages: tokio::sync::mpsc::channel(1).0 }
}

impl Fakes {
    /// Uses this shell script as the agent.
    pub fn new(script: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("agent.sh");
        std::fs::write(&path, script).unwrap();
        Self { command: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/agent.sh").into(), ..Self::with(folder) }
    }

    /// Uses an agent whose program does not exist.
    pub fn missing() -> Self {
        Self { command: "/nonexistent/agent".into(), ..Self::with(TempDir::new().unwrap()) }
    }

    /// Uses this shell script as the `bwrap` of an agent in a sandbox.
    pub fn in_sandbox(bwrap: &str) -> Self {
        let fakes = Self::new("");
        let folder = fakes.folder.path().join("bin");
        let file = folder.join("bwrap");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(&file, format!("#!/bin/sh\n{bwrap}")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { bwrap: Some(folder), ..fakes }
    }

    fn with(folder: TempDir) -> Self {
        let recorder = Arc::new(Recorder { recorded: Mutex::default(), ticks: watch::Sender::new(0) });
        Self {
            recorder,
            command: PathBuf::new(),
            bwrap: None,
            folder,
            registry: Arc::new(SessionRegistry::new(Vec::new(), Vec::new())),
            check_limits: Arc::default(),
        }
    }

    pub fn session(&self) -> Handle {
        let owner = UserId("console:local".to_owned());
        let clock = Clock::system();
        let name: SessionName = "x".parse().unwrap();
        let folder = crate::session::folder(self.folder.path(), &name);
        let record = SessionRecord::new(name, owner, folder, "script", clock.now());
        let machine = cordboard_core::session::Machine::new(record.clone(), settings());
        let cell = self.registry.add(machine.view());
        let recorder = Arc::clone(&self.recorder);
        let script = self.folder.path().join("agent.sh").display().to_string();
        let ports = Ports {
            clock,
            environment: Environment::default(),
            host_id: uuid::Uuid::new_v4().to_string().into(),
            state_dir: self.folder.path().into(),
            own_files: Arc::new(OwnFiles::default),
            store: Arc::<Recorder>::clone(&recorder),
            queries: Arc::<Recorder>::clone(&recorder),
            config: Arc::new(Agents { command: self.command.clone(), script, bwrap: self.bwrap.clone() }),
            events: Arc::<Recorder>::clone(&recorder),
            language: Arc::new(|_| None),
            registry: Arc::clone(&self.registry),
            check_limits: Arc::clone(&self.check_limits),
            outcomes: PromptOutcomes::default(),
        };
        spawn(record, cell, recorder, ports)
    }

    fn recorded<T>(&self, read: impl FnOnce(&mut Recorded) -> T) -> T {
        read(&mut self.recorder.recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the emitted events.
    pub fn events(&self) -> Vec<SessionEvent> {
        self.recorded(|recorded| recorded.events.clone())
    }

    pub fn calls(&self) -> Vec<String> {
        self.recorded(|recorded| recorded.calls.clone())
    }

    pub fn stored(&self) -> SessionRecord {
        self.recorded(|recorded| recorded.stored.clone()).unwrap()
    }

    pub fn notice(&self) -> Option<SessionNotice> {
        self.recorded(|recorded| recorded.notice.clone())
    }

    /// Returns the text of the last finished turn, and its final state.
    pub fn answer(&self) -> (String, TurnState) {
        let turn = self.recorded(|recorded| recorded.last.clone()).unwrap();
        let texts = turn.parts.iter().filter_map(|part| match part {
            TurnPart::Text(text) => Some(text.as_str()),
            TurnPart::Action(_) => None,
        });
        (texts.collect(), turn.state)
    }

    /// Sets whether the store fails from now on.
    pub fn full_disk(&self, full: bool) {
        self.recorded(|recorded| recorded.full = full);
    }

    /// Waits until a conversation id is stored.
    pub async fn conversation(&self) {
        let mut ticks = self.recorder.ticks.subscribe();
        while self.recorded(|recorded| recorded.stored.as_ref().is_none_or(|record| record.conversation.is_none())) {
            ticks.changed().await.unwrap();
        }
    }

    pub async fn until(&self, what: &str) {
        let mut ticks = self.recorder.ticks.subscribe();
        while !self.calls().iter().any(|one| one == what) {
            ticks.changed().await.unwrap();
        }
    }

    /// Waits until `enough` returns true for the emitted events.
    pub async fn until_events(&self, enough: impl Fn(&[SessionEvent]) -> bool) {
        let mut ticks = self.recorder.ticks.subscribe();
        while !enough(&self.events()) {
            ticks.changed().await.unwrap();
        }
    }

    pub async fn phase(&self, wanted: Phase) {
        let mut changes = self.registry.changes();
        while self.registry.view("x").unwrap().phase != wanted {
            changes.changed().await.unwrap();
        }
    }

    /// Answers the latest review query, even if it has already been answered.
    pub async fn answer_review(&self, session: &Handle, verdict: Verdict) {
        let ticket = self.recorded(|recorded| recorded.review).unwrap();
        session.send(Input::Verdict { ticket, verdict }).await;
    }

    /// Shuts the session down as the host does. Returns when no process is left.
    pub async fn end(&self, session: Handle) {
        session.send(Input::Shutdown).await;
        let mut changes = self.registry.changes();
        while self.registry.view("x").unwrap().phase.is_live() {
            changes.changed().await.unwrap();
        }
    }
}

/// The settings of the tests, with an idle timeout that is short enough to wait for.
fn settings() -> Settings {
    Settings {
        idle_timeout: Duration::from_millis(100),
        busy: Busy::Queue,
        max_queued: 3,
        max_interrupted: 100,
        stall: Duration::ZERO,
        request_expiry: Duration::from_secs(1800),
        deny_tools: Vec::new(),
        home: None,
        model: None,
        folder: None,
        agent: None,
    }
}

impl Recorder {
    fn record_call(&self, what: &str, change: impl FnOnce(&mut Recorded)) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut recorded);
        recorded.calls.push(what.to_owned());
        drop(recorded);
        self.ticks.send_modify(|ticks| *ticks += 1);
    }

    fn store(&self, what: &str, change: impl FnOnce(&mut Recorded)) -> Result<(), StoreError> {
        if self.recorded.lock().unwrap_or_else(PoisonError::into_inner).full {
            return Err(StoreError::Full { what: what.to_owned(), file: "store".into() });
        }
        self.record_call(what, change);
        Ok(())
    }
}

#[async_trait]
impl SessionStore for Recorder {
    async fn save(&self, record: &SessionRecord) -> Result<(), StoreError> {
        // Yield to other tasks, as a real store does.
        tokio::task::yield_now().await;
        let process = if record.process.is_some() { "process" } else { "nothing" };
        self.store(&format!("saved {process}"), |recorded| recorded.stored = Some(record.clone()))?;
        self.store(&format!("saved turns={}", record.turns), |_| {})
    }

    async fn rename(&self, from: &SessionName, record: &SessionRecord) -> Result<(), StoreError> {
        self.store(&format!("rename {from}"), |recorded| recorded.stored = Some(record.clone()))
    }

    /// Returns a budget with a limit of one dollar, as if this were the only turn of the day.
    async fn save_turn(&self, record: &SessionRecord, usage: UsageEntry) -> Result<Option<Budget>, StoreError> {
        self.save(record).await?;
        let spent = usage.cost_usd.unwrap_or_default();
        Ok(Some(Budget::of_day(1.0, spent, usage.at, &Zone::utc())))
    }

    async fn requeue(&self, _record: &SessionRecord, prompt: &Prompt) -> Result<(), StoreError> {
        self.store(&format!("requeue {}", prompt.id.0), |_| {})
    }

    async fn mark_sent(&self, prompt: &PromptId) -> Result<(), StoreError> {
        self.store(&format!("mark sent {}", prompt.0), |_| {})
    }

    async fn mark_queued(&self, prompt: &PromptId) -> Result<(), StoreError> {
        self.store(&format!("mark queued {}", prompt.0), |_| {})
    }

    async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.store(&format!("audit {}", entry.outcome), |_| {})
    }

    async fn complete(&self, prompt: &PromptId) -> Result<(), StoreError> {
        self.store(&format!("complete {}", prompt.0), |_| {})
    }
}

impl PluginQueries for Recorder {
    fn ask(&self, query: PluginQuery, _session: Handle) {
        match query.query {
            Query::Persona { .. } => self.record_call("persona", |_| {}),
            Query::Review { .. } => self.record_call("review", |recorded| recorded.review = Some(query.ticket)),
            Query::ResumeNotice { .. } => self.record_call("resume notice", |_| {}),
            Query::Permission(_) => self.record_call("permission", |_| {}),
        }
    }
}

impl TurnSink for Recorder {
    fn show(&self, output: SessionOutput) {
        match output {
            SessionOutput::Frame(..) => self.record_call("frame", |_| {}),
            SessionOutput::Requeued(_, turn) => self.record_call(&format!("requeued {}", turn.0), |_| {}),
            SessionOutput::Finished(turn, _) => {
                self.record_call(&format!("final {}", turn.prompt.0.clone()), |recorded| recorded.last = Some(turn))
            }
            SessionOutput::Interrupted(turn, _) => self.record_call(&format!("interrupted {}", turn.prompt.0), |_| {}),
            SessionOutput::RequestClosed { choice, .. } => self.record_call(&format!("{choice:?}"), |_| {}),
            SessionOutput::Notice { notice, completes, .. } => {
                let what = completes.map_or("notice".to_owned(), |prompt| format!("notice completes {}", prompt.0));
                self.record_call(&what, |recorded| recorded.notice = Some(notice));
            }
        }
    }

    fn stopping(&self, _place: &Place, turn: &PromptId) {
        self.record_call(&format!("stopping {}", turn.0), |_| {});
    }
}

impl SessionConfig for Agents {
    fn settings(&self, _record: &SessionRecord) -> Settings {
        settings()
    }

    fn agent(&self, _name: &str) -> Option<Agent> {
        let mut agent = Agent::new(AgentKind::Claude);
        agent.command = Some(self.command.to_string_lossy().into_owned());
        agent.env.insert("SCRIPT".to_owned(), self.script.clone());
        if let Some(folder) = &self.bwrap {
            agent.env.insert("PATH".to_owned(), format!("{}:/usr/bin:/bin", folder.display()));
            agent.sandbox.kind = SandboxKind::Bwrap;
        }
        Some(agent)
    }

    fn limits(&self) -> Limits {
        Limits::default()
    }
}

impl EventSink for Recorder {
    fn emit(&self, event: SessionEvent) {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).events.push(event);
        self.ticks.send_modify(|count| *count += 1);
    }

    fn waiting(&self) -> Vec<String> {
        Vec::new()
    }
}
