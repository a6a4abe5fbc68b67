//! Sends one request over its own connection and reads the response. It replaces placeholders with secrets in the
//! request, and secrets with placeholders in the response.

use std::time::Duration;

use bytes::Bytes;
use cordboard_core::egress::{Scheme, Target};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    client::conn::http1,
    header::{self, HeaderValue},
    http::request::Parts,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use wasmtime_wasi_http::{RequestOptions, WasiBody, io::TokioIo};

use super::{
    Network,
    connect::connect,
    fake_network::{self, FakeNetwork},
    request_error::RequestError,
    tls,
};
use crate::secret_placeholders::CallSecrets;

/// The maximum size of a response's header section, in bytes.
const MAX_HEAD: usize = 64 << 10;

/// The maximum number of header fields in a response.
const MAX_HEADERS: usize = 128;

/// Checks a request's path and headers before anything is sent.
pub fn check(request: &Parts, secrets: &CallSecrets) -> Result<(), RequestError> {
    let path = request.uri.path_and_query().map_or("", |path| path.as_str());
    if secrets.has_placeholder(path.as_bytes()) {
        let why = "a secret must not be part of a URL, because URLs are logged: send it in a header or in the body";
        return Err(RequestError::Refused(why.to_owned()));
    }
    // A partial response may contain a fragment of a secret, and the fragment may be too short to recognize.
    if !secrets.is_empty() && request.headers.contains_key(header::RANGE) {
        return Err(RequestError::Refused(
            "a plugin with secrets must not request parts of a response (Range)".to_owned(),
        ));
    }
    Ok(())
}

/// Returns the timeout of the request: the shortest of the guest's timeouts for connecting and for the first byte, and
/// the plugin's `http_time` limit.
pub fn timeout(network: &Network, options: Option<RequestOptions>) -> Duration {
    let options = options.unwrap_or_default();
    [options.connect_timeout, options.first_byte_timeout].into_iter().flatten().fold(network.max_wait, Duration::min)
}

/// The network and the secrets available to one request.
pub struct Exchange<'a> {
    pub network: &'a Network,
    /// The replacement for the network in tests. `None` uses the real network.
    pub fake: Option<&'a dyn FakeNetwork>,
    pub secrets: &'a CallSecrets,
}

impl Exchange<'_> {
    /// Sends the request and reads the complete response.
    pub async fn send(self, target: Target, parts: Parts, body: WasiBody) -> Result<Response<Bytes>, RequestError> {
        let Self { network, fake, secrets } = self;
        let body = read_body(body, network).await?;
        // The limit applies to the body after secrets are filled in, because a short body may contain the placeholder
        // of a long secret many times.
        if secrets.filled_length(&body) > network.max_body {
            return Err(too_large("request", network));
        }
        let request = build_request(&target, parts, &body, secrets)?;
        if let Some(fake) = fake {
            return mask(fake_network::send(fake, target.to_string(), request).await?, secrets);
        }
        let stream = connect(network, &target.host, target.port).await?.stream;
        let response = match target.scheme {
            Scheme::Http => exchange_over(stream, request, network).await,
            Scheme::Https => {
                let name = server_name(&target)?;
                let connecting = TlsConnector::from(network.tls().await?).connect(name, stream);
                let stream = connecting.await.map_err(|error| RequestError::Protocol(tls::explain(&target, &error)))?;
                exchange_over(stream, request, network).await
            }
        };
        mask(response?, secrets)
    }
}

fn server_name(target: &Target) -> Result<ServerName<'static>, RequestError> {
    let bare = target.host.to_string();
    let bare = bare.trim_start_matches('[').trim_end_matches(']').to_owned();
    ServerName::try_from(bare)
        .map_err(|error| RequestError::Refused(format!("{target} is not a valid name for TLS: {error}")))
}

/// Reads the guest's entire request body.
async fn read_body(body: WasiBody, network: &Network) -> Result<Bytes, RequestError> {
    match Limited::new(body, network.max_body).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large("request", network)),
        Err(error) => Err(RequestError::Protocol(format!("the request was not sent completely: {error}"))),
    }
}

fn too_large(what: &str, network: &Network) -> RequestError {
    let Network { max_body, plugin, .. } = network;
    RequestError::TooLarge(format!(
        "the body of the {what} has more than {max_body} bytes (raise `http_body` in [plugins.{plugin}] if the plugin needs more)"
    ))
}

/// Builds the request that is sent. The host sets `Host`, `Accept-Encoding` and the framing headers itself, in place of
/// the guest's.
fn build_request(
    target: &Target,
    parts: Parts,
    body: &Bytes,
    secrets: &CallSecrets,
) -> Result<Request<Full<Bytes>>, RequestError> {
    let invalid = |what: &str| RequestError::Protocol(format!("the request has an invalid {what}"));
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let uri: Uri = path.parse().map_err(|_| invalid("path"))?;
    let mut request = Request::new(Full::new(Bytes::from(secrets.fill(body).into_owned())));
    *request.method_mut() = parts.method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    for (name, value) in &parts.headers {
        let filled = HeaderValue::from_bytes(&secrets.fill_header(value.as_bytes())).map_err(|_| invalid("header"))?;
        headers.append(name, filled);
    }
    for own in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(own);
    }
    headers.insert(header::HOST, HeaderValue::from_str(&target.authority()).map_err(|_| invalid("host"))?);
    // Secrets can't be found in a compressed response.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(request)
}

async fn exchange_over<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    network: &Network,
) -> Result<Response<Bytes>, RequestError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken =
        |error: hyper::Error| RequestError::Protocol(format!("the server violated the HTTP protocol: {error}"));
    let mut http = http1::Builder::new();
    let handshake = http.max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(broken)?;
    // One future runs both the exchange and the connection, so that the connection ends with the call.
    let exchange = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let (parts, body) = response.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(RequestError::Protocol("the server switched to a protocol other than HTTP".to_owned()));
        }
        let body = match Limited::new(body, network.max_body).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(too_large("response", network)),
            Err(error) => return Err(RequestError::Protocol(format!("the response is incomplete: {error}"))),
        };
        Ok(Response::from_parts(parts, body))
    };
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        response = &mut exchange => response,
        // The connection can complete before its response has been read.
        _ = connection => exchange.await,
    }
}

/// Replaces secrets in the response with their placeholders.
///
/// # Errors
/// Fails if the response is compressed, because secrets can't be found in compressed data, or if a header is invalid.
fn mask(response: Response<Bytes>, secrets: &CallSecrets) -> Result<Response<Bytes>, RequestError> {
    let (mut parts, body) = response.into_parts();
    let is_compressed = parts.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if is_compressed {
        return Err(RequestError::Protocol(
            "the response is compressed, although that was not requested (Content-Encoding)".to_owned(),
        ));
    }
    if secrets.is_empty() {
        return Ok(Response::from_parts(parts, body));
    }
    let mut headers = HeaderMap::with_capacity(parts.headers.len());
    for (name, value) in &parts.headers {
        let masked = HeaderValue::from_bytes(&secrets.mask(value.as_bytes()));
        headers
            .append(name, masked.map_err(|_| RequestError::Protocol("the response has invalid headers".to_owned()))?);
    }
    // Replacing secrets may have changed the length. The body is complete, so the header isn't needed.
    headers.remove(header::CONTENT_LENGTH);
    parts.headers = headers;
    let body = Bytes::from(secrets.mask(&body));
    Ok(Response::from_parts(parts, body))
}
