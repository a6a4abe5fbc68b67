//! The other side of the network where it is not the real one: what a board in memory answers in its place. Grants, secrets and limits
//! are checked all the same.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, header::CONTENT_TYPE};

use super::failure::Failure;

/// A request as it would have gone over the wire, secrets and all.
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
    /// Why nobody answers.
    fn request(&self, errand: &HttpRequest) -> Result<HttpResponse, String>;

    /// How long it takes to connect.
    ///
    /// # Errors
    /// Why nobody is there.
    fn connect(&self, host: &str, port: u16) -> Result<Duration, String>;
}

/// The answer of the other side to a request that is ready to be sent.
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
    response.body(Bytes::from(answer.body)).map_err(|error| Failure::Protocol(format!("the answer is none: {error}")))
}
