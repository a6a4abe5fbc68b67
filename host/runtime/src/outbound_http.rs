//! Outbound HTTP requests and TCP connections of plugins. Each is checked against the operator's grants, before and
//! after its name is resolved. This module follows no redirects, uses no proxy and resolves a name only once, so that
//! no unchecked address is ever contacted.

mod connect;
mod exchange;
mod failure;
mod fake;
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

use super::{guest_log::GuestLog, secrets::CallSecrets};
use failure::Failure;
pub use fake::{FakeNetwork, HttpRequest, HttpResponse};
pub use tls::client_config;
pub use wait_budget::WaitBudget;

/// The most requests and connections that one plugin may have in flight. This is enough to query all servers of a
/// household at once, and too few to put load on any of them.
const AT_ONCE: usize = 8;

/// Bytes of a request body that a guest may write before the host consumes them. The buffer is small because a guest
/// may hold many bodies that it never sends.
const CHUNK: usize = 16 << 10;

/// The network access of a version.
pub struct Network {
    pub plugin: String,
    pub reach: NetworkGrants,
    pub body: usize,
    pub time: Duration,
    tls: Arc<ClientConfig>,
    at_once: Arc<Semaphore>,
}

impl Network {
    /// # Errors
    /// Returns what is wrong with the `ca` file.
    pub fn new(plugin: &str, reach: &NetworkGrants, limits: &CallLimits) -> Result<Self, String> {
        Ok(Self {
            plugin: plugin.to_owned(),
            reach: reach.clone(),
            body: limits.http_body,
            time: limits.http_time,
            tls: Arc::new(client_config(reach.ca.as_deref())?),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// The TLS settings of a new connection. Reads `ca` again, because certificates are renewed while the host runs.
    async fn tls(&self) -> Result<Arc<ClientConfig>, Failure> {
        let Some(ca) = self.reach.ca.clone() else { return Ok(Arc::clone(&self.tls)) };
        let read = tokio::task::spawn_blocking(move || client_config(Some(&ca)).map(Arc::new)).await;
        read.unwrap_or_else(|error| Err(error.to_string())).map_err(Failure::Protocol)
    }

    /// Checks a request against the grants and returns its target.
    fn check(&self, request: &hyper::http::request::Parts) -> Result<Target, Failure> {
        let uri = &request.uri;
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let target = Target::new(&text(uri.scheme_str()), &text(uri.authority().map(|one| one.as_str())), path);
        let target = target.map_err(|error| Failure::Refused(error.to_string()))?;
        check_host(&target.host)
            .map_err(|why| Failure::Refused(format!("requests to {target} are never allowed: {why}")))?;
        let method = request.method.as_str();
        check_method(method)
            .map_err(|why| Failure::Refused(format!("this kind of request to {target} is never allowed: {why}")))?;
        if may_request(&self.reach.http, method, &target) {
            return Ok(target);
        }
        let line = suggested_grant(&self.plugin, &self.reach.http, method, &target);
        let what = format!("{method} {target}{}", target_path(path));
        Err(Failure::Refused(format!("{what} was not granted; add to {line}")))
    }

    fn check_tcp(&self, host: &str, port: u16) -> Result<cordboard_core::egress::Host, Failure> {
        let (needed, host) = TcpGrant::needed(host, port).map_err(|error| Failure::Refused(error.to_string()))?;
        check_host(&host).map_err(|why| Failure::Refused(format!("connections to {host} are never allowed: {why}")))?;
        if self.reach.tcp.contains(&needed) {
            return Ok(host);
        }
        let line = grant_line(&self.plugin, "tcp", &self.reach.tcp, &needed);
        Err(Failure::Refused(format!("a connection to {needed} was not granted; add to {line}")))
    }

    /// Whether `host` may resolve to a private address.
    fn is_private(&self, host: &str) -> bool {
        self.reach.private.contains(host)
    }
}

/// The path to show in messages. The query is left out, because it may contain private data.
fn target_path(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// The network access of one call.
pub struct OutboundHttp {
    /// `None` in trials and views, and if nothing was granted.
    network: Option<Arc<Network>>,
    pub vault: CallSecrets,
    waits: Arc<WaitBudget>,
    journal: GuestLog,
    /// `None` uses the real network.
    far: Option<Arc<dyn FakeNetwork>>,
}

impl OutboundHttp {
    pub fn new(
        network: Option<Arc<Network>>,
        far: Option<Arc<dyn FakeNetwork>>,
        (vault, journal): (CallSecrets, GuestLog),
    ) -> Self {
        let (plugin, time) =
            network.as_ref().map_or(("", Duration::ZERO), |network| (network.plugin.as_str(), network.time));
        let waits = Arc::new(WaitBudget::new(plugin, time));
        Self { network, vault, waits, journal, far }
    }

    /// The budget of the time that this call may wait for the network.
    pub fn waits(&self) -> Arc<WaitBudget> {
        Arc::clone(&self.waits)
    }

    /// Measures how long a connection to a granted host and port takes.
    pub async fn connect_time(&self, host: &str, port: u16) -> Result<Duration, String> {
        let network = self.network.clone().ok_or_else(|| Failure::no_network().to_string())?;
        let measured = async {
            let host = network.check_tcp(host, port)?;
            if let Some(far) = &self.far {
                return far.connect(&host.to_string(), port).map_err(Failure::Unreachable);
            }
            let connect = async {
                let _place = network.at_once.acquire().await.expect("it is never closed");
                connect::connect(&network, &host, port).await
            };
            self.waits.bound(network.time, connect).await?.map(|connection| connection.took)
        };
        let measured = measured.await;
        measured.map_err(|failure| self.told(&network.plugin, failure).to_string())
    }

    /// Also logs a refused request, so that the operator sees it even if the plugin ignores the error.
    fn told(&self, plugin: &str, failure: Failure) -> Failure {
        if let Failure::Refused(why) = &failure {
            self.journal.refused(plugin, why);
        }
        failure
    }
}

/// The body of a response that the guest holds. It keeps its in-flight permit, so a guest that hoards responses can't
/// send further requests.
struct Held {
    body: Full<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }
}

type Exchanged = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for OutboundHttp {
    /// In addition to the headers that the host sets itself, forbids those that change the framing of a message.
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
        CHUNK
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Exchanged> + Send> {
        let (parts, body) = request.into_parts();
        let Some(network) = self.network.clone() else {
            return Box::new(async { Err(Failure::no_network().into()) });
        };
        let target = network.check(&parts).and_then(|target| exchange::check(&parts, &self.vault).map(|()| target));
        let target = match target.map_err(|failure| self.told(&network.plugin, failure)) {
            Ok(target) => target,
            Err(failure) => return Box::new(async { Err(failure.into()) }),
        };
        let (vault, waits, journal) = (self.vault.clone(), Arc::clone(&self.waits), self.journal.clone());
        let far = self.far.clone();
        Box::new(async move {
            let time = exchange::time(&network, options);
            let exchange = async {
                let place = Arc::clone(&network.at_once).acquire_owned().await.expect("it is never closed");
                exchange::exchange((&network, far.as_deref()), &vault, (target, parts, body))
                    .await
                    .map(|answer| (answer, place))
            };
            let answer = waits.bound(time, exchange).await.and_then(|answer| answer);
            if let Err(Failure::Refused(why)) = &answer {
                journal.refused(&network.plugin, why);
            }
            let (answer, place) = answer?;
            let answer =
                answer.map(|body| Held { body: Full::new(body), _place: place }.map_err(Error::from).boxed_unsync());
            Ok((answer, Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>))
        })
    }
}
