//! The HTTP server for the updates that Telegram sends to the webhook. It passes authenticated requests to the Telegram
//! front-end. It must not confirm an update that is not stored.

pub mod secret;

use std::{collections::HashMap, convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use cordboard_core::config::WebhookUrl;
use cordboard_telegram::{UpdateWebhook, WebhookOutcome, WebhookRequest};
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, HeaderValue},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use crate::{
    constant_time::is_equal,
    http_server::{self, Body, ConnectionLimits, Handler, LogLimiter, RequestError, text_response},
};

/// The header that contains the secret.
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// The maximum size of an update in bytes. A message has at most 32,768 characters, and may embed another message. The
/// limit is generous, because Telegram resends a rejected update for a day and delays later updates from the same chat.
/// Only bodies of authenticated requests are read.
const MAX_BODY_BYTES: u64 = 4 << 20;

/// Telegram opens at most four connections. The others keep the webhook reachable while other clients or a proxy hold
/// connections open.
const LIMITS: ConnectionLimits = ConnectionLimits { count: 32, timeout: Duration::from_secs(60) };

/// The maximum number of requests waiting for an earlier update to be stored. Telegram opens at most four connections;
/// the other slots are for requests that have timed out and are still queued.
const QUEUE_CAPACITY: usize = 8;

/// The maximum time for storing an update, including the time that the host needs to sign in after startup.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

pub struct TelegramWebhookServer {
    /// The channels to the bots' receivers, keyed by the path of the bot's webhook URL.
    bots: HashMap<String, mpsc::Sender<WebhookRequest>>,
    secret: String,
    log: LogLimiter,
}

/// The reason why an update is not confirmed.
#[derive(Debug, thiserror::Error)]
enum Rejection {
    #[error("unknown path")]
    NotFound,
    #[error("the method must be POST")]
    Method,
    #[error("the secret token is missing or wrong")]
    Unauthorized,
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("the body is not JSON")]
    Invalid,
    #[error("the update is not stored: send it again")]
    NotStored,
}

/// Opens the listener.
///
/// # Errors
/// The operating system refuses the address, for example because it is in use.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "listening for updates from Telegram");
    Ok(listener)
}

impl TelegramWebhookServer {
    /// Returns a server without bots.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self { bots: HashMap::new(), secret, log: LogLimiter::default() }
    }

    /// Adds a bot, and returns the webhook from which the bot receives its requests.
    pub fn add(&mut self, url: &WebhookUrl) -> UpdateWebhook {
        let (sender, requests) = mpsc::channel(QUEUE_CAPACITY);
        self.bots.insert(url.path().to_owned(), sender);
        UpdateWebhook { url: url.as_str().to_owned(), secret: self.secret.clone(), requests }
    }

    /// Accepts connections until its task is aborted.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> Infallible {
        http_server::serve(listener, self, LIMITS).await
    }

    async fn handle(&self, request: Request<Incoming>) -> Result<(), Rejection> {
        let (parts, body) = request.into_parts();
        let bot = self.bots.get(parts.uri.path()).ok_or(Rejection::NotFound)?;
        if parts.method != Method::POST {
            return Err(Rejection::Method);
        }
        if !self.is_authorized(&parts.headers) {
            if self.log.try_log("telegram") {
                tracing::warn!("rejecting requests to the Telegram webhook: the secret token is missing or wrong");
            }
            return Err(Rejection::Unauthorized);
        }
        let body = http_server::read_body(body, &parts.headers, MAX_BODY_BYTES).await?;
        let stored = tokio::time::timeout(STORE_TIMEOUT, store(bot, body)).await;
        match stored.unwrap_or(WebhookOutcome::NotStored) {
            WebhookOutcome::Stored => Ok(()),
            WebhookOutcome::NotStored => Err(Rejection::NotStored),
            WebhookOutcome::Invalid => Err(Rejection::Invalid),
        }
    }

    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(SECRET_HEADER).and_then(|value| value.to_str().ok());
        shown.is_some_and(|shown| is_equal(&self.secret, shown))
    }
}

/// Passes an update to its bot. If the bot has stopped, returns `NotStored`.
async fn store(bot: &mpsc::Sender<WebhookRequest>, body: Bytes) -> WebhookOutcome {
    let (outcome, stored) = oneshot::channel();
    if bot.send(WebhookRequest { body, outcome }).await.is_err() {
        return WebhookOutcome::NotStored;
    }
    stored.await.unwrap_or(WebhookOutcome::NotStored)
}

#[async_trait]
impl Handler for TelegramWebhookServer {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        http_server::complete(match self.handle(request).await {
            Ok(()) => Response::new(Full::default()),
            Err(rejection) => rejection.response(),
        })
    }
}

impl Rejection {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Request(error) => error.status(),
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::NotStored => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn response(&self) -> Response<Full<Bytes>> {
        let mut response = text_response(self.status(), &self.to_string());
        if let Self::Method = self {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}
