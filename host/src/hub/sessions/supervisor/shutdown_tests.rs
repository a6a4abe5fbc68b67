//! Tests the supervisor's shutdown: it waits for every working actor, and no session starts an agent afterwards.

use std::{collections::HashMap, os::unix::fs::PermissionsExt, time::Duration};

use async_trait::async_trait;
use cordboard_agents::process::{Environment, OwnFiles};
use cordboard_chat::{
    Edits,
    outbox::{AnswerStop, Post},
};
use cordboard_core::{
    agent_event::PromptId,
    budget::Budget,
    config::{Agent, AgentKind, Busy, Config, Limits},
    session::{ApiErrorCode, SessionCommand, Settings},
    types::{AuditEntry, Phase, Place, PromptKind, Timestamp, UsageEntry, UserId},
};
use cordboard_runtime::{Registry, ViewLimits};
use cordboard_store::StoreError;
use tokio::sync::Semaphore;

use super::*;
use crate::{
    clock::Clock,
    hub::{LiveConfig, Outbound, OutboundSink, PlaceLanguages},
    session::{EventSink, PluginQueries, PluginQuery, SessionConfig, SessionStore},
};

/// Fake ports: a store that blocks until the test allows it to continue, a missing agent, and sinks that ignore
/// everything.
struct Slow {
    disk: Semaphore,
    calls: Semaphore,
}

impl Slow {
    async fn store(&self) -> Result<(), StoreError> {
        self.calls.add_permits(1);
        self.disk.acquire().await.map(drop).map_err(|_| StoreError::Closed { what: "save".to_owned() })
    }
}

#[async_trait]
impl SessionStore for Slow {
    async fn save(&self, _record: &SessionRecord) -> Result<(), StoreError> {
        self.store().await
    }

    async fn rename(&self, _from: &SessionName, _record: &SessionRecord) -> Result<(), StoreError> {
        self.store().await
    }

    async fn save_turn(&self, _record: &SessionRecord, _usage: UsageEntry) -> Result<Option<Budget>, StoreError> {
        self.store().await.map(|()| None)
    }

    async fn requeue(&self, _record: &SessionRecord, _prompt: &Prompt) -> Result<(), StoreError> {
        self.store().await
    }

    async fn mark_sent(&self, _prompt: &PromptId) -> Result<(), StoreError> {
        self.store().await
    }

    async fn mark_queued(&self, _prompt: &PromptId) -> Result<(), StoreError> {
        self.store().await
    }

    async fn audit(&self, _entry: AuditEntry) -> Result<(), StoreError> {
        self.store().await
    }

    async fn complete(&self, _prompt: &PromptId) -> Result<(), StoreError> {
        self.store().await
    }
}

impl PluginQueries for Slow {
    fn ask(&self, _query: PluginQuery, _session: Handle) {}
}

impl SessionConfig for Slow {
    fn settings(&self, _record: &SessionRecord) -> Settings {
        Settings {
            idle_timeout: Duration::from_secs(600),
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

    fn agent(&self, _name: &str) -> Option<Agent> {
        Some(Agent { command: Some("/nonexistent/agent".to_owned()), ..Agent::new(AgentKind::Claude) })
    }

    fn limits(&self) -> Limits {
        Limits::default()
    }
}

impl EventSink for Slow {
    fn emit(&self, _event: SessionEvent) {}

    fn waiting(&self) -> Vec<String> {
        Vec::new()
    }
}

impl OutboundSink for Slow {
    fn post(&self, _posts: Vec<Post>) {}
    fn on_user_message(&self, _place: &Place) {}

    fn stop_answer(&self, _place: &Place) -> AnswerStop {
        AnswerStop::NotSending
    }
}

fn name(text: &str) -> SessionName {
    text.parse().unwrap()
}

fn prompt() -> Input {
    Input::Prompt(Prompt {
        id: PromptId("p".to_owned()),
        place: Place::new("test", "home"),
        kind: PromptKind::Text,
        text: "hello".to_owned(),
        mode: None,
        files: Vec::new(),
    })
}

/// Creates a supervisor for the sessions `one` and `two`.
fn supervisor(folder: &std::path::Path, slow: &Arc<Slow>) -> Arc<SessionSupervisor> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    let (store, _) = cordboard_store::open(folder).unwrap();
    let record = |name: &str| {
        let (owner, work) = (UserId("test:1".to_owned()), folder.join(name));
        SessionRecord::new(name.parse().unwrap(), owner, work, "script", Timestamp(1))
    };
    let view = |name| cordboard_core::session::Machine::new(record(name), slow.settings(&record(name))).view();
    let registry = Arc::new(SessionRegistry::new(["one", "two"].map(view).into(), Vec::new()));
    let clock = Clock::system();
    let ports = Ports {
        clock,
        environment: Environment::default(),
        host_id: "host".into(),
        state_dir: folder.into(),
        own_files: Arc::new(OwnFiles::default),
        store: Arc::<Slow>::clone(slow),
        queries: Arc::<Slow>::clone(slow),
        config: Arc::<Slow>::clone(slow),
        events: Arc::<Slow>::clone(slow),
        language: Arc::new(|_| None),
        registry: Arc::clone(&registry),
        check_limits: Arc::default(),
        outcomes: PromptOutcomes::default(),
    };
    let config = LiveConfig::new(Config::defaults());
    let languages = PlaceLanguages::new(config.clone(), store.clone(), HashMap::new());
    let renderer = TurnRenderer {
        config,
        plugins: Arc::new(Registry::start(folder.join("cache"), "/nonexistent/cordboard".into(), 1).unwrap()),
        registry: Arc::clone(&registry),
        outbound: Outbound::new(store, Arc::<Slow>::clone(slow), languages),
        clock,
        limits: ViewLimits { front_end: "test".to_owned(), text_units: 4096 },
        edits: Edits::Append,
    };
    Arc::new(SessionSupervisor::new(registry, ports, renderer))
}

#[tokio::test]
async fn drain_waits_for_busy_sessions_and_starts_no_new_work() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Arc::new(Slow { disk: Semaphore::new(0), calls: Semaphore::new(0) });
    let sessions = supervisor(folder.path(), &slow);
    sessions.get(&name("one")).unwrap().send(prompt()).await;
    // The actor is storing that it is starting an agent, which its snapshot doesn't show yet.
    slow.calls.acquire().await.unwrap().forget();
    assert_eq!(sessions.registry.view("one").unwrap().phase, Phase::Suspended);
    let shutdown = tokio::spawn({
        let sessions = Arc::clone(&sessions);
        async move { sessions.shut_down().await }
    });
    // The test and the task share one thread, so a `shut_down` that didn't wait would finish within these iterations.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!shutdown.is_finished());
    slow.disk.close();
    shutdown.await.unwrap();
    assert_eq!(sessions.registry.view("one").unwrap().phase, Phase::Broken, "its last state is visible");

    let two = sessions.get(&name("two")).unwrap();
    two.send(prompt()).await;
    let refused = two.command(SessionCommand::Start, CausationChain::default()).await.unwrap_err();
    assert_eq!((refused.code, refused.text), (ApiErrorCode::Failed, cordboard_core::messages::shutting_down()));
    let view = sessions.registry.view("two").unwrap();
    assert_eq!((view.phase, view.queued), (Phase::Suspended, 1), "it stays stored for the next host");
}
