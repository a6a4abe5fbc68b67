//! Selects how the bots receive updates: each bot polls Telegram, or Telegram sends webhook requests for all bots to
//! one HTTP server, with a separate path for each bot.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use cordboard_core::config::Telegram as TelegramConfig;
use cordboard_telegram::{ReceiveError, ReceiverSettings, Telegram, UpdateWebhook};
use tokio::{net::TcpListener, task::JoinHandle};

use super::AppError;
use crate::telegram_webhook::{self, TelegramWebhookServer, secret};

/// The source of one bot's updates.
pub enum UpdateSource {
    Polling(Arc<FormerWebhooks>),
    Webhook(UpdateWebhook),
}

/// The update sources of all bots, and the server if there is one.
pub struct UpdateSources {
    /// One source per bot, in the order of the `bots` passed to [`Self::open`].
    pub per_bot: Vec<UpdateSource>,
    pub server: Option<WebhookListener>,
}

/// The HTTP server and its open listener. [`Self::spawn`] starts accepting connections.
pub struct WebhookListener {
    listener: TcpListener,
    server: TelegramWebhookServer,
}

impl WebhookListener {
    /// Accepts connections until the task is aborted.
    pub fn spawn(self) -> JoinHandle<Infallible> {
        tokio::spawn(Arc::new(self.server).serve(self.listener))
    }
}

impl UpdateSources {
    /// Opens the listener and loads or creates the secret if `[telegram] webhook` is set. Otherwise, the bots poll.
    pub async fn open(state: &Path, main: &TelegramConfig, bots: &[&TelegramConfig]) -> Result<Self, AppError> {
        let address = main.webhook_listen.filter(|_| main.webhook.is_some());
        let Some(address) = address else {
            let former = Arc::new(FormerWebhooks::new(state, bots.len()));
            let per_bot = bots.iter().map(|_| UpdateSource::Polling(Arc::clone(&former))).collect();
            return Ok(Self { per_bot, server: None });
        };
        let secret = secret::load_or_create(state)
            .map_err(|source| AppError::WebhookSecret { path: secret::path(state), source })?;
        let listener = telegram_webhook::listen(address).await;
        let listener =
            listener.map_err(|source| AppError::Listen { address, key: "[telegram] webhook_listen", source })?;
        let mut server = TelegramWebhookServer::new(secret);
        // Skipping a bot would give the next bots' requests to the wrong ones.
        let per_bot = bots.iter().map(|bot| {
            let url = bot.webhook.as_ref().expect("each bot inherits [telegram] webhook");
            UpdateSource::Webhook(server.add(url))
        });
        let per_bot = per_bot.collect();
        Ok(Self { per_bot, server: Some(WebhookListener { listener, server }) })
    }
}

impl UpdateSource {
    pub async fn receive(self, telegram: &Telegram, settings: ReceiverSettings) -> Result<Infallible, ReceiveError> {
        match self {
            Self::Polling(former) => {
                former.delete_for(telegram, &settings).await?;
                telegram.poll(settings).await
            }
            Self::Webhook(webhook) => telegram.serve_webhook(settings, webhook).await,
        }
    }
}

/// The webhooks that an earlier run of this host may have set. Telegram rejects polling while a webhook is set. The
/// host doesn't delete the webhook of another program.
pub struct FormerWebhooks {
    state: PathBuf,
    /// Whether an earlier run may have set webhooks.
    may_exist: bool,
    /// The number of bots whose webhook is not deleted yet.
    remaining: AtomicUsize,
}

impl FormerWebhooks {
    fn new(state: &Path, bots: usize) -> Self {
        let may_exist = secret::path(state).exists();
        Self { state: state.to_owned(), may_exist, remaining: AtomicUsize::new(bots) }
    }

    /// Deletes a bot's webhook. Once the last bot's webhook is deleted, also deletes the secret.
    async fn delete_for(&self, telegram: &Telegram, settings: &ReceiverSettings) -> Result<(), ReceiveError> {
        if !self.may_exist {
            return Ok(());
        }
        telegram.delete_webhook(settings).await?;
        if self.remaining.fetch_sub(1, Ordering::AcqRel) == 1
            && let Err(error) = secret::delete(&self.state)
        {
            tracing::warn!(%error, "failed to delete the secret of the former webhook: the next start deletes the webhook again");
        }
        Ok(())
    }
}
