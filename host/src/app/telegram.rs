//! Opens the Telegram bots and runs one task per bot, which receives the bot's messages. If Telegram rejects a bot's
//! token, the other bots keep running.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use cordboard_chat::{Chat, Inbox, RichMessages, Streaming};
use cordboard_core::{
    config::{RichMode, Stream, Telegram as TelegramConfig},
    language::with_language,
    messages,
    types::{Place, TimeSource},
    updates_and_posts::NewPost,
};
use cordboard_telegram::{ReceiveError, ReceiverSettings, Settings, Telegram};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::{
    AppError,
    access_checked_chat::AccessCheckedChat,
    bot_router::BotRouter,
    options::StartOptions,
    own_files::{own_files_lister, token_file},
    telegram_updates::{UpdateSources, WebhookListener},
};
use crate::{
    control::BotName,
    hub::{self, LiveConfig, Outbound},
    operators::NoticeFrontEnd,
    pairing::OwnerPairing,
    session_files::SessionFiles,
    session_registry::SessionRegistry,
};

/// A function that returns the inbox for a front-end.
pub type InboxFactory<'a> = &'a dyn Fn(&str) -> Arc<dyn Inbox>;

/// The bots, and the tasks that receive their messages.
pub struct TelegramFrontEnd {
    /// The bot configured in `[telegram]`, or the first named bot if `[telegram]` has no token.
    main: Arc<Telegram>,
    config: LiveConfig,
    receiving: JoinSet<StoppedBot>,
    /// The server that will receive all bots' webhook requests. `None` after [`Self::start`], or if the bots poll.
    listener: Option<WebhookListener>,
    server: Option<JoinHandle<Infallible>>,
    started: watch::Sender<bool>,
    running: RunningBots,
    /// Sends the notice about a stopped bot.
    outbound: Option<Outbound>,
}

/// The front-ends of the running bots. The main bot's comes first, unless that bot has stopped.
#[derive(Clone)]
struct RunningBots(Arc<Mutex<Vec<String>>>);

impl RunningBots {
    fn remove(&self, front_end: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|running| running != front_end);
    }

    fn first(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }
}

/// A bot that has stopped receiving messages, and the error that stopped it.
struct StoppedBot {
    front_end: String,
    error: ReceiveError,
}

/// An open bot, and the name of its front-end.
struct OpenBot {
    front_end: String,
    telegram: Arc<Telegram>,
}

/// A bot's id, and the configuration table that contains the bot's token.
pub(super) struct ConfiguredBot {
    /// The name of the configuration table, such as `telegram.work`.
    pub table: String,
    pub id: String,
}

/// Checks that no two tables contain a token of the same bot: their receivers would take each other's updates.
///
/// # Errors
/// Two tables have a token of the same bot.
pub(super) fn check_different_bots(bots: &[ConfiguredBot]) -> Result<(), AppError> {
    let mut tables = BTreeMap::new();
    for ConfiguredBot { table, id } in bots {
        if let Some(first) = tables.insert(id, table) {
            return Err(AppError::SameBot { first: first.clone(), second: table.clone(), bot: id.clone() });
        }
    }
    Ok(())
}

impl TelegramFrontEnd {
    /// Opens the bots, and also returns a chat that sends through them. No messages are received until [`Self::start`]
    /// is called.
    pub async fn open(
        options: &StartOptions,
        inbox_factory: InboxFactory<'_>,
        sessions: &Arc<SessionRegistry>,
        pairing: Arc<OwnerPairing>,
    ) -> Result<(Self, Arc<dyn Chat>), AppError> {
        let config = options.config.now();
        let bots = open_bots(options, inbox_factory)?;
        let main = Arc::clone(&bots.first().ok_or(AppError::NoToken)?.telegram);
        let settings: Vec<&TelegramConfig> = config.telegram_bots().map(|(_, bot)| bot).collect();
        let sources = UpdateSources::open(&options.paths.state, &config.telegram, &settings).await?;
        let started = watch::Sender::new(false);
        let mut receiving = JoinSet::new();
        for (bot, source) in bots.iter().zip(sources.per_bot) {
            let settings = receiver_settings(options, &bot.front_end, sessions, pairing.clock.source());
            // Only the main bot offers pairing: a person pairs with the host, so one bot is enough.
            let is_main = Arc::ptr_eq(&bot.telegram, &main);
            let settings = ReceiverSettings { pairing: is_main.then(|| Arc::clone(&pairing) as _), ..settings };
            let (receiver, front_end) = (Arc::clone(&bot.telegram), bot.front_end.clone());
            let mut start_signal = started.subscribe();
            receiving.spawn(async move {
                // Waiting fails only if the front-end has been dropped, which also aborts this task.
                drop(start_signal.wait_for(|started| *started).await);
                match source.receive(&receiver, settings).await {
                    Ok(never) => match never {},
                    Err(error) => StoppedBot { front_end, error },
                }
            });
        }
        let running = RunningBots(Arc::new(Mutex::new(bots.iter().map(|bot| bot.front_end.clone()).collect())));
        let by_front_end = bots.into_iter().map(|bot| (bot.front_end, bot.telegram as Arc<dyn Chat>)).collect();
        let router = BotRouter::new(Arc::clone(&main) as Arc<dyn Chat>, by_front_end);
        let chat = Arc::new(AccessCheckedChat { chat: Arc::new(router), config: options.config.clone() });
        let (config, listener) = (options.config.clone(), sources.server);
        let front_end = Self { main, config, receiving, listener, server: None, started, running, outbound: None };
        Ok((front_end, chat))
    }

