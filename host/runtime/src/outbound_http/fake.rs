//! Answers requests from a [`FakeNetwork`] instead of the real network, for plugin tests. Grants, secrets and limits
//! are checked as usual.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, header::CONTENT_TYPE};

use super::failure::Failure;

/// A request as it would be sent, including the values of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: String,
    pub url: String,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: u16,
    pub media_type: String,
    pub body: Vec<u8>,
}

pub trait FakeNetwork: Send + Sync {
    /// # Errors
    /// Returns why the server is unreachable.
    fn request(&self, errand: &HttpRequest) -> Result<HttpResponse, String>;

    /// Returns how long the connection takes.
    ///
    /// # Errors
    /// Returns why the server is unreachable.
    fn connect(&self, host: &str, port: u16) -> Result<Duration, String>;
}

/// Sends a finished request to the fake network and returns its response.
pub(super) async fn answer(
    far: &dyn FakeNetwork,
    origin: String,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, Failure> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let errand = HttpRequest {
        method: parts.method.to_string(),
        url: format!("{origin}{path}"),
        body: body.to_bytes().to_vec(),
    };
    let answer = far.request(&errand).map_err(Failure::Unreachable)?;
    let response = Response::builder().status(answer.status).header(CONTENT_TYPE, answer.media_type);
    response
        .body(Bytes::from(answer.body))
        .map_err(|error| Failure::Protocol(format!("the response is invalid: {error}")))
}
