//! Fake ports of one session. They record what is stored, shown and queried, in one order.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cordboard_agents::process::Environment;
use cordboard_core::{
    agent::PromptId,
    config::{Agent, AgentKind},
    event::SessionEvent,
    messages::SessionNotice,
    session::{Input, Prompt, Settings, Ticket, Verdict},
    turn::{Turn, TurnPart, TurnState},
    types::{Phase, Place, SessionRecord, SessionView, UserId},
};
use tempfile::TempDir;
use tokio::sync::watch;

use super::super::{
    EventSink, Handle, PluginQueries, Ports, Question, Scene, SessionConfig, SessionStore, TurnSink, spawn,
};
use crate::{clock::Clock, session_registry::SessionRegistry};

pub struct Fakes {
    notes: Arc<Notes>,
    command: PathBuf,
    folder: TempDir,
    roster: SessionRegistry,
}

/// Everything that the ports recorded.
#[derive(Default)]
struct Seen {
    told: Vec<String>,
    happened: Vec<SessionEvent>,
    stored: Option<SessionRecord>,
    last: Option<Turn>,
    notice: Option<SessionNotice>,
    review: Option<Ticket>,
    full: bool,
}

struct Notes {
    seen: Mutex<Seen>,
    ticks: watch::Sender<u64>,
}

struct Agents(PathBuf, String);

pub fn prompt(id: &str) -> Prompt {
    Prompt { id: PromptId(id.to_owned()), place: Place::new("test", "home"), text: "hello".to_owned() }
}

