//! Wires the hub to its store, sessions and plugins, as the application does, but with an outbound sink that passes
//! frames and posts to the benchmark.

use std::{
    any::Any,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use cordboard::{
    app::StoredSessions,
    clock::Clock,
    hub::{
        self, CommandFiles, Dispatcher, EventBus, HostService, InboxWriter, LiveConfig, Outbound, OutboundSink,
        PlaceLanguages, PromptKeys, QueryRunner, SessionSupervisor, TextAnswers, Transcriber, TurnRenderer,
        UsageLedger,
    },
    rollout::{Resources, Rollout},
    service_manager::ServiceManager,
    session::{Ports, PromptOutcomes},
    session_files::SessionFiles,
    session_registry::SessionRegistry,
    session_topics::SessionTopics,
};
use cordboard_agents::process::{Environment, OwnFiles};
use cordboard_chat::{
    Edits, Inbox as _,
    outbox::{AnswerStop, Post},
};
use cordboard_core::{
    config,
    event::CausationChain,
    render,
    session::Machine,
    turn::TurnFrame,
    type_erased::TypeErased,
    types::{Caller, Place, Reply, Role, SessionName, SessionRecord, UserId},
    updates_and_posts::{Origin, OutboxRow, Update, UpdateKind},
};
use cordboard_runtime::{AdminCommands, HostApi, Registry, ViewLimits};
use cordboard_store::{Decisions, Store};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::components::empty_registry;

/// A live frame and its arrival time, or a post.
pub enum Shown {
    Live(TurnFrame, Instant),
    Post(Box<OutboxRow>),
}

struct RecordingSink(mpsc::UnboundedSender<Shown>);

impl OutboundSink for RecordingSink {
    fn post(&self, posts: Vec<Post>) {
        for post in posts {
            let shown = match post {
                Post::Frame { frame, .. } => Shown::Live(frame, Instant::now()),
                Post::Final(row) => Shown::Post(Box::new(row)),
                Post::Stopping { .. } | Post::Requeued { .. } | Post::Ended { .. } => continue,
            };
            drop(self.0.send(shown));
        }
    }

    fn on_user_message(&self, _place: &Place) {}

    fn stop_answer(&self, _place: &Place) -> AnswerStop {
        AnswerStop::NotSending
    }
}

pub struct WiredHost {
    registry: Arc<Registry>,
    config: LiveConfig,
    clock: Clock,
    store: Store,
    inbox: InboxWriter,
    shown: mpsc::UnboundedReceiver<Shown>,
    typed: u64,
    /// Keeps the hub's tasks running until this value is dropped.
    _serving: Box<dyn Any + Send>,
    _folder: TempDir,
}

pub fn owner() -> Caller {
    Caller { id: UserId("console:local".to_owned()), name: "you".to_owned(), role: Role::Owner }
}

pub fn place() -> Place {
    Place::new("console", "local")
}

/// Returns the record of a suspended session.
pub fn record(number: usize, clock: Clock) -> SessionRecord {
    let name: SessionName = format!("session-{number}").parse().unwrap();
    SessionRecord::new(name, owner().id, PathBuf::from("/nonexistent"), "demo", clock.now())
}

impl WiredHost {
    /// Creates a host with all standard plugins and `sessions` suspended sessions.
    pub async fn new(sessions: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, contents) = cordboard_store::open(&folder.path().join("state")).unwrap();
        let agent = std::env::current_exe().unwrap();
        let text = format!("[agents.demo]\ncommand = {:?}\n", agent.display().to_string());
        let config = LiveConfig::new(config::load(&text).unwrap());
        let clock = Clock::system();
        let registry = empty_registry();
        let resources =
            Resources { registry: Arc::clone(&registry), folder: None, store: None, decisions: Decisions::default() };
        let settings = config.clone();
        let mut rollout = Rollout::new(resources, Arc::new(move |name: &str| settings.plugin(name)), clock);
        assert!(rollout.start().await.is_empty());
        let (sender, shown) = mpsc::unbounded_channel();
        let languages = PlaceLanguages::new(config.clone(), store.clone(), contents.locales);
        let posts = Outbound::new(store.clone(), Arc::new(RecordingSink(sender)), languages.clone());
        let views = (0..sessions).map(|number| {
            let record = record(number, clock);
            let settings = cordboard::session::SessionConfig::settings(&config, &record);
            Machine::new(record, settings).view()
        });
        let sessions = Arc::new(SessionRegistry::new(views.collect(), Vec::new()));
        let state = folder.path().join("state");
        let server = server(
            &sessions,
            (&config, clock),
            (&store, contents.host_id.as_str(), posts),
            (Arc::clone(&registry), state),
        );
        let (intake, accepted) = hub::intake();
        let serving = hub::spawn(server, accepted, ServiceManager::absent().watchdog());
        let inbox = InboxWriter {
            store: store.clone(),
            topics: SessionTopics::new(store.clone(), Vec::new()),
            languages,
            intake,
            front_end: "console".to_owned(),
            stored_members: Mutex::default(),
            new_member: Arc::default(),
        };
        Self { registry, config, clock, store, inbox, shown, typed: 0, _serving: Box::new(serving), _folder: folder }
    }

    pub async fn plug(&self, name: &str, wasm: &[u8]) {
        self.registry.activate_wasm(name, wasm, &self.config.plugin(name), self.clock.now()).await.unwrap();
    }

    pub async fn typed(&mut self, line: &str) {
        self.typed_in(&place().chat, line).await;
    }

    pub async fn typed_in(&mut self, chat: &str, line: &str) {
        self.typed += 1;
        let update = Update {
            key: self.typed.to_string(),
            caller: owner(),
            place: Place::new("console", chat),
            what: UpdateKind::Text(line.to_owned()),
            at: self.clock.now(),
            locale: None,
            origin: Origin::default(),
        };
        self.inbox.accept(vec![update], None).await.unwrap();
    }

    pub async fn next(&mut self) -> Shown {
        let next = tokio::time::timeout(Duration::from_secs(30), self.shown.recv()).await;
        next.expect("the host answers").expect("the host runs")
    }

    /// Waits for the next post, and marks it as sent. Passes earlier frames to `frame`.
    pub async fn post(&mut self, mut frame: impl FnMut(TurnFrame, Instant)) -> Reply {
        loop {
            match self.next().await {
                Shown::Live(screen, at) => frame(screen, at),
                Shown::Post(row) => {
                    self.store.complete_post(row.id, Vec::new(), Vec::new()).await.unwrap();
                    return row.reply;
                }
            }
        }
    }

    /// Waits for a frame that contains `text`, and marks earlier posts as sent.
    pub async fn frame(&mut self, text: &str) {
        loop {
            match self.next().await {
                Shown::Live(frame, _) if frame.messages.iter().any(|message| message.text.contains(text)) => return,
                Shown::Live(..) => {}
                Shown::Post(row) => {
                    self.store.complete_post(row.id, Vec::new(), Vec::new()).await.unwrap();
                }
            }
        }
    }

    /// Sends a line, and measures the time until its answer is posted and rendered.
    pub async fn answer(&mut self, line: &str) -> (Duration, Reply) {
        let began = Instant::now();
        self.typed(line).await;
        let Shown::Post(row) = self.next().await else { panic!("a command has no frames") };
        let message = render::render(&row.reply.text);
        let took = began.elapsed();
        assert!(!message.text.is_empty());
        self.store.complete_post(row.id, Vec::new(), Vec::new()).await.unwrap();
        (took, row.reply)
    }
}

