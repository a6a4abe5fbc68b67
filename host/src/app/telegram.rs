//! Opens the Telegram front-end, and runs the task that receives its messages: by polling, or through the webhook and
//! its HTTP server.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::Arc,
};

use cordboard_chat::{Chat, Inbox, RichMessages, Streaming};
use cordboard_core::config::{RichMode, Stream};
use cordboard_telegram::{ReceiveError, ReceiverSettings, Settings, Telegram, UpdateWebhook};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

use super::{
    AppError,
    access_checked_chat::AccessCheckedChat,
    options::StartOptions,
    own_files::{own_files, token_file},
};
use crate::{
    control::BotName,
    hub,
    pairing::OwnerPairing,
    session_files::SessionFiles,
    session_registry::SessionRegistry,
    telegram_webhook::{self, TelegramWebhookServer, secret},
};

/// The task that receives messages from Telegram.
pub struct TelegramFrontEnd {
    telegram: Arc<Telegram>,
    receiving: JoinHandle<Result<Infallible, ReceiveError>>,
    started: Arc<Notify>,
}

impl TelegramFrontEnd {
    /// Opens Telegram as a chat. Receives no messages before [`Self::begin`].
    pub async fn open(
        options: &StartOptions,
        inbox: Arc<dyn Inbox>,
        sessions: &Arc<SessionRegistry>,
        pairing: Arc<OwnerPairing>,
    ) -> Result<(Self, Arc<dyn Chat>), AppError> {
        let telegram = Arc::new(Telegram::open(settings(options)?, inbox)?);
        let source = UpdateSource::open(options).await?;
        let (access, live, sessions) = (options.config.clone(), options.config.clone(), Arc::clone(sessions));
        let settings = ReceiverSettings {
            access: Arc::new(move |person, place| hub::role(person, place, &access.now().access)),
            press_refusal: Arc::new(move |caller, button| sessions.press_refusal(caller, button)),
            clock: pairing.clock.source(),
            give_up: Arc::new(move || live.now().telegram.give_up),
            pairing: Some(pairing),
        };
        let started = Arc::new(Notify::new());
        let (receiver, start_signal) = (Arc::clone(&telegram), Arc::clone(&started));
        let receiving = tokio::spawn(async move {
            start_signal.notified().await;
            source.receive(&receiver, settings).await
        });
        let chat = Arc::new(AccessCheckedChat {
            chat: Arc::clone(&telegram) as Arc<dyn Chat>,
            config: options.config.clone(),
        });
        Ok((Self { telegram, receiving, started }, chat))
    }

    /// Returns a function that returns the bot's user name, once it is known.
    pub fn bot_name(&self) -> BotName {
        let telegram = Arc::clone(&self.telegram);
        Arc::new(move || telegram.bot_name().map(str::to_owned))
    }

    /// Starts receiving messages.
    pub fn begin(&self) {
        self.started.notify_one();
    }

    /// Waits until no more messages can be received, and returns the reason.
    pub async fn ended(&mut self) -> AppError {
        match (&mut self.receiving).await {
            Ok(Ok(never)) => match never {},
            Ok(Err(error)) => error.into(),
            Err(error) => error.into(),
        }
    }

    /// Stops receiving messages. An open webhook request gets an error, so that Telegram resends its update.
    pub fn stop(&self) {
        self.receiving.abort();
    }
}

fn settings(options: &StartOptions) -> Result<Settings, AppError> {
    let config = options.config.now();
    let token = token_file(&options.paths, &config).ok_or(AppError::NoToken)?;
    let mut settings = Settings::new(token, &config.telegram.api_url);
    let live = options.config.clone();
    settings.edit_pause = Arc::new(move || live.now().telegram.edit_pause);
    let live = options.config.clone();
    settings.streaming = Arc::new(move || match live.now().telegram.stream {
        Stream::Draft => Streaming::Drafts,
        Stream::Edit => Streaming::Messages,
        Stream::Off => Streaming::Off,
    });
    let live = options.config.clone();
    settings.rich = Arc::new(move || match live.now().telegram.rich {
        RichMode::Off => RichMessages::Off,
        RichMode::Auto => RichMessages::Auto,
    });
    let live = options.config.clone();
    settings.ring_after = Arc::new(move || live.now().telegram.ring_after);
    let live = options.config.clone();
    settings.document_over = Arc::new(move || live.now().telegram.document_over);
    let live = options.config.clone();
    settings.file_limit = Arc::new(move || live.now().telegram.file_limit);
    let files = SessionFiles::new(own_files(options.paths.clone(), options.config.clone()));
    settings.open_file = Arc::new(move |file| files.open(file));
    Ok(settings)
}

/// The way Telegram delivers updates.
enum UpdateSource {
    Polling { state: PathBuf },
    Webhook { listener: TcpListener, server: Arc<TelegramWebhookServer>, webhook: UpdateWebhook },
}

impl UpdateSource {
    /// Opens the listener and loads or creates the secret if `[telegram] webhook` is set.
    async fn open(options: &StartOptions) -> Result<Self, AppError> {
        let (config, state) = (options.config.now(), &options.paths.state);
        let (Some(url), Some(address)) = (&config.telegram.webhook, config.telegram.webhook_listen) else {
            return Ok(Self::Polling { state: state.clone() });
        };
        let secret = secret::load_or_create(state)
            .map_err(|source| AppError::WebhookSecret { path: secret::path(state), source })?;
        let listener = telegram_webhook::listen(address).await;
        let listener =
            listener.map_err(|source| AppError::Listen { address, key: "[telegram] webhook_listen", source })?;
        let (server, webhook) = TelegramWebhookServer::new(url, secret);
        Ok(Self::Webhook { listener, server, webhook })
    }

    async fn receive(self, telegram: &Telegram, settings: ReceiverSettings) -> Result<Infallible, ReceiveError> {
        match self {
            Self::Polling { state } => {
                delete_own_webhook(telegram, &settings, &state).await?;
                telegram.poll(settings).await
            }
            Self::Webhook { listener, server, webhook } => tokio::select! {
                ended = telegram.serve_webhook(settings, webhook) => ended,
                never = server.serve(listener) => match never {},
            },
        }
    }
}

/// Deletes the webhook that an earlier run of this host may have set, because Telegram rejects polling while a webhook
/// is set. The host doesn't delete the webhook of another program.
async fn delete_own_webhook(
    telegram: &Telegram,
    settings: &ReceiverSettings,
    state: &Path,
) -> Result<(), ReceiveError> {
    if !secret::path(state).exists() {
        return Ok(());
    }
    telegram.delete_webhook(settings).await?;
    if let Err(error) = secret::delete(state) {
        tracing::warn!(%error, "failed to delete the secret of the former webhook: the next start deletes the webhook again");
    }
    Ok(())
}
