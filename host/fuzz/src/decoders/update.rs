//! Decodes updates of the Bot API: an update is stored only for people with access, survives the store, and contains
//! the text of the message.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use cordboard_chat::{ButtonAction, Inbox, StorageError, Update, UpdateKind};
use cordboard_core::{
    json_repair,
    render::is_unseen,
    route,
    types::{Place, Role, Timestamp, UserId},
};
use cordboard_telegram::{BotAccount, ReceiverSettings, Settings, Telegram, WebhookOutcome};
use serde_json::Value;

/// The people with access.
const OWNER: u64 = 1;
const MEMBER: u64 = 2;

/// The token of a button that the store knows.
const BUTTON: &str = "button";

/// Linux limits file names to this many bytes.
const MAX_FILE_NAME: usize = 255;

type Stored = Vec<(Vec<Update>, Option<i64>)>;

/// Collects the stored updates.
#[derive(Default)]
struct TestInbox(Mutex<Stored>);

static INBOX: LazyLock<Arc<TestInbox>> = LazyLock::new(Arc::default);

static TELEGRAM: LazyLock<Telegram> = LazyLock::new(|| {
    let file = std::env::temp_dir().join(format!("cordboard-fuzz-token-{}", std::process::id()));
    std::fs::write(&file, "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("the temporary folder is writable");
    let telegram =
        Telegram::open(Settings::new(file.clone(), "http://127.0.0.1"), Arc::clone(&*INBOX) as Arc<dyn Inbox>);
    std::fs::remove_file(file).expect("the file was just written");
    telegram.unwrap_or_else(|error| panic!("{error}"))
});

pub fn check(data: &[u8]) {
    // Tests may run in parallel, but there is only one inbox.
    static RUNNING: Mutex<()> = Mutex::new(());
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let bot = BotAccount { id: 7, name: "cord_bot".to_owned() };
    let outcome = completed(TELEGRAM.store_update(&settings(), bot, data));
    let stored = std::mem::take(&mut *INBOX.0.lock().unwrap_or_else(PoisonError::into_inner));
    let json = json_repair::parse(data);
    assert_eq!(outcome == WebhookOutcome::Invalid, json.is_err(), "{json:?}");
    assert!(stored.len() <= 1, "{stored:?}");
    for (updates, offset) in &stored {
        let [update] = &updates[..] else { panic!("{updates:?}") };
        assert_valid(update);
        let id = json.as_ref().ok().and_then(|json| json["update_id"].as_i64());
        assert_eq!(*offset, id.map(|id| id.saturating_add(1)));
    }
    if let Some(text) = json.as_ref().ok().and_then(prompt_text) {
        let words = stored.first().map(|(updates, _)| updates[0].what.text());
        assert!(words.is_some_and(|words| contains_in_order(words, text)), "{text:?} became {words:?}");
    }
}

fn settings() -> ReceiverSettings {
    ReceiverSettings {
        access: Arc::new(|user, _| role_of(user)),
        press_refusal: Arc::new(|_, _| None),
        language: Arc::new(|_| None),
        pairing: None,
        clock: Arc::new(|| Timestamp(1)),
        give_up: Arc::new(|| Duration::ZERO),
    }
}

fn role_of(user: &UserId) -> Option<Role> {
    match user.0.strip_prefix("telegram:")?.parse() {
        Ok(OWNER) => Some(Role::Owner),
        Ok(MEMBER) => Some(Role::Member),
        Ok(_) | Err(_) => None,
    }
}

fn assert_valid(update: &Update) {
    assert_eq!(Some(update.caller.role), role_of(&update.caller.id), "{update:?}");
    assert_eq!(update.place.front_end, "telegram");
    assert!(update.place.chat.parse::<i64>().is_ok(), "{update:?}");
    assert!(update.place.topic.as_ref().is_none_or(|topic| topic.parse::<i32>().is_ok()), "{update:?}");
    if let UpdateKind::NotText { files, .. } = &update.what {
        for file in files {
            assert!(file.saved_as.len() <= MAX_FILE_NAME && !file.saved_as.contains('/'), "{file:?}");
            assert!(!file.saved_as.starts_with(['.', '-']), "{file:?}");
        }
    }
    let json = serde_json::to_string(update).expect("an update can be stored");
    assert_eq!(serde_json::from_str::<Update>(&json).as_ref().ok(), Some(update), "{json}");
}

/// Returns the text of an update that must become a prompt: a text message from a person with access in their private
/// chat, which is not a command and mentions no user.
fn prompt_text(update: &Value) -> Option<&str> {
    let message = update.get("message")?;
    let (user, text) = (message["from"]["id"].as_u64()?, message["text"].as_str()?);
    let others = ["edited_message", "callback_query", "stopped_message_generation"];
    let is_service = |name: &String| name.starts_with("forum_topic");
    let is_prompt = update["update_id"].is_i64()
        && others.iter().all(|other| update[other].is_null())
        && message["message_id"].is_i64()
        && message["chat"]["id"].as_u64() == Some(user)
        && message["sender_chat"].is_null()
        && matches!(message["from"].get("is_bot"), None | Some(Value::Bool(false)))
        && role_of(&UserId(format!("telegram:{user}"))).is_some()
        && !message.as_object()?.keys().any(is_service)
        && route::parse(text).is_none()
        && !text.contains('@');
    is_prompt.then_some(text)
}

/// Returns whether `words` contains all characters of `text`, except white space and invisible ones, in order.
fn contains_in_order(words: &str, text: &str) -> bool {
    let mut letters = words.chars();
    text.chars()
        .filter(|letter| !letter.is_whitespace() && !is_unseen(*letter))
        .all(|letter| letters.any(|other| other == letter))
}

/// Polls a future that never waits.
fn completed<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("decoding an update waits for something"),
    }
}

#[async_trait]
impl Inbox for TestInbox {
    async fn accept(&self, updates: Vec<Update>, offset: Option<i64>) -> Result<(), StorageError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((updates, offset));
        Ok(())
    }

    async fn sync(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn record_failure(&self, _: &Place) -> bool {
        false
    }

    async fn offset(&self) -> Result<Option<i64>, StorageError> {
        Ok(None)
    }

    async fn store_button(&self, _: &ButtonAction) -> Result<String, StorageError> {
        Ok(BUTTON.to_owned())
    }

    async fn find_button(&self, token: &str) -> Result<Option<ButtonAction>, StorageError> {
        Ok((token == BUTTON).then(ButtonAction::default))
    }

    /// Fails, so that one input can't change the places of the next one.
    async fn move_chat(&self, _: &str, _: &str) -> Result<(), StorageError> {
        Err(StorageError::Closed)
    }

    async fn moved_chats(&self) -> Result<Vec<(String, String)>, StorageError> {
        Ok(Vec::new())
    }
}