/// Returns a handle to an actor that has ended.
pub fn ends() -> Handle {
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

    fn with(folder: TempDir) -> Self {
        let notes = Arc::new(Notes { seen: Mutex::default(), ticks: watch::Sender::new(0) });
        Self { notes, command: PathBuf::new(), folder, roster: SessionRegistry::new(Vec::new(), Vec::new()) }
    }

    pub fn session(&self) -> Handle {
        let owner = UserId("console:local".to_owned());
        let clock = Clock::system();
        let folder = self.folder.path().join("work");
        let record = SessionRecord::new("x".parse().unwrap(), owner, folder, "script", clock.now());
        let machine = cordboard_core::session::Machine::new(record.clone(), settings());
        let cell = self.roster.add(machine.view());
        let notes = Arc::clone(&self.notes);
        let script = self.folder.path().join("agent.sh").display().to_string();
        let ports = Ports {
            clock,
            environment: Environment::default(),
            host_id: uuid::Uuid::new_v4().to_string().into(),
            folders: self.folder.path().into(),
            ledger: Arc::<Notes>::clone(&notes),
            advisor: Arc::<Notes>::clone(&notes),
            setup: Arc::new(Agents(self.command.clone(), script)),
            herald: Arc::<Notes>::clone(&notes),
        };
        spawn(record, cell, notes, ports)
    }

    fn seen<T>(&self, read: impl FnOnce(&mut Seen) -> T) -> T {
        read(&mut self.notes.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the emitted events.
    pub fn happened(&self) -> Vec<SessionEvent> {
        self.seen(|seen| seen.happened.clone())
    }

    pub fn told(&self) -> Vec<String> {
        self.seen(|seen| seen.told.clone())
    }

    pub fn stored(&self) -> SessionRecord {
        self.seen(|seen| seen.stored.clone()).unwrap()
    }

    pub fn notice(&self) -> Option<SessionNotice> {
        self.seen(|seen| seen.notice.clone())
    }

    /// Returns the text of the last finished turn, and its final state.
    pub fn answer(&self) -> (String, TurnState) {
        let turn = self.seen(|seen| seen.last.clone()).unwrap();
        let texts = turn.parts.iter().filter_map(|part| match part {
            TurnPart::Text(text) => Some(text.as_str()),
            TurnPart::Action(_) => None,
        });
        (texts.collect(), turn.state)
    }

    /// Sets whether the store fails from now on.
    pub fn full_disk(&self, full: bool) {
        self.seen(|seen| seen.full = full);
    }

    /// Waits until a conversation id is stored.
    pub async fn conversation(&self) {
        let mut ticks = self.notes.ticks.subscribe();
        while self.seen(|seen| seen.stored.as_ref().is_none_or(|record| record.conversation.is_none())) {
            ticks.changed().await.unwrap();
        }
    }

    pub async fn until(&self, what: &str) {
        let mut ticks = self.notes.ticks.subscribe();
        while !self.told().iter().any(|one| one == what) {
            ticks.changed().await.unwrap();
        }
    }

    /// Waits until `enough` returns true for the emitted events.
    pub async fn happens(&self, enough: impl Fn(&[SessionEvent]) -> bool) {
        let mut ticks = self.notes.ticks.subscribe();
        while !enough(&self.happened()) {
            ticks.changed().await.unwrap();
        }
    }

    pub async fn phase(&self, wanted: Phase) {
        let mut changes = self.roster.changes();
        while self.roster.view("x").unwrap().phase != wanted {
            changes.changed().await.unwrap();
        }
    }

    /// Answers the latest review query, even if it was sent long ago.
    pub async fn answer_review(&self, session: &Handle, verdict: Verdict) {
        let ticket = self.seen(|seen| seen.review).unwrap();
        session.send(Input::Verdict { ticket, verdict }).await;
    }

    /// Shuts the session down like the host does. Afterwards no process is left.
    pub async fn end(&self, session: Handle) {
        session.send(Input::Shutdown).await;
        let mut changes = self.roster.changes();
        while self.roster.view("x").unwrap().phase.is_live() {
            changes.changed().await.unwrap();
        }
    }
}

/// The settings of the tests, with an idle timeout that is short enough to wait for.
fn settings() -> Settings {
    Settings {
        idle_timeout: Duration::from_millis(100),
        max_queued: 3,
        max_interrupted: 100,
        model: None,
        folder: None,
        agent: None,
    }
}

impl Notes {
    fn note(&self, what: &str, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut seen);
        seen.told.push(what.to_owned());
        drop(seen);
        self.ticks.send_modify(|ticks| *ticks += 1);
    }

    fn store(&self, what: &str, change: impl FnOnce(&mut Seen)) -> Result<(), String> {
        if self.seen.lock().unwrap_or_else(PoisonError::into_inner).full {
            return Err("no room".to_owned());
        }
        self.note(what, change);
        Ok(())
    }
}

#[async_trait]
impl SessionStore for Notes {
    async fn save(&self, record: &SessionRecord) -> Result<(), String> {
        // A real store yields to other tasks.
        tokio::task::yield_now().await;
        let process = if record.process.is_some() { "process" } else { "nothing" };
        self.store(&format!("saved {process}"), |seen| seen.stored = Some(record.clone()))?;
        self.store(&format!("saved turns={}", record.turns), |_| {})
    }

    async fn accept(&self, _record: &SessionRecord, prompt: &Prompt) -> Result<(), String> {
        self.store(&format!("accept {}", prompt.id.0), |_| {})
    }

    async fn hand(&self, prompt: &PromptId) -> Result<(), String> {
        self.store(&format!("hand {}", prompt.0), |_| {})
    }

    async fn take_back(&self, prompt: &PromptId) -> Result<(), String> {
        self.store(&format!("take back {}", prompt.0), |_| {})
    }

    async fn settle(&self, prompt: &PromptId) -> Result<(), String> {
        self.store(&format!("settle {}", prompt.0), |_| {})
    }
}

impl PluginQueries for Notes {
    fn ask(&self, _view: SessionView, (ticket, question): (Ticket, Question), _answer: Handle) {
        match question {
            Question::Resolve { .. } => self.note("resolve", |_| {}),
            Question::Review { .. } => self.note("review", |seen| seen.review = Some(ticket)),
            Question::WordResume { .. } => self.note("word resume", |_| {}),
        }
    }
}

impl TurnSink for Notes {
    fn show(&self, scene: Scene) {
        match scene {
            Scene::Frame(..) => self.note("frame", |_| {}),
            Scene::Back(_, turn) => self.note(&format!("back {}", turn.0), |_| {}),
            Scene::Final(turn, _) => {
                self.note(&format!("final {}", turn.prompt.0.clone()), |seen| seen.last = Some(turn))
            }
            Scene::CutOff(turn, _) => self.note(&format!("cut off {}", turn.prompt.0), |_| {}),
            Scene::RequestClosed { choice, .. } => self.note(&format!("{choice:?}"), |_| {}),
            Scene::Tell(_, notice) => self.note("tell", |seen| seen.notice = Some(notice)),
        }
    }

    fn stopping(&self, _place: &Place, turn: &PromptId) {
        self.note(&format!("stopping {}", turn.0), |_| {});
    }
}

impl SessionConfig for Agents {
    fn settings(&self, _record: &SessionRecord) -> Settings {
        settings()
    }

    fn agent(&self, _name: &str) -> Option<Agent> {
        let env = [("SCRIPT".to_owned(), self.1.clone())].into_iter().collect();
        let command = Some(self.0.to_string_lossy().into_owned());
        Some(Agent { command, env, ..Agent::new(AgentKind::Claude) })
    }
}

impl EventSink for Notes {
    fn tell(&self, happening: SessionEvent) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).happened.push(happening);
        self.ticks.send_modify(|count| *count += 1);
    }

    fn waiting(&self) -> Vec<String> {
        Vec::new()
    }
}