    /// Returns a function that returns the main bot's user name, or `None` if it isn't known yet.
    pub fn bot_name(&self) -> BotName {
        let main = Arc::clone(&self.main);
        Arc::new(move || main.bot_name().map(str::to_owned))
    }

    /// Returns a function that returns the front-end for notices: the main bot's, or another running bot's if the main
    /// bot has stopped.
    pub fn notice_front_end(&self) -> NoticeFrontEnd {
        let running = self.running.clone();
        Arc::new(move || running.first().unwrap_or_else(|| cordboard_telegram::FRONT_END.to_owned()))
    }

    /// Starts receiving messages. `outbound` sends the notice about a bot that has stopped.
    pub fn start(&mut self, outbound: Outbound) {
        self.outbound = Some(outbound);
        self.server = self.listener.take().map(WebhookListener::spawn);
        self.started.send_replace(true);
    }

    /// Waits until every bot has stopped, and returns the error that stopped the last one. Notifies the owner when a
    /// bot stops while others are running.
    pub async fn wait_ended(&mut self) -> AppError {
        loop {
            match self.receiving.join_next().await {
                Some(Ok(stopped)) if self.receiving.is_empty() => return stopped.error.into(),
                Some(Ok(stopped)) => self.report_stopped(stopped).await,
                Some(Err(error)) => return error.into(),
                None => std::future::pending().await,
            }
        }
    }

    async fn report_stopped(&self, StoppedBot { front_end, error }: StoppedBot) {
        tracing::error!(bot = front_end, %error, "a bot has stopped: the other bots continue; restart Cordboard to start it again");
        self.running.remove(&front_end);
        let owner = self.config.now().access.owner;
        let (Some(owner), Some(running), Some(outbound)) = (owner, self.running.first(), &self.outbound) else {
            return;
        };
        let place = Place::new(&running, &owner.to_string());
        let text = || messages::bot_stopped(&front_end, &error.to_string());
        let notice = messages::plain(&with_language(outbound.language(&place), text));
        outbound.finish(Vec::new(), vec![NewPost::new(place, notice)]).await;
    }

    /// Stops receiving messages. Webhook requests in progress are answered with an error, so that Telegram resends
    /// their updates.
    pub fn stop(&mut self) {
        self.receiving.abort_all();
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// Opens all bots that have a token, the main bot first.
fn open_bots(options: &StartOptions, inbox_factory: InboxFactory<'_>) -> Result<Vec<OpenBot>, AppError> {
    let config = options.config.now();
    let (mut bots, mut ids) = (Vec::new(), Vec::new());
    for (front_end, telegram) in config.telegram_bots() {
        let settings = bot_settings(options, &front_end, telegram)?;
        let id = cordboard_telegram::check_token(&settings.token_file)?;
        ids.push(ConfiguredBot { table: front_end.clone(), id });
        let telegram = Arc::new(Telegram::open(settings, inbox_factory(&front_end))?);
        bots.push(OpenBot { front_end, telegram });
    }
    check_different_bots(&ids)?;
    Ok(bots)
}

/// Reads the current settings of a bot.
struct BotSettings {
    config: LiveConfig,
    /// Any place that the bot serves. It selects the bot's settings in the configuration.
    place: Place,
}

impl BotSettings {
    fn new(options: &StartOptions, front_end: &str) -> Self {
        Self { config: options.config.clone(), place: Place::new(front_end, "") }
    }

    /// Returns a function that reads a setting from the current configuration.
    fn read<T: 'static>(&self, read: fn(&TelegramConfig) -> T) -> Arc<dyn Fn() -> T + Send + Sync> {
        let (config, place) = (self.config.clone(), self.place.clone());
        Arc::new(move || read(config.now().telegram_of(&place)))
    }
}

fn receiver_settings(
    options: &StartOptions,
    front_end: &str,
    sessions: &Arc<SessionRegistry>,
    clock: TimeSource,
) -> ReceiverSettings {
    let (access, config, sessions) = (options.config.clone(), options.config.clone(), Arc::clone(sessions));
    ReceiverSettings {
        access: Arc::new(move |person, place| hub::role(person, place, &access.now().access)),
        press_refusal: Arc::new(move |caller, button| sessions.press_refusal(caller, button)),
        language: Arc::new(move |locale| config.now().language.texts.language(locale)),
        clock,
        give_up: BotSettings::new(options, front_end).read(|telegram| telegram.give_up),
        pairing: None,
    }
}

fn bot_settings(options: &StartOptions, front_end: &str, telegram: &TelegramConfig) -> Result<Settings, AppError> {
    let token = token_file(&options.paths, front_end, telegram).ok_or(AppError::NoToken)?;
    let current = BotSettings::new(options, front_end);
    let mut settings = Settings::new(token, &telegram.api_url);
    front_end.clone_into(&mut settings.front_end);
    settings.edit_pause = current.read(|telegram| telegram.edit_pause);
    settings.streaming = current.read(|telegram| match telegram.stream {
        Stream::Draft => Streaming::Drafts,
        Stream::Edit => Streaming::Messages,
        Stream::Off => Streaming::Off,
    });
    settings.rich = current.read(|telegram| match telegram.rich {
        RichMode::Off => RichMessages::Off,
        RichMode::Auto => RichMessages::Auto,
    });
    settings.ring_after = current.read(|telegram| telegram.ring_after);
    settings.document_over = current.read(|telegram| telegram.document_over);
    settings.file_limit = current.read(|telegram| telegram.file_limit);
    let files = SessionFiles::new(own_files_lister(options.paths.clone(), options.config.clone()));
    settings.open_file = Arc::new(move |file| files.open(file));
    Ok(settings)
}
