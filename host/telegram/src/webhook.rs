//! The webhook: Telegram sends each update in a request, which an HTTP server outside of this crate receives. The
//! update is parsed, stored and passed on, then synced, and then the server confirms it.
//!
//! If an update can't be stored, Telegram sends it again, and the inbox drops duplicates by key.

use std::convert::Infallible;

use bytes::Bytes;
use cordboard_core::json_repair;
use serde::Serialize;
use serde_json::Value;
use teloxide_core::{payloads::DeleteWebhook, requests::Payload};
use tokio::sync::{mpsc, oneshot};

use super::{
    ReceiverSettings, Telegram,
    api::BotApiError,
    connection::{Connection, ReceiveError},
    incoming::{BotAccount, UpdateParser},
    receiver::{self, Receiver},
    update,
};

/// The maximum number of connections that Telegram opens. It sends the updates of one chat one after another, so more
/// connections help only if many chats are active.
const MAX_CONNECTIONS: u8 = 4;

/// The webhook that the host sets, and the requests that arrive there.
pub struct UpdateWebhook {
    /// The URL to which Telegram sends updates.
    pub url: String,
    /// The secret that each request contains, at most 256 characters of `A-Z`, `a-z`, `0-9`, `_` and `-`.
    pub secret: String,
    pub requests: mpsc::Receiver<WebhookRequest>,
}

/// An authenticated request that contains one update. The sender must wait for `outcome`, and confirm the update to
/// Telegram only if it is stored.
///
/// A single task handles all requests, so that a client that disconnects can't cancel the handling of an update that is
/// stored but hasn't reached the hub.
pub struct WebhookRequest {
    pub body: Bytes,
    pub outcome: oneshot::Sender<WebhookOutcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// The update is stored, or the host doesn't need it.
    Stored,
    /// Telegram must send the update again.
    NotStored,
    /// The body is not JSON.
    Invalid,
}

pub(super) async fn run(
    telegram: &Telegram,
    settings: ReceiverSettings,
    webhook: UpdateWebhook,
) -> Result<Infallible, ReceiveError> {
    let mut connection = Connection::new(telegram, &settings).await;
    let bot = connection.sign_in().await?;
    connection.load_migrations().await;
    connection.begin_pairing(&bot).await;
    let receiver = Receiver::new(telegram, &settings, bot);
    // The webhook may still be set from an earlier run, so updates can arrive before it is set again.
    let stored = Connection::new(telegram, &settings).await;
    let UpdateWebhook { url, secret, requests } = webhook;
    let payload = SetWebhook {
        url,
        secret_token: secret,
        allowed_updates: update::ALLOWED_UPDATES,
        max_connections: MAX_CONNECTIONS,
    };
    let (_, never) = tokio::try_join!(set(telegram, &mut connection, &payload), receive(receiver, stored, requests))?;
    match never {}
}

/// Sets the webhook, and retries after failures.
async fn set(telegram: &Telegram, connection: &mut Connection<'_>, payload: &SetWebhook) -> Result<(), ReceiveError> {
    loop {
        let pause = match telegram.api.call::<_, bool>(payload).await {
            Ok(_) => {
                connection.on_success();
                tracing::info!(url = payload.url, "receiving messages from Telegram through the webhook");
                return Ok(());
            }
            Err(BotApiError::Rejected { why }) => connection.on_refused_webhook(&why),
            Err(failure) => connection.on_failure(&failure)?,
        };
        tokio::time::sleep(pause).await;
    }
}

/// Stores the updates from requests, one after another.
async fn receive(
    mut receiver: Receiver<'_>,
    mut connection: Connection<'_>,
    mut requests: mpsc::Receiver<WebhookRequest>,
) -> Result<Infallible, ReceiveError> {
    while let Some(WebhookRequest { body, outcome }) = requests.recv().await {
        let Some(update) = parse(&body) else {
            answer(outcome, WebhookOutcome::Invalid);
            continue;
        };
        match receiver.store(vec![update]).await {
            Ok(()) => {
                connection.on_success();
                answer(outcome, WebhookOutcome::Stored);
            }
            Err(failure) => {
                connection.on_store_failure(&failure.error);
                answer(outcome, WebhookOutcome::NotStored);
                receiver.send_not_stored(failure).await;
            }
        }
    }
    // The server has stopped. Wait until the host cancels this future, which can't return without an error.
    std::future::pending().await
}

/// Stores the update in the body of a request. Makes no requests to the Bot API.
pub(super) async fn store(
    telegram: &Telegram,
    settings: &ReceiverSettings,
    bot: BotAccount,
    body: &[u8],
) -> WebhookOutcome {
    let Some(update) = parse(body) else { return WebhookOutcome::Invalid };
    let mut parser = UpdateParser::new(telegram, settings, bot);
    match receiver::store_batch(telegram, settings, &mut parser, vec![update]).await {
        Ok(_) => WebhookOutcome::Stored,
        Err(_) => WebhookOutcome::NotStored,
    }
}

fn parse(body: &[u8]) -> Option<Value> {
    let update = json_repair::parse(body);
    update.inspect_err(|error| tracing::warn!(%error, "skipped a request with an invalid update")).ok()
}

/// Passes the outcome to the server. If the server has stopped waiting because of a timeout or a closed connection,
/// Telegram sends the update again.
fn answer(sender: oneshot::Sender<WebhookOutcome>, outcome: WebhookOutcome) {
    let _waiting: Result<(), WebhookOutcome> = sender.send(outcome);
}

/// Deletes the webhook, and retries after failures. Telegram keeps the updates that the host has not confirmed.
pub(super) async fn delete(telegram: &Telegram, settings: &ReceiverSettings) -> Result<(), ReceiveError> {
    let mut connection = Connection::new(telegram, settings).await;
    connection.sign_in().await?;
    loop {
        match telegram.api.call::<_, bool>(&DeleteWebhook::new()).await {
            Ok(_) => {
                connection.on_success();
                tracing::info!("deleted the webhook of an earlier run");
                return Ok(());
            }
            Err(failure) => tokio::time::sleep(connection.on_failure(&failure)?).await,
        }
    }
}

/// Replaces teloxide's payload, which supports only the update kinds of older Bot API versions.
#[derive(Serialize)]
struct SetWebhook {
    url: String,
    secret_token: String,
    allowed_updates: [&'static str; 4],
    max_connections: u8,
}

impl Payload for SetWebhook {
    type Output = bool;

    const NAME: &'static str = "SetWebhook";
}
