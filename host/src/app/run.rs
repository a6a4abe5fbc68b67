//! Builds the host's components, connects them, and starts and stops them in the required order.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
};

use cordboard_agents::process::{self, Environment, OwnFiles};
use cordboard_chat::{Inbox, Limits, outbox::Outbox};
use cordboard_core::{
    database_damage::DatabaseDamage,
    event::{CausationChain, SessionEvent},
    language,
    session::Machine,
    type_erased::TypeErased,
    types::{Place, SessionRecord, SessionView},
};
use cordboard_runtime::{AdminCommands, HostApi, Registry, ViewLimits};
use cordboard_store::{Decisions, Store, StoreSnapshot};
use cordboard_watch::WatchOptions;
use tokio::sync::{Notify, watch};

use super::{
    AppError,
    background_tasks::BackgroundTasks,
    front_end, left_over_agents,
    options::StartOptions,
    own_files::own_files_lister,
    plugin_folder, restored_inbox, shutdown,
    shutdown::{ReloadHandler, Shutdown},
    status_page,
    store_adapters::{StoredDeliveries, StoredSessions},
};
use crate::{
    cli::ResolvedPaths,
    clock::Clock,
    control::{self, BotName, ControlServices, HostRows},
    hub::{
        self, Dispatcher, EventBus, HostService, InboxWriter, Intake, LiveConfig, Outbound, PlaceLanguages,
        QueryRunner, SessionSupervisor, TurnRenderer, UsageLedger,
    },
    live_changes::{Reconciler, ReloadedParts},
    operators::{CommandMenus, NoticeFrontEnd, Operators},
    pairing::OwnerPairing,
    rollout::{Resources, Rollout},
    script_service::ScriptService,
    session::{EventSink as _, Ports, PromptOutcomes, SessionConfig},
    session_files::SessionFiles,
    session_registry::SessionRegistry,
    session_topics::SessionTopics,
    standard_plugins::{NO_STANDARD, STANDARD},
    status::StateReader,
    terminal_handover::HandoverService,
    topic_updates::TopicUpdater,
};

/// The components and settings that sessions and the chat use. They are created first, and the store is closed last.
struct HostBase {
    clock: Clock,
    config: LiveConfig,
    environment: Environment,
    paths: ResolvedPaths,
    state: PathBuf,
    front_end: &'static str,
    store: Store,
    topics: SessionTopics,
    languages: PlaceLanguages,
    usage: UsageLedger,
    plugins: Arc<Registry>,
    hooks: Arc<EventBus>,
    host_id: String,
    /// Notified when a person writes in a place for the first time since the host was started.
    new_member: Arc<Notify>,
    pairing: Arc<OwnerPairing>,
    damage: Vec<DatabaseDamage>,
}

