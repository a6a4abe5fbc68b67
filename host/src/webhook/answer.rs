//! Builds the HTTP responses: a plugin's answer, or one line that says why the request failed.

use http_body_util::Full;
use hyper::{
    HeaderMap, Response, StatusCode,
    body::Bytes,
    header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};

use cordboard_runtime::{CallError, WebResponse};

use crate::http_server::{RequestError, text_response};

/// The reason why a request didn't reach its plugin, or why the plugin gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    NotFound,
    Method,
    /// The configuration doesn't say how requests for this plugin are authenticated.
    NoAuth(String),
    Unauthorized,
    Request(RequestError),
    Busy,
    Failed(String),
}

/// The reason why a plugin gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("it answered with the status {0}: use 200 to 599")]
    Status(u16),
}

/// Connection headers, which the host controls.
const CONNECTION_HEADERS: [&str; 8] =
    ["connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

impl From<RequestError> for Rejection {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl Rejection {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoAuth(_) => StatusCode::FORBIDDEN,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Request(error) => error.status(),
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the response text. The client may be unauthenticated, so the text must not contain a secret.
    fn text(&self) -> String {
        match self {
            Self::NotFound => {
                "unknown path: send requests to /hooks/NAME, where NAME is a plugin with a webhook".to_owned()
            }
            Self::Method => "the method must be GET, POST, PUT, PATCH or DELETE".to_owned(),
            Self::NoAuth(plugin) => {
                format!("no authentication is configured for '{plugin}', so all requests are rejected")
            }
            Self::Unauthorized => "the token or the signature is missing or wrong".to_owned(),
            Self::Request(error) => error.to_string(),
            Self::Busy => "too many requests at once: try again in a moment".to_owned(),
            Self::Failed(plugin) => format!("'{plugin}' failed to answer; see the host's log"),
        }
    }

    pub fn response(&self) -> Response<Full<Bytes>> {
        let mut response = text_response(self.status(), &self.text());
        let headers = response.headers_mut();
        match self {
            Self::Method => insert(headers, ALLOW, "GET, POST, PUT, PATCH, DELETE"),
            Self::Unauthorized => insert(headers, WWW_AUTHENTICATE, "Bearer"),
            Self::Busy => insert(headers, RETRY_AFTER, "1"),
            Self::NotFound | Self::NoAuth(_) | Self::Request(_) | Self::Failed(_) => {}
        }
        response
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// Checks the status of a plugin's answer.
///
/// # Errors
/// The status is not between 200 and 599.
pub fn status(status: u16) -> Result<StatusCode, AnswerError> {
    let known = StatusCode::from_u16(status).ok().filter(|status| (200..600).contains(&status.as_u16()));
    known.ok_or(AnswerError::Status(status))
}

/// Converts a plugin's answer to an HTTP response. Drops invalid headers and connection headers.
pub fn response_of(answer: WebResponse) -> Result<Response<Full<Bytes>>, AnswerError> {
    let status = status(answer.status)?;
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = status;
    for (name, value) in answer.headers {
        let pair = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()));
        if let (Ok(name), Ok(value)) = pair
            && !CONNECTION_HEADERS.contains(&name.as_str())
        {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> WebResponse {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        WebResponse { status, headers, body: b"x".to_vec() }
    }

    #[test]
    fn connection_headers_of_a_plugin_are_dropped() {
        let headers =
            [("X-Fine", "yes"), ("Transfer-Encoding", "chunked"), ("bad name", "x"), ("x-split", "a\r\nb: c")];
        let response = response_of(answer(201, &headers)).unwrap();
        assert_eq!(response.status(), 201);
        let names: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-fine"]);
    }

    #[test]
    fn an_invalid_status_is_an_error() {
        for status in [0, 42, 100, 101, 600, 999, u16::MAX] {
            assert!(response_of(answer(status, &[])).unwrap_err().to_string().contains("use 200 to 599"), "{status}");
        }
    }
}
