//! The Telegram front-end: the Bot API as a [`Chat`](cordboard_chat::Chat), and the loops that receive updates by
//! polling or through a webhook.
//!
//! An update is stored before it is confirmed, and updates of users without access are dropped. Every request URL
//! contains the token, so only [`api`] handles URLs, and it removes the token from all errors. The outbox decides
//! when each message is sent.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use cordboard_core::{
    language::Language,
    types::{Caller, Place, Role, SessionFile, TimeSource, UserId},
    updates_and_posts::ButtonAction,
};

use cordboard_chat::{Inbox, MenuEntry, RichMessages, Streaming};

mod api;
mod chat_migrations;
mod connection;
mod described_content;
mod entities;
mod incoming;
mod keyboard;
mod outgoing;
mod pairing;
mod poll;
mod prompt;
mod rate_limited_chats;
mod received_file;
mod receiver;
mod reply_author;
mod token;
mod update;
mod webhook;

use api::Api;
use chat_migrations::ChatMigrations;
pub use connection::ReceiveError;
pub use incoming::BotAccount;
use keyboard::Keyboard;
use outgoing::{ApiPlace, Calls, RichRefusals, StopButtons, TopicSupport};
pub use pairing::{AttemptKind, PairingAttempt, PairingHandler, PairingOutcome};
pub use token::{TokenError, check as check_token, is_token};
pub use webhook::{UpdateWebhook, WebhookOutcome, WebhookRequest};

/// The front-end name in user ids and in the main bot's places.
pub const FRONT_END: &str = "telegram";

/// A function that returns the role of a user in a place, or `None` for a user without access there.
pub type Access = Arc<dyn Fn(&UserId, &Place) -> Option<Role> + Send + Sync>;

/// A function that returns why a user may not press a button, or `None` if the user may.
pub type PressRefusal = Arc<dyn Fn(&Caller, &ButtonAction) -> Option<String> + Send + Sync>;

/// A function that returns the language of the texts for a user whose app reports this locale.
pub type LanguageOf = Arc<dyn Fn(Option<&str>) -> Option<Language> + Send + Sync>;

/// Settings that are read for each update, so that changes take effect at once.
#[derive(Clone)]
pub struct ReceiverSettings {
    pub access: Access,
    pub press_refusal: PressRefusal,
    pub language: LanguageOf,
    /// `None` if pairing is not available.
    pub pairing: Option<Arc<dyn PairingHandler>>,
    /// The clock for the timestamps of button presses, which have none in the Bot API.
    pub clock: TimeSource,
    /// The host stops receiving updates after the server has refused the token for this time without interruption.
    pub give_up: Arc<dyn Fn() -> Duration + Send + Sync>,
}

/// A function that returns a duration from the configuration. It is called at each use, so that the duration can change
/// while the host runs.
pub type ConfiguredTime = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A function that opens a session file and returns it with its size.
pub type OpenFile = Arc<dyn Fn(&SessionFile) -> io::Result<(File, u64)> + Send + Sync>;

#[derive(Clone)]
pub struct Settings {
    /// The front-end name in the bot's places. See [`Place::front_end`].
    pub front_end: String,
    /// The file that contains the token.
    pub token_file: PathBuf,
    /// `https://api.telegram.org`, or the URL of another Bot API server.
    pub api_url: String,
    /// The minimum time between two edits in a private chat. In a group it is five times as long.
    pub edit_pause: ConfiguredTime,
    /// A function that returns how running turns are shown. In groups, messages are used instead of drafts.
    pub streaming: Arc<dyn Fn() -> Streaming + Send + Sync>,
    /// A function that returns whether answers may be rich messages.
    pub rich: Arc<dyn Fn() -> RichMessages + Send + Sync>,
    /// See [`Limits::ring_after`](cordboard_chat::Limits::ring_after).
    pub ring_after: ConfiguredTime,
    /// See [`Limits::document_over`](cordboard_chat::Limits::document_over).
    pub document_over: Arc<dyn Fn() -> usize + Send + Sync>,
    /// A function that returns the maximum size of a file that a user sends, in bytes.
    pub file_limit: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub open_file: OpenFile,
    /// The long-poll timeout, in whole seconds.
    pub poll_timeout: Duration,
    /// The timeout of a request. It is added to the long-poll timeout when polling.
    pub timeout: Duration,
    /// The delay after the first failure. It doubles with each consecutive failure, up to a minute.
    pub first_retry: Duration,
}