/// Runs the host until a signal arrives or the front-end ends, then shuts it down.
pub async fn serve(options: StartOptions) -> Result<(), AppError> {
    let mut signals = shutdown::Signals::watch(options.service_manager)?;
    process::adopt_orphans();
    let (store, mut contents) = cordboard_store::open(&options.paths.state)?;
    let folder = plugin_folder(&options.paths, &options.config.now());
    // The watcher starts before the plugins are read, so that it doesn't miss changes during startup.
    let rescan = watch::Sender::new(options.config.now().plugins.rescan);
    let (config, plugins) = (options.config_file.clone(), folder.clone());
    let (watcher, changes) = cordboard_watch::watch(WatchOptions { config, plugins, rescan: rescan.subscribe() })?;
    let base = HostBase::new(&options, store, &mut contents)?;
    let (admin_commands, authorized_commands) = AdminCommands::channel();
    let rollout = base.start_plugins(&options.paths, folder.clone(), std::mem::take(&mut contents.decisions)).await;

    let (intake, accepted) = hub::intake();
    let StoreSnapshot { host_id, sessions, active, inbox, outbox: unsent, unreachable, .. } = contents;
    let sessions = base.clamp_last_active(sessions).await;
    let left_over = left_over_agents::from_records(&sessions);
    let registry = Arc::new(SessionRegistry::new(session_views(sessions, &base.config), active));
    let mut front_end = front_end::open(&options, &base.inbox_factory(&intake), &registry, &base.pairing).await?;
    front_end.greet(&options.paths, folder.as_deref());
    let (outbox, sending) = Outbox::new(Arc::clone(&front_end.chat), base.deliveries());
    let sending = tokio::spawn(sending);
    let outbound = Outbound::new(base.store.clone(), Arc::new(outbox.clone()), base.languages.clone());
    let host = base.host_service(&registry, &outbound, front_end.chat.limits(&base.front_end_place()), admin_commands);

    // Opening the sockets is the last startup step that can fail, so stored work is resumed only after it.
    let background = BackgroundTasks::open(&host).await?;
    let control = open_control(&options.paths.state)?;
    let state = status_page::reader(base.rows(registry, front_end.bot_name()), &host);
    let status = status_page::open(Arc::clone(&state), &host, &options.paths).await?;

    outbox.restore(unreachable, unsent);
    outbound.withdraw_session_requests().await;
    let dispatcher = Arc::new(base.dispatcher(&host, &outbound));
    let hub = hub::spawn(Arc::clone(&dispatcher), accepted, options.service_manager.watchdog());
    base.hooks.emit(SessionEvent::host_started(env!("CARGO_PKG_VERSION"), base.clock.now()));
    restored_inbox::resume(&dispatcher, inbox, &intake).await;
    tokio::spawn(left_over_agents::sweep(Arc::clone(&host), host_id, left_over));
    let control = control.serve(base.control_services(state, &host));
    let operators = base.operators(&host, outbound.clone(), outbox.clone(), front_end.notice_front_end());
    let reload = ReloadHandler { rescan: rescan.clone(), service_manager: options.service_manager };
    let parts = ReloadedParts { rescan, status, log: options.log_levels.clone() };
    let reconciler = Reconciler::new(operators, rollout, options.paths.config.clone(), parts);
    tokio::spawn(reconciler.run(changes, authorized_commands));
    tokio::spawn(base.topic_updater(&host, outbox.clone()).run());
    // Accept input only now, so that messages from the previous run of the host are handled before new ones.
    let background = background.start(&host);
    front_end.start(outbound);

    let reason = shutdown::wait(&mut front_end, &mut signals, &reload).await;
    front_end.stop_accepting();
    let ended = Shutdown { front_end: &mut front_end, host, outbox, sending, hub, signals }.run(reason).await;
    shutdown::close(&front_end).await;
    drop(watcher);
    control.abort();
    // Abort the jobs last, so that a running job has time to finish. By now, sessions refuse new work.
    drop(background);
    base.store.close().await;
    ended
}

impl HostBase {
    fn new(options: &StartOptions, store: Store, contents: &mut StoreSnapshot) -> Result<Self, AppError> {
        language::install();
        options.config.set_people(std::mem::take(&mut contents.people));
        let plugins = Arc::new(super::create_registry(&options.paths, &options.config.now().plugins)?);
        let clock = Clock::system();
        let pairing = Arc::new(OwnerPairing::new(options.config.clone(), store.clone(), clock));
        Ok(Self {
            clock,
            config: options.config.clone(),
            environment: options.environment.clone(),
            paths: options.paths.clone(),
            state: options.paths.state.clone(),
            front_end: front_end::name(options.chat),
            usage: UsageLedger::new(store.clone(), options.config.clone(), clock),
            topics: SessionTopics::new(store.clone(), std::mem::take(&mut contents.topics)),
            languages: PlaceLanguages::new(
                options.config.clone(),
                store.clone(),
                std::mem::take(&mut contents.locales),
            ),
            store,
            hooks: EventBus::new(Arc::clone(&plugins)),
            plugins,
            host_id: contents.host_id.clone(),
            new_member: Arc::default(),
            pairing,
            damage: std::mem::take(&mut contents.damage),
        })
    }

