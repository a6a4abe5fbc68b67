//! Tests rollouts with a real registry and store: the effects of saved files, commands and failing versions, including
//! notifications. The tests use a fake host API, and feed files to the rollout in place of the watcher.

mod admin_commands;
mod compiling;
mod draining;
mod pending_approval;
mod previous_version;
mod probation;
mod replaced_built_ins;

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use cordboard::{
    clock::Clock,
    hub::LiveConfig,
    rollout::{Notifier, Pace, Resources, Rollout, Settings},
};
use cordboard_core::{
    config,
    types::{Caller, Reply, Request},
};
use cordboard_runtime::{AdminCommands, Registry, digest};
use cordboard_store::Store;
use tempfile::TempDir;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use crate::components::{content, empty_registry};
use crate::test_host::TestHost;

/// The time limit of each wait. Only a test that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(120);

/// The end of replies and notices about a slow compilation.
const COMPILING: &str = "is being compiled. You get a message when it is done.";

/// The events that a test passes to the rollout in place of the watcher.
enum WatchEvent {
    File(String, Vec<u8>),
    Gone(String),
    Configured(String),
}

/// The rollout's notifications and questions, in order.
#[derive(Default)]
struct Notifications {
    lines: Mutex<Vec<String>>,
    questions: Mutex<Vec<Reply>>,
    changed: Notify,
}

#[async_trait]
impl Notifier for Notifications {
    async fn notify(&self, text: String, _but: Option<&Caller>) {
        // Split a merged notice into its parts.
        let merged = text.split_once(" plugin changes:\n- ").map(|(_, list)| list.split("\n- "));
        let lines = merged.map(|list| list.map(|line| line.replace("\n  ", "\n")).collect());
        self.lines.lock().unwrap().extend(lines.unwrap_or_else(|| vec![text.clone()]));
        self.changed.notify_waiters();
    }

    async fn ask(&self, question: Reply) {
        self.questions.lock().unwrap().push(question);
        self.changed.notify_waiters();
    }

    async fn supersede(&self, _request: &Request) {}

    async fn changed(&self, _plugin: &str) {
        self.changed.notify_waiters();
    }
}

/// A running rollout with its registry, store and fake host. `restart` starts a new one on the same folder.
struct Rig {
    folder: Arc<TempDir>,
    config: String,
    test_host: TestHost,
    store: Store,
    notifications: Arc<Notifications>,
    events: mpsc::Sender<WatchEvent>,
    task: JoinHandle<()>,
}

/// Returns an equivalent component with different bytes.
fn other(wasm: &[u8], mark: u8) -> Vec<u8> {
    // A custom section of one byte, named "x".
    [wasm, &[0, 3, 1, b'x', mark]].concat()
}

fn version(wasm: &[u8]) -> String {
    digest(wasm)[..12].to_owned()
}

impl Rig {
    async fn new(config: &str) -> Self {
        Self::over(Arc::new(tempfile::tempdir().unwrap()), config, empty_registry()).await
    }

    async fn over(folder: Arc<TempDir>, config: &str, registry: Arc<Registry>) -> Self {
        let plugins = folder.path().join("plugins");
        fs::create_dir_all(&plugins).unwrap();
        let (store, contents) = cordboard_store::open(&folder.path().join("state")).unwrap();
        let mut test_host = TestHost::of(config);
        test_host.registry = Arc::clone(&registry);
        let live = LiveConfig::new(test_host.config.clone());
        let current = live.clone();
        let settings: Settings = Arc::new(move |name: &str| current.plugin(name));
        let (plugins, stored) = (Some(plugins), Some(store.clone()));
        let resources = Resources { registry, folder: plugins, store: stored, decisions: contents.decisions };
        // Send each notice separately, so that a test can wait for it.
        let pace = Pace { gather: Duration::ZERO, most: usize::MAX, span: Duration::ZERO, listed: usize::MAX };
        let mut rollout = Rollout::new(resources, settings, Clock::system()).at_pace(pace);
        rollout.start().await;
        let (orders, receiver) = AdminCommands::channel();
        test_host.memory.set_admin_commands(orders);
        let notifications = Arc::new(Notifications::default());
        rollout.set_notifier(Arc::clone(&notifications) as Arc<dyn Notifier>);
        let (events, event_receiver) = mpsc::channel(64);
        let task = tokio::spawn(run(rollout, live, (event_receiver, receiver)));
        Self { folder, config: config.to_owned(), test_host, store, notifications, events, task }
    }

