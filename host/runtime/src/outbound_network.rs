//! Outbound HTTP requests and TCP connections of plugins. Each is checked against the operator's grants, before and
//! after its host name is resolved. This module doesn't follow redirects or use a proxy, and resolves each name only
//! once, so that it contacts only checked addresses.

mod connect;
mod exchange;
mod fake_network;
mod request_error;
mod tls;
mod wait_budget;

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use cordboard_core::{
    config::{CallLimits, NetworkGrants},
    egress::{Target, TcpGrant, check_host, check_method, grant_line, may_request, suggested_grant},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Body, Frame},
    header::{self, HeaderName},
    http::uri::Scheme,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::rustls::ClientConfig;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks,
};

use super::{guest_log::GuestLog, secret_placeholders::CallSecrets};
use exchange::Exchange;
pub use fake_network::{FakeNetwork, FakeNetworkError, HttpRequest, HttpResponse};
use request_error::RequestError;
pub use tls::TlsError;
use tls::client_config;
pub use wait_budget::WaitBudget;

/// The maximum number of requests and connections that one version of a plugin may have in flight: enough to query all
/// servers of a household at once, and too few to overload any of them.
const MAX_IN_FLIGHT: usize = 8;

/// The number of bytes of a request body that a guest may write before the host consumes them. It is small because a
/// guest may hold many bodies that it never sends.
const BODY_BUFFER: usize = 16 << 10;

/// The network access of a version.
pub struct Network {
    pub plugin: String,
    pub grants: NetworkGrants,
    /// The maximum size of a request or response body, in bytes.
    pub max_body: usize,
    /// The total time that a call may wait for the network.
    pub max_wait: Duration,
    tls: Arc<ClientConfig>,
    in_flight: Arc<Semaphore>,
}

impl Network {
    /// Creates the network access of a version, and reads the `ca` file.
    ///
    /// # Errors
    /// Fails if the `ca` file can't be used.
    pub fn new(plugin: &str, grants: &NetworkGrants, limits: &CallLimits) -> Result<Self, TlsError> {
        Ok(Self {
            plugin: plugin.to_owned(),
            grants: grants.clone(),
            max_body: limits.http_body,
            max_wait: limits.http_time,
            tls: Arc::new(client_config(grants.ca.as_deref())?),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        })
    }

    /// Returns the TLS settings for a new connection. Rereads the `ca` file, because its certificates may be renewed
    /// while the host runs.
    async fn tls(&self) -> Result<Arc<ClientConfig>, RequestError> {
        let Some(ca) = self.grants.ca.clone() else { return Ok(Arc::clone(&self.tls)) };
        let read = tokio::task::spawn_blocking(move || client_config(Some(&ca)).map(Arc::new)).await;
        let read = read.unwrap_or_else(|error| Err(TlsError::Panicked(error.to_string())));
        read.map_err(|error| RequestError::Protocol(error.to_string()))
    }

    /// Checks a request against the grants and returns its target.
    fn check(&self, request: &hyper::http::request::Parts) -> Result<Target, RequestError> {
        let uri = &request.uri;
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let target = Target::new(&text(uri.scheme_str()), &text(uri.authority().map(|one| one.as_str())), path);
        let target = target.map_err(|error| RequestError::Refused(error.to_string()))?;
        check_host(&target.host)
            .map_err(|why| RequestError::Refused(format!("requests to {target} are never allowed: {why}")))?;
        let method = request.method.as_str();
        check_method(method).map_err(|why| {
            RequestError::Refused(format!("this kind of request to {target} is never allowed: {why}"))
        })?;
        if may_request(&self.grants.http, method, &target) {
            return Ok(target);
        }
        let line = suggested_grant(&self.plugin, &self.grants.http, method, &target);
        let what = format!("{method} {target}{}", target_path(path));
        Err(RequestError::Refused(format!("{what} was not granted; add to {line}")))
    }

    fn check_tcp(&self, host: &str, port: u16) -> Result<cordboard_core::egress::Host, RequestError> {
        let (needed, host) = TcpGrant::needed(host, port).map_err(|error| RequestError::Refused(error.to_string()))?;
        check_host(&host)
            .map_err(|why| RequestError::Refused(format!("connections to {host} are never allowed: {why}")))?;
        if self.grants.tcp.contains(&needed) {
            return Ok(host);
        }
        let line = grant_line(&self.plugin, "tcp", &self.grants.tcp, &needed);
        Err(RequestError::Refused(format!("a connection to {needed} was not granted; add to {line}")))
    }

