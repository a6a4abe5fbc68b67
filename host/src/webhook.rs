//! The HTTP server for plugin webhooks: authenticates requests before it passes them to a plugin, and answers invalid
//! requests itself, with one line of text. It must not call a plugin for an unauthenticated request.

mod answer;
mod auth;
mod request;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use cordboard_core::{config::Config, language, messages};
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{
    http_server::{self, Body, ConnectionLimits, Handler, LogLimiter},
    hub::LiveConfig,
};
pub use answer::status;
pub use auth::CredentialError;
pub use request::{METHODS, is_withheld};

use answer::{AnswerError, Rejection};
use auth::Credential;
use cordboard_runtime::{HostApi, Registry, WebRequest};
use request::{Head, WebhookPath};

/// A plugin runs for at most 15 minutes: twice the maximum of `time`, plus the maximum of `http_time`.
const LIMITS: ConnectionLimits = ConnectionLimits { count: 64, timeout: Duration::from_secs(16 * 60) };

/// The maximum number of concurrent plugin calls. Additional requests get a 429 response with a `Retry-After` header.
const CALLS: usize = 16;

/// The timeout for reading the secrets that authenticate a request.
const SECRETS_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of concurrent reads of secrets. A secret may be on a network file system, and a read that hangs
/// can't be canceled.
const READS: usize = 4;

/// A function that reads the current value of a secret by name.
pub type Secrets = Arc<dyn Fn(&Config, &str) -> Result<String, CredentialError> + Send + Sync>;

pub struct WebhookServer {
    config: LiveConfig,
    plugins: Arc<Registry>,
    /// A weak reference, so that a request doesn't keep the host from shutting down.
    host: Weak<dyn HostApi>,
    secrets: Secrets,
    calls: Semaphore,
    reads: Arc<Semaphore>,
    /// Limits the log records about rejected requests for each plugin.
    log: LogLimiter,
}

/// Opens the listener.
///
/// # Errors
/// The operating system refuses the address, for example because it is in use.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "listening for webhook requests at /hooks/NAME");
    Ok(listener)
}

#[async_trait]
impl Handler for WebhookServer {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        http_server::complete(self.handle(request).await.unwrap_or_else(|rejection| rejection.response()))
    }
}

impl WebhookServer {
    #[must_use]
    pub fn new(config: LiveConfig, plugins: Arc<Registry>, host: Weak<dyn HostApi>, secrets: Secrets) -> Arc<Self> {
        let (calls, reads) = (Semaphore::new(CALLS), Arc::new(Semaphore::new(READS)));
        Arc::new(Self { config, plugins, host, secrets, calls, reads, log: LogLimiter::default() })
    }

    /// Accepts connections until its task is aborted.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        http_server::serve(listener, self, LIMITS).await;
    }

    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Rejection> {
        let (parts, body) = request.into_parts();
        let path = WebhookPath::parse(parts.uri.path()).ok_or(Rejection::NotFound)?;
        if !self.plugins.snapshot().has_webhook(path.plugin) {
            return Err(Rejection::NotFound);
        }
        let method = request::method(&parts.method)?;
        let config = self.config.now();
        let credentials = self.credentials(path.plugin, &config).await?;
        let body = http_server::read_body(body, &parts.headers, config.webhook.body).await?;
        if !credentials.iter().any(|credential| credential.is_shown(&parts.headers, &body)) {
            self.log_rejection(path.plugin, || "its token or signature is missing or wrong".to_owned());
            return Err(Rejection::Unauthorized);
        }
        let head = Head { method, path: path.path, query: parts.uri.query(), headers: &parts.headers };
        self.call(path.plugin, head.with_body(body.to_vec(), &credentials)).await
    }

    /// Returns the credentials that are configured for a plugin. A request must match one of them.
    async fn credentials(&self, plugin: &str, config: &Arc<Config>) -> Result<Vec<Credential>, Rejection> {
        let credentials = tokio::time::timeout(SECRETS_TIMEOUT, self.read_credentials(plugin, config)).await;
        let credentials = credentials.unwrap_or(Err(CredentialError::Timeout(SECRETS_TIMEOUT)));
        let credentials = credentials.map_err(|why| {
            self.log_rejection(plugin, || why.to_string());
            Rejection::Failed(plugin.to_owned())
        })?;
        if credentials.is_empty() {
            self.log_rejection(plugin, || messages::plugins::no_webhook_auth(plugin));
            return Err(Rejection::NoAuth(plugin.to_owned()));
        }
        Ok(credentials)
    }

    /// Reads the secrets on a blocking thread: file access may be slow, and the request isn't authenticated yet.
    async fn read_credentials(&self, plugin: &str, config: &Arc<Config>) -> Result<Vec<Credential>, CredentialError> {
        let (settings, config) = (config.plugins.webhook_auth_of(plugin), Arc::clone(config));
        let (secrets, permit) = (Arc::clone(&self.secrets), Arc::clone(&self.reads).acquire_owned().await);
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            auth::credentials(&settings, |name| secrets(&config, name))
        });
        reading.await?
    }

    async fn call(&self, plugin: &str, request: WebRequest) -> Result<Response<Full<Bytes>>, Rejection> {
        let _permit = self.calls.try_acquire().map_err(|_| Rejection::Busy)?;
        let host = self.host.upgrade().ok_or_else(|| Rejection::Failed(plugin.to_owned()))?;
        let language = self.config.now().language.texts.language(None);
        let answer = language::scope(language, self.plugins.receive(&host, plugin, &request)).await;
        let answer = answer.map_err(AnswerError::from).and_then(answer::response_of);
        answer.map_err(|why| {
            tracing::warn!(plugin, %why, "failed to answer a request");
            Rejection::Failed(plugin.to_owned())
        })
    }

    /// Logs the reason for rejecting requests for a plugin, at most once a minute for each plugin.
    fn log_rejection(&self, plugin: &str, why: impl Fn() -> String) {
        if self.log.try_log(plugin) {
            tracing::warn!(plugin, why = why(), "rejecting requests");
        }
    }
}