    /// Stops the rollout and closes the store, as a shutdown does, and starts again on the same folder.
    async fn restart(self) -> Self {
        let Self { folder, config, store, task, events, .. } = self;
        drop(events);
        task.await.unwrap();
        store.close().await;
        Self::over(folder, &config, empty_registry()).await
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("plugins/{name}.wasm"))
    }

    async fn save(&self, name: &str, wasm: &[u8]) {
        fs::write(self.file(name), wasm).unwrap();
        self.events.send(WatchEvent::File(name.to_owned(), wasm.to_vec())).await.unwrap();
    }

    /// Saves a version and waits until it is active.
    async fn plug(&self, name: &str, wasm: &[u8]) {
        self.save(name, wasm).await;
        self.serves(name, wasm).await;
    }

    async fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
        self.events.send(WatchEvent::Gone(name.to_owned())).await.unwrap();
    }

    async fn configure(&self, config: &str) {
        self.events.send(WatchEvent::Configured(config.to_owned())).await.unwrap();
    }

    async fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Some(found) = look() {
                    return found;
                }
                let changed = tokio::time::timeout(Duration::from_millis(10), self.notifications.changed.notified());
                let _: Result<(), _> = changed.await;
            }
        };
        let found = tokio::time::timeout(LIMIT, looking).await;
        found.unwrap_or_else(|_| {
            panic!("timed out waiting for {what}; notices: {:#?}", self.notifications.lines.lock().unwrap())
        })
    }

    async fn serves(&self, name: &str, wasm: &[u8]) {
        let wanted = digest(wasm);
        self.until(&format!("version {} of {name}", version(wasm)), || {
            (self.serving(name).as_ref() == Some(&wanted)).then_some(())
        })
        .await;
    }

    fn serving(&self, name: &str) -> Option<String> {
        self.test_host.registry.snapshot().version(name).map(|one| one.digest.clone())
    }

    /// Waits for a notification that contains this text, removes it from the list, and returns it.
    async fn wait_for(&self, text: &str) -> String {
        let found = || self.notifications.lines.lock().unwrap().iter().find(|line| line.contains(text)).cloned();
        let line = self.until(&format!("a notification with {text:?}"), found).await;
        self.notifications.lines.lock().unwrap().retain(|other| *other != line);
        line
    }

    /// Waits for the next question to the owner. Returns the question's text and the buttons' commands.
    async fn next_question(&self) -> (String, Vec<String>) {
        let next = || {
            let mut questions = self.notifications.questions.lock().unwrap();
            (!questions.is_empty()).then(|| questions.remove(0))
        };
        let question = self.until("a question", next).await;
        let commands = question.buttons.into_iter().flatten().map(|button| button.command);
        (question.text, commands.collect())
    }

    /// Returns whether no notifications or questions are left.
    fn is_quiet(&self) -> bool {
        // Notices about slow compilations depend on the machine's speed, so ignore them.
        let is_relevant = |line: &String| !line.ends_with(COMPILING);
        !self.notifications.lines.lock().unwrap().iter().any(is_relevant)
            && self.notifications.questions.lock().unwrap().is_empty()
    }

    fn clear_notifications(&self) {
        self.notifications.lines.lock().unwrap().clear();
        self.notifications.questions.lock().unwrap().clear();
    }

    /// Returns the health and the note that `/plugins` shows.
    fn status(&self, name: &str) -> (String, String) {
        self.test_host.status(name)
    }

    /// Types a line, or presses a button that runs it as a command, and returns the reply. If the reply only says that
    /// a version is being compiled, waits for the notification about the result and returns it instead.
    async fn say(&self, line: &str) -> String {
        let earlier = self.notifications.lines.lock().unwrap().clone();
        let answer = self.test_host.read(line.trim_start_matches('/')).await;
        let Some((plugin, _)) = answer.strip_suffix(COMPILING).and_then(|start| start.split_once("',")) else {
            return answer;
        };
        let is_new = |line: &String| !earlier.contains(line);
        let outcome = |line: &&String| line.starts_with(plugin) && !line.ends_with(COMPILING) && is_new(line);
        self.until("the outcome", || self.notifications.lines.lock().unwrap().iter().find(outcome).cloned()).await
    }

    /// Waits until the rollout has handled all earlier events, by reloading the `help` plugin. Removes the
    /// notifications about the reload.
    async fn wait_until_caught_up(&self) {
        self.say("plugins reload help").await;
        self.notifications.lines.lock().unwrap().retain(|line| !line.contains("'help'"));
    }
}

async fn run(
    mut rollout: Rollout,
    live: LiveConfig,
    (mut events, mut orders): (mpsc::Receiver<WatchEvent>, mpsc::Receiver<cordboard_runtime::AuthorizedCommand>),
) {
    loop {
        // The rollout handles a change that was saved before a command before it handles the command.
        tokio::select! {
            biased;
            event = events.recv() => match event {
                None => return,
                Some(WatchEvent::File(name, wasm)) => {
                    rollout.on_file(&name, content(&wasm)).await;
                }
                Some(WatchEvent::Gone(name)) => rollout.on_removed(&name).await,
                Some(WatchEvent::Configured(text)) => {
                    let new = config::load(&text).unwrap();
                    let changes = config::diff(&live.now(), &new);
                    live.replace(new);
                    rollout.apply_settings(changes.plugins.into_keys().collect()).await;
                }
            },
            Some(command) = orders.recv() => rollout.on_command(command).await,
            event = rollout.next() => rollout.handle(event).await,
        }
    }
}

/// Advances tokio's clock by `span`.
async fn pass(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}
