//! Builds the responses of the status page. All have headers that forbid inline scripts, other origins and caching; the
//! files of the page contain no inline scripts or styles.

use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    body::Bytes,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
        REFERRER_POLICY, SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    },
};

use super::access::Denial;
use crate::http_server::{Body, complete, text_response};

/// A file of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageFile {
    Page,
    Script,
    Style,
    Icon,
}

const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    // The URL may contain the token.
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The page for a browser without access. After following a link from another site, a browser doesn't send the cookie
/// that it has just received. It does when the user clicks the link on this page.
const NO_ACCESS: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width\"><title>Cordboard</title>\
    <p>This page needs a token: open it as <code>/?token=TOKEN</code>.\
    <p><a href=\"/\">Continue after opening the page with the token</a>\n";

impl PageFile {
    fn content(self) -> (&'static str, &'static str) {
        match self {
            Self::Page => ("text/html; charset=utf-8", include_str!("page/status.html")),
            Self::Script => ("text/javascript; charset=utf-8", include_str!("page/status.js")),
            Self::Style => ("text/css; charset=utf-8", include_str!("page/status.css")),
            Self::Icon => ("image/svg+xml", include_str!("page/icon.svg")),
        }
    }

    pub fn response(self) -> Response<Body> {
        let (kind, content) = self.content();
        text(kind, Bytes::from_static(content.as_bytes()))
    }
}

/// Returns a successful response that has this content and content type.
pub fn text(kind: &'static str, content: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(content.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    complete(response)
}

/// Returns a response that explains an error in one line.
pub fn error(status: StatusCode, text: &str) -> Response<Body> {
    complete(text_response(status, text))
}

pub fn method_not_allowed() -> Response<Body> {
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "the method must be GET");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    response
}

/// Redirects a browser that has opened a link with the token.
pub fn redirect_with_cookie(target: &str, cookie: HeaderValue) -> Response<Body> {
    let mut response = error(StatusCode::SEE_OTHER, "signed in");
    let headers = response.headers_mut();
    headers.insert(SET_COOKIE, cookie);
    if let Ok(target) = HeaderValue::from_str(target) {
        headers.insert(LOCATION, target);
    }
    response
}

/// The kind of response that a client expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Page,
    Text,
}

/// Refuses a request.
pub fn denied(denial: &Denial, expected: Expected) -> Response<Body> {
    let status = match denial {
        Denial::Token => StatusCode::UNAUTHORIZED,
        Denial::Host | Denial::User => StatusCode::FORBIDDEN,
        Denial::TokenUnreadable => StatusCode::INTERNAL_SERVER_ERROR,
    };
    if *denial != Denial::Token {
        return error(status, &denial.to_string());
    }
    let mut response = match expected {
        Expected::Page => text("text/html; charset=utf-8", NO_ACCESS),
        Expected::Text => error(status, &denial.to_string()),
    };
    *response.status_mut() = status;
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Adds the security headers to a response.
pub fn secured(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
