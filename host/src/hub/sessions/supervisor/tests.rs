//! Shutdown of the supervisor: it waits for every actor that is working, and no session starts an agent afterwards.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use async_trait::async_trait;
use cordboard_agents::process::Environment;
use cordboard_chat::{Edits, outbox::AnswerStop};
use cordboard_core::{
    agent::PromptId,
    chat::OutboxRow,
    config::{Agent, AgentKind, Config},
    session::{ApiErrorCode, SessionCommand, Settings, Ticket},
    turn::TurnFrame,
    types::{Phase, Place, Timestamp, UserId},
};
use cordboard_runtime::{Registry, ViewLimits};
use tokio::sync::Semaphore;

use super::*;
use crate::{
    clock::Clock,
    hub::{LiveConfig, Outbound, OutboundSink},
    session::{EventSink, PluginQueries, Question, SessionConfig, SessionStore},
};

/// Fake ports: a store that blocks until the test allows it to continue, a missing agent, and sinks that ignore
/// everything.
struct Slow {
    disk: Semaphore,
    asked: Semaphore,
}

impl Slow {
    async fn store(&self) -> Result<(), String> {
        self.asked.add_permits(1);
        self.disk.acquire().await.map(drop).map_err(|error| error.to_string())
    }
}

#[async_trait]
impl SessionStore for Slow {
    async fn save(&self, _record: &SessionRecord) -> Result<(), String> {
        self.store().await
    }

    async fn accept(&self, _record: &SessionRecord, _prompt: &Prompt) -> Result<(), String> {
        self.store().await
    }

    async fn hand(&self, _prompt: &PromptId) -> Result<(), String> {
        self.store().await
    }

    async fn take_back(&self, _prompt: &PromptId) -> Result<(), String> {
        self.store().await
    }

    async fn settle(&self, _prompt: &PromptId) -> Result<(), String> {
        self.store().await
    }
}

impl PluginQueries for Slow {
    fn ask(&self, _view: SessionView, _question: (Ticket, Question), _answer: Handle) {}
}

impl SessionConfig for Slow {
    fn settings(&self, _record: &SessionRecord) -> Settings {
        Settings {
            idle_timeout: Duration::from_secs(600),
            max_queued: 3,
            max_interrupted: 100,
            model: None,
            folder: None,
            agent: None,
        }
    }

    fn agent(&self, _name: &str) -> Option<Agent> {
        Some(Agent { command: Some("/nonexistent/agent".to_owned()), ..Agent::new(AgentKind::Claude) })
    }
}

impl EventSink for Slow {
    fn tell(&self, _happening: SessionEvent) {}

    fn waiting(&self) -> Vec<String> {
        Vec::new()
    }
}

impl OutboundSink for Slow {
    fn live(&self, _place: &Place, _turn: &PromptId, _screen: TurnFrame) {}
    fn post(&self, _rows: Vec<OutboxRow>) {}
    fn stopping(&self, _place: &Place, _turn: &PromptId) {}
    fn back(&self, _place: &Place, _turn: &PromptId) {}
    fn over(&self, _place: &Place, _turn: &PromptId) {}
    fn heard(&self, _place: &Place) {}

    fn cut(&self, _place: &Place) -> AnswerStop {
        AnswerStop::NotSending
    }
}

fn name(text: &str) -> SessionName {
    text.parse().unwrap()
}

fn prompt() -> Input {
    Input::Prompt(Prompt { id: PromptId("p".to_owned()), place: Place::new("test", "home"), text: "hello".to_owned() })
}

/// Creates a supervisor for the sessions `one` and `two`.
fn lines(folder: &std::path::Path, slow: &Arc<Slow>) -> Arc<SessionSupervisor> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    let (store, _) = cordboard_store::open(folder).unwrap();
    let record = |name: &str| {
        let (owner, work) = (UserId("test:1".to_owned()), folder.join(name));
        SessionRecord::new(name.parse().unwrap(), owner, work, "script", Timestamp(1))
    };
    let view = |name| cordboard_core::session::Machine::new(record(name), slow.settings(&record(name))).view();
    let roster = Arc::new(SessionRegistry::new(["one", "two"].map(view).into(), Vec::new()));
    let clock = Clock::system();
    let ports = Ports {
        clock,
        environment: Environment::default(),
        host_id: "host".into(),
        folders: folder.into(),
        ledger: Arc::<Slow>::clone(slow),
        advisor: Arc::<Slow>::clone(slow),
        setup: Arc::<Slow>::clone(slow),
        herald: Arc::<Slow>::clone(slow),
    };
    let painter = TurnRenderer {
        config: LiveConfig::new(Config::defaults()),
        plugs: Arc::new(Registry::start(folder.join("cache"), "/nonexistent/cordboard".into(), 1).unwrap()),
        roster: Arc::clone(&roster),
        posts: Outbound::new(store, Arc::<Slow>::clone(slow)),
        clock,
        limits: ViewLimits { front_end: "test".to_owned(), text_units: 4096 },
        edits: Edits::Append,
    };
    Arc::new(SessionSupervisor::new(roster, ports, painter))
}

#[tokio::test]
async fn drain_waits_for_busy_sessions_and_starts_no_new_work() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Arc::new(Slow { disk: Semaphore::new(0), asked: Semaphore::new(0) });
    let lines = lines(folder.path(), &slow);
    lines.get(&name("one")).unwrap().send(prompt()).await;
    // The actor is storing that it starts an agent. Its snapshot does not show this yet.
    slow.asked.acquire().await.unwrap().forget();
    assert_eq!(lines.roster.view("one").unwrap().phase, Phase::Suspended);
    let ending = tokio::spawn({
        let lines = Arc::clone(&lines);
        async move { lines.end().await }
    });
    // Both run on one thread, so an `end` that did not wait would have finished by then.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!ending.is_finished());
    slow.disk.close();
    ending.await.unwrap();
    assert_eq!(lines.roster.view("one").unwrap().phase, Phase::Broken, "its last state is visible");

    let two = lines.get(&name("two")).unwrap();
    two.send(prompt()).await;
    let refused = two.order(SessionCommand::Start, CausationChain::default()).await.unwrap_err();
    assert_eq!((refused.code, refused.text.as_str()), (ApiErrorCode::Failed, cordboard_core::messages::SHUTTING_DOWN));
    let view = lines.roster.view("two").unwrap();
    assert_eq!((view.phase, view.queued), (Phase::Suspended, 1), "it stays stored for the next host");
}