impl Settings {
    /// Returns the default settings of the main bot, for this token file and Bot API server.
    #[must_use]
    pub fn new(token_file: PathBuf, api_url: &str) -> Self {
        Self {
            front_end: FRONT_END.to_owned(),
            token_file,
            api_url: api_url.trim_end_matches('/').to_owned(),
            edit_pause: Arc::new(|| Duration::from_secs(1)),
            streaming: Arc::new(|| Streaming::Drafts),
            rich: Arc::new(|| RichMessages::Off),
            ring_after: Arc::new(|| Duration::ZERO),
            document_over: Arc::new(|| 12_000),
            file_limit: Arc::new(|| 20 << 20),
            open_file: Arc::new(|_| Err(io::Error::from(io::ErrorKind::Unsupported))),
            poll_timeout: Duration::from_secs(50),
            timeout: Duration::from_secs(20),
            first_retry: Duration::from_secs(1),
        }
    }
}

/// A Telegram bot.
pub struct Telegram {
    settings: Settings,
    api: Arc<Api>,
    inbox: Arc<dyn Inbox>,
    keyboard: Keyboard,
    migrations: Arc<ChatMigrations>,
    calls: Calls,
    stop_buttons: StopButtons,
    rich_refusals: RichRefusals,
    topics: TopicSupport,
    /// The bot's user name. Not set until the host has signed in.
    bot_name: OnceLock<String>,
    /// The places with a typing call in progress.
    typing: Arc<Mutex<HashSet<ApiPlace>>>,
    /// The menus that were last set, by private chat. The key `None` holds the menu for all other chats.
    menus: Mutex<HashMap<Option<i64>, Vec<MenuEntry>>>,
    /// Hashes of the contents of recent messages, by chat and message id. An edit that doesn't change the content
    /// doesn't require a call.
    shown_hashes: Mutex<HashMap<(String, String), u64>>,
}

impl Telegram {
    /// Reads the token. Doesn't make any requests.
    ///
    /// # Errors
    /// The token file is missing or invalid. The error text says what to do.
    pub fn open(settings: Settings, inbox: Arc<dyn Inbox>) -> Result<Self, TokenError> {
        let token = token::read(&settings.token_file)?;
        let api = Arc::new(Api::new(token, &settings.api_url, settings.timeout));
        let keyboard = Keyboard::new(Arc::clone(&inbox));
        let (migrations, menus, shown_hashes) = (Arc::default(), Mutex::default(), Mutex::default());
        let (calls, typing) = (Calls::new(Arc::clone(&api)), Arc::default());
        let (stop_buttons, rich_refusals, topics) =
            (StopButtons::default(), RichRefusals::default(), TopicSupport::default());
        Ok(Self {
            settings,
            api,
            inbox,
            keyboard,
            calls,
            stop_buttons,
            rich_refusals,
            topics,
            bot_name: OnceLock::new(),
            typing,
            migrations,
            menus,
            shown_hashes,
        })
    }

    /// Returns the bot's user name, without `@`. `None` before the host has signed in.
    #[must_use]
    pub fn bot_name(&self) -> Option<&str> {
        self.bot_name.get().map(String::as_str)
    }

    /// Polls for updates and stores them. Retries after network and store failures.
    ///
    /// Cancel safe: updates that were not stored are delivered again.
    ///
    /// # Errors
    /// The token was never valid, or was refused for [`ReceiverSettings::give_up`]. Only the operator can fix this.
    pub async fn poll(&self, settings: ReceiverSettings) -> Result<Infallible, ReceiveError> {
        poll::run(self, settings).await
    }

    /// Sets the webhook, and stores the updates in its requests. Retries after network and store failures.
    ///
    /// Cancel safe: a request without an outcome must be answered with an error, and Telegram sends its update again.
    ///
    /// # Errors
    /// As [`Self::poll`].
    pub async fn serve_webhook(
        &self,
        settings: ReceiverSettings,
        webhook: UpdateWebhook,
    ) -> Result<Infallible, ReceiveError> {
        webhook::run(self, settings, webhook).await
    }

    /// Stores the update in the body of a webhook's request, without a connection to the Bot API. A pressed button isn't
    /// answered. For tests that decode many updates.
    pub async fn store_update(&self, settings: &ReceiverSettings, bot: BotAccount, body: &[u8]) -> WebhookOutcome {
        webhook::store(self, settings, bot, body).await
    }

    /// Deletes the webhook, so that polling is possible. Telegram keeps the updates that were not confirmed. Retries
    /// after network failures.
    ///
    /// # Errors
    /// As [`Self::poll`].
    pub async fn delete_webhook(&self, settings: &ReceiverSettings) -> Result<(), ReceiveError> {
        webhook::delete(self, settings).await
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is a single step, so the data is consistent even after a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
