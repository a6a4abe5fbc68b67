//! The HTTP server for webhooks: a loopback listener that authenticates requests before it passes them to a plugin.
//! Invalid requests are answered here, with one line. It must not call a plugin for an unauthenticated request.

mod answer;
mod proof;
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
pub use request::{METHODS, is_withheld};

use answer::Rejection;
use cordboard_runtime::{HostApi, Registry, WebRequest};
use request::{Head, Target};

/// The maximum number of connections. Each may hold one body in memory; further ones wait to be accepted.
const CONNECTIONS: usize = 64;

/// The maximum number of concurrent plugin calls. Further requests get a 429, and webhook senders retry.
const CALLS: usize = 16;

/// The limits of a request's head, far above what webhook senders use.
const HEADERS: usize = 64;
const HEAD_BYTES: usize = 16 << 10;

/// The timeouts for the head and the body. Senders are programs that have both ready.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// The maximum number of concurrent reads of secrets. A secret may be on a network file system, and a read that hangs
/// can't be cancelled.
const READS: usize = 4;

/// The timeout of a connection. The longest plugin call takes a quarter of an hour.
const CONNECTION_WITHIN: Duration = Duration::from_secs(16 * 60);

/// The pause after a failed accept: the process may be out of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// The minimum time between two log records about refused requests for a plugin, so that strangers can't fill the
/// log.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// Reads the current value of a secret by name. The error is for the operator.
pub type Secrets = Arc<dyn Fn(&Config, &str) -> Result<String, String> + Send + Sync>;

pub struct WebhookServer {
    config: LiveConfig,
    plugs: Arc<Registry>,
    /// Weak, so that a request doesn't keep the host from shutting down.
    board: Weak<dyn HostApi>,
    secrets: Secrets,
    calls: Semaphore,
    reads: Arc<Semaphore>,
    told: Mutex<HashMap<String, Instant>>,
}

/// Opens the listener.
///
/// # Errors
/// An error of the system, such as an address in use.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "listening for webhook requests at /hooks/NAME");
    Ok(listener)
}

impl WebhookServer {
    #[must_use]
    pub fn new(config: LiveConfig, plugs: Arc<Registry>, board: Weak<dyn HostApi>, secrets: Secrets) -> Arc<Self> {
        let (calls, reads) = (Semaphore::new(CALLS), Arc::new(Semaphore::new(READS)));
        Arc::new(Self { config, plugs, board, secrets, calls, reads, told: Mutex::default() })
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
            let door = Arc::clone(&self);
            async move { Ok::<_, Infallible>(door.answer(request).await) }
        });
        let mut http = http1::Builder::new();
        // One request per connection, so that no idle connection occupies a slot.
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).keep_alive(false);
        http.max_headers(HEADERS).max_buf_size(HEAD_BYTES);
        let mut serving = http.serve_connection(TokioIo::new(stream), service);
        match tokio::time::timeout(CONNECTION_WITHIN, &mut serving).await {
            Ok(Ok(())) => {}
            // There is no complete request to respond to, so the response is written to the connection.
            Ok(Err(error)) if error.is_timeout() => {
                answer::write(&Rejection::HeadTooSlow, serving.into_parts().io.into_inner()).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "a connection failed"),
            Err(_) => tracing::debug!("closing a connection after its time limit"),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match self.take(request).await {
            Ok(response) => response,
            Err(refusal) => refusal.response(),
        }
    }

    async fn take(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Rejection> {
        let (parts, body) = request.into_parts();
        let target = Target::of(parts.uri.path()).ok_or(Rejection::NotFound)?;
        if !self.plugs.snapshot().has_webhook(target.plugin) {
            return Err(Rejection::NotFound);
        }
        let method = request::method(&parts.method)?;
        let config = self.config.now();
        let checks = self.checks(target.plugin, &config).await?;
        let most = config.webhook.body;
        let body = tokio::time::timeout(BODY_WITHIN, request::body(body, &parts.headers, most));
        let body = body.await.map_err(|_| Rejection::TooSlow)??;
        if !checks.iter().any(|check| check.holds(&parts.headers, &body)) {
            self.tell(target.plugin, || "its token or signature is missing or wrong".to_owned());
            return Err(Rejection::Unproven);
        }
        let head = Head { method, target: &target, query: parts.uri.query(), headers: &parts.headers };
        self.call(target.plugin, head.with(body.to_vec(), &checks)).await
    }

    /// Returns the checks of the plugin's requests. A request has to pass one of them.
    async fn checks(&self, plugin: &str, config: &Arc<Config>) -> Result<Vec<proof::Check>, Rejection> {
        let checks = tokio::time::timeout(BODY_WITHIN, self.read_checks(plugin, config)).await;
        let checks = checks.unwrap_or_else(|_| Err(format!("its secrets could not be read within {BODY_WITHIN:?}")));
        let checks = checks.map_err(|why| {
            self.tell(plugin, || why.clone());
            Rejection::Failed(plugin.to_owned())
        })?;
        if checks.is_empty() {
            self.tell(plugin, || messages::plugins::no_webhook_auth(plugin));
            return Err(Rejection::NoProofs(plugin.to_owned()));
        }
        Ok(checks)
    }

    /// Reads the secrets on a blocking thread: file access may be slow, and the request isn't authenticated yet.
    async fn read_checks(&self, plugin: &str, config: &Arc<Config>) -> Result<Vec<proof::Check>, String> {
        let (proofs, config) = (config.plugins.webhook_auth_of(plugin), Arc::clone(config));
        let (secrets, permit) = (Arc::clone(&self.secrets), Arc::clone(&self.reads).acquire_owned().await);
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            proof::checks(&proofs, |name| secrets(&config, name))
        });
        reading.await.unwrap_or_else(|error| Err(format!("Cordboard has a bug: {error}")))
    }

    async fn call(&self, plugin: &str, request: WebRequest) -> Result<Response<Full<Bytes>>, Rejection> {
        let _permit = self.calls.try_acquire().map_err(|_| Rejection::Busy)?;
        let board = self.board.upgrade().ok_or_else(|| Rejection::Failed(plugin.to_owned()))?;
        let answer = self.plugs.receive(&board, plugin, &request).await;
        let answer = answer.map_err(|error| error.to_string()).and_then(answer::of);
        answer.map_err(|why| {
            tracing::warn!(plugin, why, "failed to answer a request");
            Rejection::Failed(plugin.to_owned())
        })
    }

    /// Logs why requests for a plugin are refused, rate limited per plugin.
    fn tell(&self, plugin: &str, why: impl Fn() -> String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(plugin).is_some_and(|at| at.elapsed() < TELL_AGAIN) {
            return;
        }
        told.insert(plugin.to_owned(), Instant::now());
        tracing::warn!(plugin, why = why(), "rejecting requests");
    }
}
