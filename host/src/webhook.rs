//! The HTTP server for webhooks: a loopback listener that authenticates requests before it passes them to a plugin. It
//! answers invalid requests itself, with one line of text. It must not call a plugin for an unauthenticated request.

mod answer;
mod auth;
mod request;

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use cordboard_core::{config::Config, messages};
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::hub::LiveConfig;
pub use answer::status;
pub use auth::CredentialError;
pub use request::{METHODS, is_withheld};

use answer::{AnswerError, Rejection};
use auth::Credential;
use cordboard_runtime::{HostApi, Registry, WebRequest};
use request::{Head, WebhookPath};

/// The maximum number of connections. Each may hold one body in memory; further ones wait to be accepted.
const CONNECTIONS: usize = 64;

/// The maximum number of concurrent plugin calls. Further requests get a 429 with a `Retry-After` header.
const CALLS: usize = 16;

/// The maximum number of headers of a request, far above what webhook senders use.
const HEADERS: usize = 64;

/// The maximum size of a request's head in bytes, far above what webhook senders use.
const HEAD_BYTES: usize = 16 << 10;

/// The timeout for receiving a request's head. Webhook senders are programs that have the whole request ready.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout for receiving a request's body, and for reading the secrets that authenticate the request.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of concurrent reads of secrets. A secret may be on a network file system, and a read that hangs
/// can't be canceled.
const READS: usize = 4;

/// The timeout of a connection. A plugin runs for at most 15 minutes: twice the maximum of `time`, plus the maximum of
/// `http_time`.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(16 * 60);

/// The pause after a failed accept: the process may be out of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// The minimum time between two log records about rejected requests for a plugin, so that strangers can't fill the log.
const LOG_AGAIN: Duration = Duration::from_secs(60);

/// A function that reads the current value of a secret by name.
pub type Secrets = Arc<dyn Fn(&Config, &str) -> Result<String, CredentialError> + Send + Sync>;

pub struct WebhookServer {
    config: LiveConfig,
    plugins: Arc<Registry>,
    /// Weak, so that a request doesn't keep the host from shutting down.
    host: Weak<dyn HostApi>,
    secrets: Secrets,
    calls: Semaphore,
    reads: Arc<Semaphore>,
    /// The time of the last log record about rejected requests, by plugin.
    logged: Mutex<HashMap<String, Instant>>,
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

impl WebhookServer {
    #[must_use]
    pub fn new(config: LiveConfig, plugins: Arc<Registry>, host: Weak<dyn HostApi>, secrets: Secrets) -> Arc<Self> {
        let (calls, reads) = (Semaphore::new(CALLS), Arc::new(Semaphore::new(READS)));
        Arc::new(Self { config, plugins, host, secrets, calls, reads, logged: Mutex::default() })
    }

    /// Accepts connections until its task is aborted.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let permit = Arc::clone(&room).acquire_owned().await.expect("the semaphore is never closed");
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(Arc::clone(&self).connection(stream, permit))),
                Err(error) => {
                    tracing::warn!(error = messages::system_error(error), "failed to accept a connection");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, _permit: OwnedSemaphorePermit) {
        let service = service_fn(move |request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        let mut http = http1::Builder::new();
        // One request per connection, so that no idle connection occupies a slot.
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).keep_alive(false);
        http.max_headers(HEADERS).max_buf_size(HEAD_BYTES);
        let mut serving = http.serve_connection(TokioIo::new(stream), service);
        match tokio::time::timeout(CONNECTION_TIMEOUT, &mut serving).await {
            Ok(Ok(())) => {}
            // There is no complete request that hyper could respond to, so the response is written directly to the
            // connection.
            Ok(Err(error)) if error.is_timeout() => {
                answer::write(&Rejection::HeadTooSlow, serving.into_parts().io.into_inner()).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "a connection failed"),
            Err(_) => tracing::debug!("closing a connection after its time limit"),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match self.handle(request).await {
            Ok(response) => response,
            Err(rejection) => rejection.response(),
        }
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
        let limit = config.webhook.body;
        let body = tokio::time::timeout(BODY_TIMEOUT, request::body(body, &parts.headers, limit));
        let body = body.await.map_err(|_| Rejection::TooSlow)??;
        if !credentials.iter().any(|credential| credential.is_shown(&parts.headers, &body)) {
            self.log_rejection(path.plugin, || "its token or signature is missing or wrong".to_owned());
            return Err(Rejection::Unauthorized);
        }
        let head = Head { method, path: path.path, query: parts.uri.query(), headers: &parts.headers };
        self.call(path.plugin, head.with_body(body.to_vec(), &credentials)).await
    }

    /// Returns the credentials that are configured for a plugin. A request needs one of them.
    async fn credentials(&self, plugin: &str, config: &Arc<Config>) -> Result<Vec<Credential>, Rejection> {
        let credentials = tokio::time::timeout(BODY_TIMEOUT, self.read_credentials(plugin, config)).await;
        let credentials = credentials.unwrap_or(Err(CredentialError::Timeout(BODY_TIMEOUT)));
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
        let answer = self.plugins.receive(&host, plugin, &request).await;
        let answer = answer.map_err(AnswerError::from).and_then(answer::response_of);
        answer.map_err(|why| {
            tracing::warn!(plugin, %why, "failed to answer a request");
            Rejection::Failed(plugin.to_owned())
        })
    }

    /// Logs the reason for rejecting requests for a plugin, at most once within [`LOG_AGAIN`] for each plugin.
    fn log_rejection(&self, plugin: &str, why: impl Fn() -> String) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.get(plugin).is_some_and(|at| at.elapsed() < LOG_AGAIN) {
            return;
        }
        logged.insert(plugin.to_owned(), Instant::now());
        tracing::warn!(plugin, why = why(), "rejecting requests");
    }
}