    /// Replaces a last activity that is in the future with the current time, and stores the session. Such a time comes
    /// from an earlier host process whose clock was ahead.
    async fn clamp_last_active(&self, mut sessions: Vec<SessionRecord>) -> Vec<SessionRecord> {
        let now = self.clock.now();
        for record in sessions.iter_mut().filter(|record| record.last_active > now) {
            tracing::warn!(session = %record.name, "the last activity of a session is in the future: using the current time");
            record.last_active = now;
            record.created = record.created.min(now);
            if let Err(error) = self.store.save_session(record).await {
                tracing::warn!(%error, "failed to store the time of a session");
            }
        }
        sessions
    }

    fn deliveries(&self) -> Arc<StoredDeliveries> {
        Arc::new(StoredDeliveries { store: self.store.clone(), languages: self.languages.clone() })
    }

    /// Returns an arbitrary place of the front-end, for reading settings that all of its places share.
    fn front_end_place(&self) -> Place {
        Place::new(self.front_end, "")
    }

    /// Returns a function that creates the inbox for a front-end.
    fn inbox_factory(&self, intake: &Intake) -> impl Fn(&str) -> Arc<dyn Inbox> {
        move |front_end| self.inbox_writer(intake, front_end)
    }

    fn inbox_writer(&self, intake: &Intake, front_end: &str) -> Arc<InboxWriter> {
        Arc::new(InboxWriter {
            store: self.store.clone(),
            topics: self.topics.clone(),
            languages: self.languages.clone(),
            intake: intake.clone(),
            front_end: front_end.to_owned(),
            stored_members: Mutex::default(),
            new_member: Arc::clone(&self.new_member),
        })
    }

    /// Creates the host service and the session supervisor. Sessions query plugins, plugins call the host service, and
    /// the host service owns the sessions, so the queries hold only a weak reference to the host service.
    fn host_service(
        &self,
        registry: &Arc<SessionRegistry>,
        outbound: &Outbound,
        limits: Limits,
        admin_commands: AdminCommands,
    ) -> Arc<HostService> {
        let queries = Arc::new(QueryRunner {
            plugins: Arc::clone(&self.plugins),
            config: self.config.clone(),
            registry: Arc::clone(registry),
            languages: self.languages.clone(),
            host: OnceLock::new(),
        });
        let sessions = TypeErased::new(SessionSupervisor::new(
            Arc::clone(registry),
            self.ports(&queries, registry),
            self.turn_renderer(registry, outbound, limits),
        ));
        let host = Arc::new(HostService {
            clock: self.clock,
            config: self.config.clone(),
            plugins: Arc::clone(&self.plugins),
            sessions,
            outbound: outbound.clone(),
            store: self.store.clone(),
            usage: self.usage.clone(),
            admin_commands,
            state_dir: self.state.clone(),
            environment: self.environment.clone(),
            transcriber: hub::Transcriber::new(&self.host_id, self.environment.clone()),
            causes: CausationChain::default(),
            text_answers: hub::TextAnswers::default(),
            prompt_keys: hub::PromptKeys::default(),
            place: None,
            replied_author: None,
            press: None,
            waiting: None,
            files: hub::CommandFiles::default(),
            filtered_files: None,
            session_files: SessionFiles::new(self.own_files()),
            topics: self.topics.clone(),
            topic_creation: None,
        });
        self.hooks.set_host(&host);
        self.pairing.set_outbound(outbound.clone());
        let host_api: Arc<dyn HostApi> = Arc::clone(&host) as Arc<dyn HostApi>;
        drop(queries.host.set(Arc::downgrade(&host_api)));
        host
    }

    fn ports(&self, queries: &Arc<QueryRunner>, registry: &Arc<SessionRegistry>) -> Ports {
        let languages = self.languages.clone();
        Ports {
            clock: self.clock,
            environment: self.environment.clone(),
            host_id: self.host_id.as_str().into(),
            state_dir: self.state.as_path().into(),
            own_files: self.own_files(),
            store: Arc::new(StoredSessions { store: self.store.clone(), usage: self.usage.clone() }),
            queries: Arc::new(Arc::clone(queries)),
            config: Arc::new(self.config.clone()),
            language: Arc::new(move |place| languages.of(place)),
            events: Arc::new(Arc::clone(&self.hooks)),
            registry: Arc::clone(registry),
            check_limits: Arc::default(),
            outcomes: PromptOutcomes::default(),
        }
    }

