//! Passes requests to a [`FakeNetwork`] instead of the real network, for plugin tests. Grants, secrets and the size
//! limit of request bodies apply as usual.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, header::CONTENT_TYPE};

use super::request_error::RequestError;

/// The parts of a request that a fake network receives. Placeholders in the body are already replaced with the secrets.
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

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FakeNetworkError {
    #[error("{0} cannot be reached")]
    Down(String),
    /// No directive in the conversation declares this response or connection. Contains the missing directive.
    #[error("the conversation has no {0}")]
    NotDeclared(String),
}

pub trait FakeNetwork: Send + Sync {
    /// Returns the response declared in the conversation for the request.
    ///
    /// # Errors
    /// Fails if the server is down or the conversation declares no response.
    fn request(&self, request: &HttpRequest) -> Result<HttpResponse, FakeNetworkError>;

    /// Returns how long it takes to connect.
    ///
    /// # Errors
    /// Fails if the server is down or the conversation declares no connection to it.
    fn connect(&self, host: &str, port: u16) -> Result<Duration, FakeNetworkError>;
}

/// Sends a complete request, with its secrets filled in, to the fake network and returns the response.
pub(super) async fn send(
    fake: &dyn FakeNetwork,
    origin: String,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, RequestError> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = HttpRequest {
        method: parts.method.to_string(),
        url: format!("{origin}{path}"),
        body: body.to_bytes().to_vec(),
    };
    let response = fake.request(&request).map_err(|error| RequestError::Unreachable(error.to_string()))?;
    Response::builder()
        .status(response.status)
        .header(CONTENT_TYPE, response.media_type)
        .body(Bytes::from(response.body))
        .map_err(|error| RequestError::Protocol(format!("the response is invalid: {error}")))
}
