//! HTTP requests to the addresses that the operator granted with `[plugins.NAME] http`. The host refuses other
//! requests, and the error contains the configuration line to add, if the operator can grant the request.
//!
//! A component that doesn't call this module doesn't import network access.

use std::{fmt, time::Duration};

use wasip2::{
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
            OutgoingRequest, RequestOptions, Scheme,
        },
    },
    io::{
        poll::poll,
        streams::{OutputStream, StreamError},
    },
};

use crate::text::url_encode;

/// The maximum number of concurrent requests. The host has the same limit for each plugin.
const MAX_IN_FLIGHT: usize = 8;

/// The maximum number of bytes per read.
const READ_SIZE: u64 = 64 << 10;

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    method: &'static str,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    timeout: Option<Duration>,
}

/// A complete response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// The headers as received, with names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The reason for a missing response, as one line for the user. `?` converts the error to this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The request isn't granted, or is forbidden to all plugins. If the operator can grant it, the text contains the
    /// configuration line to add.
    Refused(String),
    /// No connection could be made.
    Unreachable(String),
    /// There was no response within the time limit.
    TimedOut(String),
    /// The body of the request or of the response is larger than `http_body` allows.
    TooLarge(String),
    /// The request is invalid, or TLS or the HTTP exchange failed.
    Protocol(String),
}

impl Request {
    pub fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// Creates a POST request. Like every method except GET and HEAD, it needs a separate grant, such as
    /// `"POST https://pbs.lan:8007/*"`.
    pub fn post(url: &str) -> Self {
        Self::new("POST", url)
    }

    pub fn put(url: &str) -> Self {
        Self::new("PUT", url)
    }

    pub fn delete(url: &str) -> Self {
        Self::new("DELETE", url)
    }

    pub fn head(url: &str) -> Self {
        Self::new("HEAD", url)
    }

    fn new(method: &'static str, url: &str) -> Self {
        Self { method, url: url.to_owned(), headers: Vec::new(), body: Vec::new(), timeout: None }
    }

    /// Adds `name=value` to the URL's query, both [encoded](crate::text::url_encode).
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let (address, fragment) = self.url.split_once('#').unwrap_or((&self.url, ""));
        let mark = match address.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        let fragment = if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
        self.url = format!("{address}{mark}{}={}{fragment}", url_encode(name), url_encode(value));
        self
    }

    /// Adds a header. The value may contain a [placeholder](crate::secrets::placeholder).
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = bytes.into();
        self
    }

    /// Limits the time of this request, so that a plugin that queries several hosts doesn't spend all of `http_time` on
    /// one of them.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// Sends the request and waits for the complete response. Redirects aren't followed.
    ///
    /// # Errors
    /// See [`Error`]. A status such as 404 isn't an error.
    pub fn send(self) -> Result<Response, Error> {
        let response = self.start()?;
        let ready = response.subscribe();
        ready.block();
        drop(ready);
        Response::take(&response)
    }

    fn start(self) -> Result<FutureIncomingResponse, Error> {
        let (request, options) = self.outgoing()?;
        let body = request.body().map_err(|()| Error::Protocol("the request has no body".to_owned()))?;
        let answer = outgoing_handler::handle(request, options).map_err(Error::from_code)?;
        write(body, &self.body)?;
        Ok(answer)
    }

    fn outgoing(&self) -> Result<(OutgoingRequest, Option<RequestOptions>), Error> {
        let url = split(&self.url).ok_or_else(|| invalid("address", &self.url))?;
        let headers = Fields::new();
        for (name, value) in &self.headers {
            headers.append(name, value.as_bytes()).map_err(|_| invalid("header", name))?;
        }
        let request = OutgoingRequest::new(headers);
        let set = |done: Result<(), ()>| done.map_err(|()| invalid("address", &self.url));
        set(request.set_method(&method(self.method)))?;
        set(request.set_scheme(Some(&url.scheme)))?;
        set(request.set_authority(Some(url.authority)))?;
        set(request.set_path_with_query(Some(&url.path)))?;
        // Create options only if needed, because the runtime keeps them until the call ends.
        let options = self.timeout.map(|time| {
            let options = RequestOptions::new();
            // A host that doesn't support this timeout applies its own limit.
            options
                .set_first_byte_timeout(Some(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
                .unwrap_or_default();
            options
        });
        Ok((request, options))
    }
}

/// Returns the error for a missing response for which the host gives no reason.
fn no_response() -> Error {
    Error::TimedOut("no response in time".to_owned())
}

/// Sends the requests concurrently, up to 8 at a time, and returns the results in the same order. Overlapping waits
/// count only once towards `http_time`. Use this function for requests with small bodies, because sending a large body
/// delays the later requests.
#[must_use]
pub fn send_all(requests: impl IntoIterator<Item = Request>) -> Vec<Result<Response, Error>> {
    let mut queued = requests.into_iter().enumerate();
    let (mut in_flight, mut done) = (Vec::new(), Vec::new());
    loop {
        while in_flight.len() < MAX_IN_FLIGHT
            && let Some((index, request)) = queued.next()
        {
            match request.start() {
                Ok(answer) => in_flight.push((index, answer)),
                Err(error) => done.push((index, Err(error))),
            }
        }
        if in_flight.is_empty() {
            break;
        }
        for at in ready(&in_flight).into_iter().rev() {
            let (index, answer) = in_flight.remove(at);
            done.push((index, Response::take(&answer)));
        }
    }
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, answer)| answer).collect()
}