    /// Returns whether `host` may resolve to a private address.
    fn is_private(&self, host: &str) -> bool {
        self.grants.private.contains(host)
    }
}

/// Returns the path to show in messages. It excludes the query, which may contain private data.
fn target_path(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// The network access of one call.
pub struct OutboundHttp {
    /// `None` in trials and views, and for versions that use no network.
    network: Option<Arc<Network>>,
    pub secrets: CallSecrets,
    waits: Arc<WaitBudget>,
    log: GuestLog,
    /// The replacement for the network in tests. `None` uses the real network.
    fake: Option<Arc<dyn FakeNetwork>>,
}

impl OutboundHttp {
    pub fn new(
        network: Option<Arc<Network>>,
        fake: Option<Arc<dyn FakeNetwork>>,
        secrets: CallSecrets,
        log: GuestLog,
    ) -> Self {
        let (plugin, time) =
            network.as_ref().map_or(("", Duration::ZERO), |network| (network.plugin.as_str(), network.max_wait));
        let waits = Arc::new(WaitBudget::new(plugin, time));
        Self { network, secrets, waits, log, fake }
    }

    /// Returns the budget that limits how long this call may wait for the network.
    pub fn waits(&self) -> Arc<WaitBudget> {
        Arc::clone(&self.waits)
    }

    /// Measures how long it takes to connect to a granted host and port.
    pub async fn connect_time(&self, host: &str, port: u16) -> Result<Duration, RequestError> {
        let network = self.network.clone().ok_or_else(RequestError::no_network)?;
        let measured = async {
            let host = network.check_tcp(host, port)?;
            if let Some(fake) = &self.fake {
                let connected = fake.connect(&host.to_string(), port);
                return connected.map_err(|error| RequestError::Unreachable(error.to_string()));
            }
            let connect = async {
                let _permit = network.in_flight.acquire().await.expect("it is never closed");
                connect::connect(&network, &host, port).await
            };
            self.waits.limit(network.max_wait, connect).await?.map(|connection| connection.took)
        };
        measured.await.inspect_err(|error| log_refused(&self.log, error))
    }
}

/// Logs the error if the request was refused, so that the operator sees it even if the plugin ignores it.
fn log_refused(log: &GuestLog, error: &RequestError) {
    if let RequestError::Refused(why) = error {
        log.request_denied(why);
    }
}

/// The body of a response. It holds the permit of its request, so that a response that the guest keeps counts against
/// [`MAX_IN_FLIGHT`].
struct PermitBody {
    body: Full<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl Body for PermitBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }
}

type SendResult = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for OutboundHttp {
    /// Forbids headers that affect the transfer of a message, in addition to the defaults of wasmtime.
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name: &HeaderName| {
            DEFAULT_FORBIDDEN_HEADERS.contains(name) || [header::TE, header::TRAILER, header::EXPECT].contains(name)
        })
    }

    /// Accepts every scheme, so that `Network::check` can refuse unsupported ones with an explanation.
    fn is_supported_scheme(&mut self, _scheme: &Scheme) -> bool {
        true
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_BUFFER
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = SendResult> + Send> {
        let (parts, body) = request.into_parts();
        let Some(network) = self.network.clone() else {
            return Box::new(async { Err(RequestError::no_network().into()) });
        };
        let checked = network.check(&parts).and_then(|target| exchange::check(&parts, &self.secrets).map(|()| target));
        let target = match checked.inspect_err(|error| log_refused(&self.log, error)) {
            Ok(target) => target,
            Err(error) => return Box::new(async { Err(error.into()) }),
        };
        let (secrets, waits, log) = (self.secrets.clone(), Arc::clone(&self.waits), self.log.clone());
        let fake = self.fake.clone();
        Box::new(async move {
            let time = exchange::timeout(&network, options);
            let exchange = async {
                let permit = Arc::clone(&network.in_flight).acquire_owned().await.expect("it is never closed");
                let exchange = Exchange { network: &network, fake: fake.as_deref(), secrets: &secrets };
                exchange.send(target, parts, body).await.map(|response| (response, permit))
            };
            let result = waits.limit(time, exchange).await.and_then(|result| result);
            let (response, permit) = result.inspect_err(|error| log_refused(&log, error))?;
            let body = |body| PermitBody { body: Full::new(body), _permit: permit }.map_err(Error::from).boxed_unsync();
            Ok((response.map(body), Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>))
        })
    }
}