fn server(
    sessions: &Arc<SessionRegistry>,
    (config, clock): (&LiveConfig, Clock),
    (store, host_id, posts): (&Store, &str, Outbound),
    (registry, state): (Arc<Registry>, PathBuf),
) -> Arc<Dispatcher> {
    let queries = Arc::new(QueryRunner {
        plugins: Arc::clone(&registry),
        config: config.clone(),
        registry: Arc::clone(sessions),
        languages: PlaceLanguages::new(config.clone(), store.clone(), std::collections::HashMap::new()),
        host: OnceLock::new(),
    });
    let hooks = EventBus::new(Arc::clone(&registry));
    let usage = UsageLedger::new(store.clone(), config.clone(), clock);
    let ports = Ports {
        clock,
        environment: Environment::read(),
        host_id: host_id.into(),
        state_dir: state.as_path().into(),
        own_files: Arc::new(OwnFiles::default),
        store: Arc::new(StoredSessions { store: store.clone(), usage: usage.clone() }),
        queries: Arc::new(Arc::clone(&queries)),
        config: Arc::new(config.clone()),
        language: Arc::new(|_| None),
        events: Arc::new(Arc::clone(&hooks)),
        registry: Arc::clone(sessions),
        check_limits: Arc::default(),
        outcomes: PromptOutcomes::default(),
    };
    let limits = ViewLimits { front_end: "console".to_owned(), text_units: 4096 };
    let renderer = TurnRenderer {
        plugins: Arc::clone(&registry),
        registry: Arc::clone(sessions),
        outbound: posts.clone(),
        config: config.clone(),
        clock,
        limits,
        edits: Edits::Append,
    };
    let host = Arc::new(HostService {
        clock,
        config: config.clone(),
        plugins: Arc::clone(&registry),
        sessions: TypeErased::new(SessionSupervisor::new(Arc::clone(sessions), ports, renderer)),
        outbound: posts.clone(),
        store: store.clone(),
        usage,
        admin_commands: AdminCommands::channel().0,
        state_dir: state,
        environment: Environment::default(),
        transcriber: Transcriber::new(host_id, Environment::default()),
        causes: CausationChain::default(),
        text_answers: TextAnswers::default(),
        prompt_keys: PromptKeys::default(),
        place: None,
        replied_author: None,
        press: None,
        waiting: None,
        files: CommandFiles::default(),
        filtered_files: None,
        session_files: SessionFiles::new(Arc::new(OwnFiles::default)),
        topics: SessionTopics::new(store.clone(), Vec::new()),
        topic_creation: None,
    });
    hooks.set_host(&host);
    let host_api: Arc<dyn HostApi> = Arc::clone(&host) as Arc<dyn HostApi>;
    drop(queries.host.set(Arc::downgrade(&host_api)));
    Arc::new(Dispatcher { plugins: registry, host, outbound: posts, store: store.clone() })
}
