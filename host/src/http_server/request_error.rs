//! Defines the errors for requests that couldn't be read, and builds one-line text responses.

use std::time::Duration;

use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderValue},
};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// The reason why a request was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The body is larger than this limit, in bytes.
    #[error("the body has more than {0} bytes")]
    TooLarge(u64),
    #[error("the request headers arrived too slowly")]
    HeadTooSlow,
    #[error("the body arrived too slowly")]
    BodyTooSlow,
    #[error("the body is incomplete")]
    Incomplete,
}

/// The timeout for writing a short response, which fits into any socket buffer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

impl RequestError {
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeadTooSlow | Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Incomplete => StatusCode::BAD_REQUEST,
        }
    }
}

/// Returns a response that contains one line of text. The client may be unauthenticated, so the text must not contain a
/// secret.
#[must_use]
pub fn text_response(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{text}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PLAIN_TEXT));
    response
}

/// Writes an error response to a connection that never received a complete request. A client that reads too slowly gets
/// no response.
pub(super) async fn write(error: &RequestError, mut stream: impl AsyncWrite + Unpin) {
    let (status, text) = (error.status(), error.to_string());
    let head = format!("content-type: {PLAIN_TEXT}\r\nconnection: close");
    let length = text.len() + 1;
    let answer = format!("HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{text}\n");
    let written = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    // Ignore the error: a client that has disconnected doesn't need a response.
    let _written: Result<std::io::Result<()>, _> = tokio::time::timeout(WRITE_TIMEOUT, written).await;
}