    fn own_files(&self) -> Arc<dyn Fn() -> OwnFiles + Send + Sync> {
        own_files_lister(self.paths.clone(), self.config.clone())
    }

    fn turn_renderer(&self, registry: &Arc<SessionRegistry>, outbound: &Outbound, limits: Limits) -> TurnRenderer {
        let text_units = u32::try_from(limits.text_units).unwrap_or(u32::MAX);
        TurnRenderer {
            plugins: Arc::clone(&self.plugins),
            registry: Arc::clone(registry),
            outbound: outbound.clone(),
            config: self.config.clone(),
            clock: self.clock,
            limits: ViewLimits { front_end: self.front_end.to_owned(), text_units },
            edits: limits.edits,
        }
    }

    fn dispatcher(&self, host: &Arc<HostService>, outbound: &Outbound) -> Dispatcher {
        Dispatcher {
            plugins: Arc::clone(&self.plugins),
            host: Arc::clone(host),
            outbound: outbound.clone(),
            store: self.store.clone(),
        }
    }

    /// Activates all plugins, and logs those that are rejected.
    async fn start_plugins(&self, paths: &ResolvedPaths, folder: Option<PathBuf>, decisions: Decisions) -> Rollout {
        if STANDARD.is_empty() {
            tracing::error!("{NO_STANDARD}");
        }
        let registry = Arc::clone(&self.plugins);
        let resources = Resources { registry, folder, store: Some(self.store.clone()), decisions };
        let config = self.config.clone();
        let mut rollout = Rollout::new(resources, Arc::new(move |name: &str| config.plugin(name)), self.clock);
        rollout.config_file = paths.config.as_ref().map(|path| path.display().to_string());
        for (name, why) in rollout.start().await {
            tracing::warn!(plugin = name, why, "plugin rejected at start");
        }
        self.plugins.set_lifecycle(&self.config.now().plugins.lifecycle).await;
        rollout
    }

    fn rows(&self, sessions: Arc<SessionRegistry>, bot_name: BotName) -> HostRows {
        HostRows { sessions, plugins: Arc::clone(&self.plugins), clock: self.clock, bot_name }
    }

    fn control_services(&self, status: Arc<StateReader>, host: &Arc<HostService>) -> ControlServices {
        let handover = HandoverService::new(Arc::clone(host), self.environment.clone());
        let scripts = Arc::new(ScriptService::new(Arc::clone(host)));
        ControlServices { rows: status.rows().clone(), status, handover: Arc::new(handover), scripts }
    }

    fn topic_updater(&self, host: &Arc<HostService>, outbox: Outbox) -> TopicUpdater {
        let registry = Arc::clone(&host.sessions.registry);
        TopicUpdater::new(registry, self.topics.clone(), outbox, self.clock)
    }

    fn operators(
        &self,
        host: &Arc<HostService>,
        outbound: Outbound,
        outbox: Outbox,
        front_end: NoticeFrontEnd,
    ) -> Operators {
        let plugins = Arc::clone(&self.plugins);
        let menus = CommandMenus::new(self.config.clone(), plugins, self.store.clone(), outbox.clone());
        let (host, new_member) = (Arc::clone(host), Arc::clone(&self.new_member));
        let config = self.config.clone();
        let damage = self.damage.clone();
        Operators { config, host, outbound, front_end, outbox, menus, new_member, damage }
    }
}

fn session_views(sessions: Vec<SessionRecord>, config: &LiveConfig) -> Vec<SessionView> {
    let view = |record: SessionRecord| Machine::new(record.clone(), config.settings(&record)).view();
    sessions.into_iter().map(view).collect()
}

fn open_control(state: &Path) -> Result<control::ControlListener, AppError> {
    control::listen(state).map_err(|source| AppError::Control { path: control::socket(state), source })
}
