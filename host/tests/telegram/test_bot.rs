//! A test fixture: a bot that talks to the fake Bot API and has an in-memory inbox, an outbox and a captured log.

use std::{
    collections::{HashMap, HashSet},
    io::Write,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cordboard::clock::Clock;
use cordboard_chat::{
    ButtonAction, Inbox, MessageId, StorageError, Streaming, Update,
    outbox::{DeliveryStore, Outbox},
};
use cordboard_core::{
    agent_event::PromptId,
    language::Language,
    types::{DeliveryIssue, Place, Reply, Role, UserId},
    updates_and_posts::{Delivery, OutboxRow, PostId},
};
use cordboard_telegram::{ReceiveError, ReceiverSettings, Settings, Telegram};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tracing::subscriber::DefaultGuard;

use crate::botapi::{BotApi, DEADLINE, TOKEN};

/// The only user with access, as a member.
pub const ADA: i64 = 7001;

pub struct TestBot {
    pub api: BotApi,
    pub telegram: Arc<Telegram>,
    pub inbox: Arc<Memory>,
    pub outbox: Outbox,
    pub token_file: PathBuf,
    pub log: Log,
    _folder: TempDir,
    _logging: DefaultGuard,
}

impl TestBot {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (log, logging) = Log::capture();
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
        let api = BotApi::start().await;
        let mut settings = Settings::new(token_file.clone(), &api.url);
        settings.edit_pause = Arc::new(|| Duration::from_millis(5));
        settings.streaming = Arc::new(|| Streaming::Messages);
        settings.first_retry = Duration::from_millis(5);
        change(&mut settings);
        let inbox = Arc::new(Memory::default());
        let telegram = Arc::new(Telegram::open(settings, Arc::<Memory>::clone(&inbox)).unwrap());
        let (outbox, work) = Outbox::new(Arc::<Telegram>::clone(&telegram), Arc::new(NoDeliveryStore));
        tokio::spawn(work);
        Self { api, telegram, inbox, outbox, token_file, log, _folder: folder, _logging: logging }
    }

    pub fn poll(&self) -> JoinHandle<ReceiveError> {
        self.poll_until(Duration::from_secs(600))
    }

    /// Starts a task that polls until Telegram has rejected the token for the duration `give_up`. If the token was
    /// never accepted, the first rejection ends the task.
    pub fn poll_until(&self, give_up: Duration) -> JoinHandle<ReceiveError> {
        let telegram = Arc::clone(&self.telegram);
        tokio::spawn(async move { telegram.poll(receiver_settings(give_up)).await.unwrap_err() })
    }

    /// Waits until at least this many updates are stored, and returns all of them.
    pub async fn until_stored(&self, count: usize) -> Vec<Update> {
        let inbox = Arc::clone(&self.inbox);
        // `until` checks its condition after each call. This works here, because the adapter makes a call to confirm
        // stored updates.
        self.api.until(&format!("{count} stored updates"), move |_| inbox.updates().len() >= count).await;
        self.inbox.updates()
    }

    /// Waits until the log contains a text. Polls the log, because nothing signals new lines.
    pub async fn until_logged(&self, what: &str) {
        let logged = async {
            while !self.log.text().contains(what) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if tokio::time::timeout(DEADLINE, logged).await.is_err() {
            panic!("never logged: {what}: {}", self.log.text());
        }
    }
}

pub fn receiver_settings(give_up: Duration) -> ReceiverSettings {
    let access = Arc::new(|id: &UserId, _: &Place| (id.0 == format!("telegram:{ADA}")).then_some(Role::Member));
    ReceiverSettings {
        access,
        press_refusal: Arc::new(|_, _| None),
        language: Arc::new(|locale| locale.and_then(Language::from_tag)),
        pairing: None,
        clock: Clock::system().source(),
        give_up: Arc::new(move || give_up),
    }
}

pub fn place(chat: i64) -> Place {
    Place::new("telegram", &chat.to_string())
}

pub fn row(id: i64, chat: i64, reply: Reply) -> OutboxRow {
    OutboxRow { id: PostId(id), place: place(chat), reply, turn: None, state: Delivery::default() }
}

/// An in-memory inbox.
#[derive(Default)]
pub struct Memory(Mutex<Stored>);

#[derive(Default)]
struct Stored {
    updates: Vec<Update>,
    offset: Option<i64>,
    buttons: HashMap<String, ButtonAction>,
    moved: Vec<(String, String)>,
    changed_topics: Vec<Place>,
    /// The places that were notified that the store is failing.
    notified: HashSet<Place>,
    /// The number of upcoming writes that fail.
    broken: usize,
    /// The number of syncs that will fail.
    failing_syncs: usize,
}

impl Memory {
    pub fn updates(&self) -> Vec<Update> {
        self.stored().updates.clone()
    }

    pub fn changed_topics(&self) -> Vec<Place> {
        self.stored().changed_topics.clone()
    }

    pub fn break_down(&self, times: usize) {
        self.stored().broken = times;
    }

    pub fn fail_syncs(&self, times: usize) {
        self.stored().failing_syncs = times;
    }

    pub fn last_offset(&self) -> Option<i64> {
        self.stored().offset
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Inbox for Memory {
    async fn accept(&self, updates: Vec<Update>, offset: Option<i64>) -> Result<(), StorageError> {
        let mut stored = self.stored();
        if stored.broken > 0 {
            stored.broken -= 1;
            return Err(StorageError::Failed("store a new message: no space left on device".to_owned()));
        }
        for update in updates {
            if stored.updates.iter().all(|known| known.key != update.key) {
                stored.updates.push(update);
            }
        }
        stored.offset = offset.or(stored.offset);
        stored.notified.clear();
        Ok(())
    }

    async fn sync(&self) -> Result<(), StorageError> {
        let mut stored = self.stored();
        if stored.failing_syncs > 0 {
            stored.failing_syncs -= 1;
            return Err(StorageError::Failed("sync the store: input/output error".to_owned()));
        }
        Ok(())
    }

    fn record_failure(&self, place: &Place) -> bool {
        self.stored().notified.insert(place.clone())
    }

    async fn offset(&self) -> Result<Option<i64>, StorageError> {
        Ok(self.stored().offset)
    }

    async fn store_button(&self, line: &ButtonAction) -> Result<String, StorageError> {
        let mut stored = self.stored();
        let token = format!("{:016x}", stored.buttons.len());
        stored.buttons.insert(token.clone(), line.clone());
        Ok(token)
    }

    async fn find_button(&self, token: &str) -> Result<Option<ButtonAction>, StorageError> {
        Ok(self.stored().buttons.get(token).cloned())
    }

    async fn move_chat(&self, home: &str, chat: &str) -> Result<(), StorageError> {
        self.stored().moved.push((home.to_owned(), chat.to_owned()));
        Ok(())
    }

    async fn moved_chats(&self) -> Result<Vec<(String, String)>, StorageError> {
        Ok(self.stored().moved.clone())
    }

    async fn on_topic_changed(&self, topic: &Place) -> Result<(), StorageError> {
        self.stored().changed_topics.push(topic.clone());
        Ok(())
    }
}

struct NoDeliveryStore;

#[async_trait]
impl DeliveryStore for NoDeliveryStore {
    fn language(&self, _place: &Place) -> Option<Language> {
        None
    }

    async fn save_placeholder(&self, _: &PromptId, _: &Place, _: &MessageId, _: &str) -> Result<(), StorageError> {
        Ok(())
    }

    async fn forget_placeholder(&self, _: &Place, _: &MessageId) -> Result<(), StorageError> {
        Ok(())
    }

    async fn save_progress(&self, _: PostId, _: Delivery) -> Result<(), StorageError> {
        Ok(())
    }

    async fn complete(
        &self,
        _: PostId,
        _: Vec<MessageId>,
        _: Vec<DeliveryIssue>,
    ) -> Result<Vec<OutboxRow>, StorageError> {
        Ok(Vec::new())
    }
}

/// The captured log of the test's thread.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn capture() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        (log, guard)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// Returns the number of log lines that contain `what` and have the level info or above.
    pub fn count(&self, what: &str) -> usize {
        let text = self.text();
        let shown = |line: &&str| [" INFO ", " WARN ", "ERROR "].iter().any(|level| line.contains(level));
        text.lines().filter(shown).filter(|line| line.contains(what)).count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