/// Waits until at least one response is ready, and returns the sorted indices of all ready ones.
fn ready(in_flight: &[(usize, FutureIncomingResponse)]) -> Vec<usize> {
    let pollables: Vec<_> = in_flight.iter().map(|(_, answer)| answer.subscribe()).collect();
    let mut ready: Vec<usize> =
        poll(&pollables.iter().collect::<Vec<_>>()).into_iter().filter_map(|at| usize::try_from(at).ok()).collect();
    ready.sort_unstable();
    ready
}

fn invalid(what: &str, text: &str) -> Error {
    Error::Protocol(format!("the request has an invalid {what}: {text}"))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        _ => Method::Delete,
    }
}

struct Url<'a> {
    scheme: Scheme,
    authority: &'a str,
    path: String,
}

/// Splits a URL without validating it, because the host does that.
fn split(url: &str) -> Option<Url<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        other => Scheme::Other(other.to_owned()),
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    (!authority.is_empty()).then_some(Url { scheme, authority, path })
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), Error> {
    let stream = body.write().map_err(|()| Error::Protocol("the request's body is closed".to_owned()))?;
    // If the host refuses the request, it doesn't read the body. The result of the request contains the reason.
    let written = write_all(&stream, bytes).is_ok();
    drop(stream);
    if written { OutgoingBody::finish(body, None).map_err(Error::from_code) } else { Ok(()) }
}

fn write_all(stream: &OutputStream, bytes: &[u8]) -> Result<(), StreamError> {
    for chunk in bytes.chunks(4096) {
        stream.blocking_write_and_flush(chunk)?;
    }
    Ok(())
}

impl Response {
    /// Returns the value of the first header of that name. Ignores case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the body as text; invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Reads a response that is ready.
    fn take(answer: &FutureIncomingResponse) -> Result<Self, Error> {
        let response = answer.get().and_then(Result::ok).ok_or_else(no_response)?.map_err(Error::from_code)?;
        Self::read(&response)
    }

    fn read(response: &IncomingResponse) -> Result<Self, Error> {
        let text = |(name, value): (String, Vec<u8>)| (name, String::from_utf8_lossy(&value).into_owned());
        let headers = response.headers().entries().into_iter().map(text).collect();
        let body = response.consume().map_err(|()| Error::Protocol("the response has no body".to_owned()))?;
        Ok(Self { status: response.status(), headers, body: read(&body)? })
    }
}

fn read(body: &IncomingBody) -> Result<Vec<u8>, Error> {
    let stream = body.stream().map_err(|()| Error::Protocol("the response has no body".to_owned()))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(READ_SIZE) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => return Err(Error::Protocol(error.to_debug_string())),
        }
    }
}

impl Error {
    fn from_code(code: ErrorCode) -> Self {
        if let ErrorCode::InternalError(Some(text)) = code {
            return Self::from_host(text);
        }
        if matches!(code, ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited) {
            return Self::Refused("the host refused the request".to_owned());
        }
        if matches!(code, ErrorCode::ConnectionTimeout | ErrorCode::HttpResponseTimeout | ErrorCode::DnsTimeout) {
            return no_response();
        }
        Self::Protocol(if matches!(code, ErrorCode::HttpRequestBodySize(_)) {
            "the Content-Length of the request differs from the length of its body: omit the header, because the host sets it".to_owned()
        } else if matches!(code, ErrorCode::HttpRequestUriInvalid) {
            "the request has an invalid URL".to_owned()
        } else if matches!(code, ErrorCode::HttpProtocolError) {
            "the request is not valid HTTP: check its URL and headers".to_owned()
        } else {
            code.to_string()
        })
    }

    /// Parses the host's error text, which starts with the kind.
    fn from_host(text: String) -> Self {
        match text.split_once(": ") {
            Some(("refused", why)) => Self::Refused(why.to_owned()),
            Some(("unreachable", why)) => Self::Unreachable(why.to_owned()),
            Some(("timed out", why)) => Self::TimedOut(why.to_owned()),
            Some(("too large", why)) => Self::TooLarge(why.to_owned()),
            Some(("protocol", why)) => Self::Protocol(why.to_owned()),
            Some(_) | None => Self::Protocol(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why)
            | Self::Unreachable(why)
            | Self::TimedOut(why)
            | Self::TooLarge(why)
            | Self::Protocol(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_into_its_parts() {
        let parts = |url| split(url).map(|url| (url.authority.to_owned(), url.path));
        assert_eq!(parts("https://pbs.lan:8007/api?x=1#top"), Some(("pbs.lan:8007".to_owned(), "/api?x=1".to_owned())));
        assert_eq!(parts("http://pbs.lan"), Some(("pbs.lan".to_owned(), "/".to_owned())));
        assert_eq!(parts("http://pbs.lan?x"), Some(("pbs.lan".to_owned(), "/?x".to_owned())));
        assert_eq!(parts("pbs.lan/x"), None);
        assert_eq!(parts("https:///x"), None);
    }

    #[test]
    fn a_query_is_added_encoded() {
        let url = |url: &str| Request::get(url).query("q", "a b&c").query("n", "1").url;
        assert_eq!(url("https://hub/x"), "https://hub/x?q=a%20b%26c&n=1");
        assert_eq!(url("https://hub/x?y=z#top"), "https://hub/x?y=z&q=a%20b%26c&n=1#top");
        assert_eq!(url("https://hub?"), "https://hub?q=a%20b%26c&n=1");
    }

    #[test]
    fn the_kind_of_a_failure_is_recognized() {
        assert_eq!(Error::from_host("refused: add a: b".into()), Error::Refused("add a: b".into()));
        assert_eq!(Error::from_host("timed out: it waited".into()), Error::TimedOut("it waited".into()));
        assert_eq!(Error::from_host("odd".into()), Error::Protocol("odd".into()));
    }
}
