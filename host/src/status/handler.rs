//! Answers the requests for the status page, its events and the metrics.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cordboard_core::{config::Status, types::SessionName};
use cordboard_metrics::METRICS;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header::ACCEPT, http::request::Parts};
use tokio::sync::{Semaphore, watch};

use super::{
    StatusServices,
    access::{self, Admission, Denial},
    events::EventStream,
    responses::{self, Expected, PageFile},
    token::read_token,
};
use crate::http_server::{Body, Handler, LogLimiter};

/// The maximum number of open event streams. The remaining connections are reserved for requests such as Prometheus'.
const STREAMS: usize = 32;

/// The timeout for reading the token's file, which may be on a network file system.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub struct StatusHandler {
    services: StatusServices,
    settings: Status,
    /// Closed when the listener is closed.
    closed: watch::Receiver<()>,
    streams: Arc<Semaphore>,
    log: LogLimiter,
}

/// The content that a path refers to.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    File(PageFile),
    /// The events of the page, or of the page of one session.
    Events(Option<SessionName>),
    Metrics,
}

impl Route {
    fn of(parts: &Parts) -> Option<Self> {
        match parts.uri.path() {
            "/" => Some(Self::File(PageFile::Page)),
            "/status.js" => Some(Self::File(PageFile::Script)),
            "/status.css" => Some(Self::File(PageFile::Style)),
            "/icon.svg" => Some(Self::File(PageFile::Icon)),
            "/events" => Some(Self::Events(None)),
            "/metrics" => Some(Self::Metrics),
            path => {
                let name = |prefix: &str| path.strip_prefix(prefix)?.parse::<SessionName>().ok();
                let page = || name("/sessions/").map(|_| Self::File(PageFile::Page));
                name("/events/").map(|name| Self::Events(Some(name))).or_else(page)
            }
        }
    }
}

impl StatusHandler {
    pub fn new(services: StatusServices, settings: Status, closed: watch::Receiver<()>) -> Self {
        Self { services, settings, closed, streams: Arc::new(Semaphore::new(STREAMS)), log: LogLimiter::default() }
    }

    async fn respond(&self, parts: &Parts) -> Response<Body> {
        let route = Route::of(parts);
        let is_page = route == Some(Route::File(PageFile::Page));
        match self.admit(parts).await {
            Ok(Admission::Admitted) => {}
            Ok(Admission::SignIn { cookie }) if is_page => {
                return responses::redirect_with_cookie(&access::without_token(&parts.uri), cookie);
            }
            // A URL with the token for any path but a page needs no cookie.
            Ok(Admission::SignIn { .. }) => {}
            Err(denial) => {
                self.log_denial(&denial);
                return responses::denied(&denial, expected(parts));
            }
        }
        if parts.method != Method::GET {
            return responses::method_not_allowed();
        }
        match route {
            Some(Route::File(file)) => file.response(),
            Some(Route::Events(session)) => self.events(session),
            Some(Route::Metrics) => self.metrics().await,
            None => responses::error(StatusCode::NOT_FOUND, "unknown path: open / or /metrics"),
        }
    }

    async fn admit(&self, parts: &Parts) -> Result<Admission, Denial> {
        let token = self.token().await?;
        access::admit(&self.settings, token.as_deref(), parts)
    }

    /// Logs the reason if the token can't be used.
    pub async fn check_token(&self) {
        // The error is logged where it occurs.
        drop(self.token().await);
    }

    /// Reads the token from its file for each request, so that a replaced token takes effect immediately.
    async fn token(&self) -> Result<Option<String>, Denial> {
        let Some(file) = &self.settings.token_file else { return Ok(None) };
        let file = self.services.folder.join(file);
        let reading = tokio::task::spawn_blocking(move || read_token(&file));
        let why = match tokio::time::timeout(TOKEN_TIMEOUT, reading).await {
            Ok(Ok(Ok(token))) => return Ok(Some(token)),
            Ok(Ok(Err(why))) => why.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "reading its file takes too long".to_owned(),
        };
        if self.log.try_log("token") {
            tracing::error!(why, "the token of the status page can't be used: correct [status] token_file");
        }
        Err(Denial::TokenUnreadable)
    }

    fn log_denial(&self, denial: &Denial) {
        let subject = match denial {
            Denial::Host => "host",
            Denial::Token => "missing token",
            Denial::User => "user",
            // The reason is logged already.
            Denial::TokenUnreadable => return,
        };
        if self.log.try_log(subject) {
            tracing::warn!(why = %denial, "rejecting requests to the status page");
        }
    }

    fn events(&self, session: Option<SessionName>) -> Response<Body> {
        let Ok(permit) = Arc::clone(&self.streams).try_acquire_owned() else {
            return responses::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many status pages are open; close some of them",
            );
        };
        EventStream::new(Arc::clone(&self.services.state), session, self.closed.clone()).response(permit)
    }

    async fn metrics(&self) -> Response<Body> {
        match self.services.state.levels().await {
            Ok(levels) => responses::text(METRICS_TYPE, METRICS.text(&levels)),
            Err(error) => {
                tracing::warn!(%error, "failed to read the metrics");
                responses::error(StatusCode::SERVICE_UNAVAILABLE, "the store can't be read; see the host's log")
            }
        }
    }
}

fn expected(parts: &Parts) -> Expected {
    let accepts = parts.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if accepts.into_iter().any(|kinds| kinds.contains("text/html")) { Expected::Page } else { Expected::Text }
}

#[async_trait]
impl Handler for StatusHandler {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, _) = request.into_parts();
        responses::secured(self.respond(&parts).await)
    }
}
