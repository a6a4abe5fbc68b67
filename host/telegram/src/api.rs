//! A minimal client of the Bot API: sends a payload as JSON and returns the result or a classified failure.
//!
//! teloxide's own client sleeps ten seconds after each 5xx, and its errors may quote a response that contains the
//! token. This module therefore makes its own requests, with teloxide's payloads and HTTP client. The token is scrubbed
//! from every error text.

mod file_download;

use std::{error::Error, net::Ipv4Addr, time::Duration};

use cordboard_core::{json_repair, messages, scrub};
use cordboard_metrics::METRICS;
use reqwest::{RequestBuilder, multipart::Form};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use teloxide_core::{Bot, net::default_reqwest_settings, requests::Payload};

pub(super) use file_download::FileError;

use super::token::Token;

/// The maximum number of characters to quote from a response that is not JSON.
const EXCERPT: usize = 120;

/// The delay after "too many requests" without a `retry_after`.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The maximum `retry_after`; a longer delay is reduced to it. A broken server may send a number that would overflow an
/// `Instant`.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The reason why a call failed. Each variant requires different handling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BotApiError {
    #[error("{why}")]
    Unauthorised { why: String },
    /// Another program is polling with this token, or a webhook is set.
    #[error("{why}")]
    Conflict { why: String },
    #[error("{why}")]
    RateLimited { after: Duration, why: String },
    /// The host can't write to the chat or topic.
    #[error("{why}")]
    Unreachable { why: String },
    /// The topic doesn't exist.
    #[error("{why}")]
    TopicDeleted { why: String },
    /// The group has a new id.
    #[error("the group moved to {to}")]
    Moved { to: i64 },
    #[error("the message is already up to date")]
    NotModified,
    #[error("{why}")]
    Rejected { why: String },
    /// The request failed, the response is invalid, or the server reports an internal error.
    #[error("{why}")]
    Unavailable { why: String },
}

pub(super) struct Api {
    /// Used only for its HTTP client. Its token is empty.
    http: Bot,
    base: String,
    token: Token,
    timeout: Duration,
}

impl Api {
    pub fn new(token: Token, base: &str, timeout: Duration) -> Self {
        let builder = default_reqwest_settings();
        // A proxy from the environment can't reach a Bot API server on this machine.
        let builder = if is_local(base) { builder.no_proxy() } else { builder };
        let client = builder.build().expect("it fails only if the TLS library fails to start");
        Self { http: Bot::with_client(String::new(), client), base: base.to_owned(), token, timeout }
    }

    pub async fn call<P, T>(&self, payload: &P) -> Result<T, BotApiError>
    where
        P: Payload + Serialize + Sync,
        T: DeserializeOwned,
    {
        let timeout = self.timeout + payload.timeout_hint().unwrap_or_default();
        self.request(P::NAME, |request| request.timeout(timeout).json(payload)).await
    }

    /// Calls a method with a form and this timeout.
    pub async fn send_form<T: DeserializeOwned>(
        &self,
        method: &str,
        form: Form,
        time: Duration,
    ) -> Result<T, BotApiError> {
        self.request(method, |request| request.timeout(time).multipart(form)).await
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<T, BotApiError> {
        let url = format!("{}/bot{}/{method}", self.base, self.token.secret());
        let unavailable =
            |error: &dyn Error| BotApiError::Unavailable { why: format!("{method} at {}", self.describe(error)) };
        let request = fill(self.http.client().post(url));
        let response = request.send().await.map_err(|error| unavailable(&error.without_url()))?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|error| unavailable(&error.without_url()))?;
        read(status, &body).inspect_err(|error| {
            if let BotApiError::RateLimited { .. } = error {
                METRICS.rate_limits.inc();
            }
        })
    }

    /// Formats the address of the server, the error and its causes on one line.
    fn describe(&self, error: &dyn Error) -> String {
        let (mut text, mut cause) = (error.to_string(), error.source());
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        scrub::text(messages::system_error(format!("{}: {text}", self.base)))
    }
}

/// Returns whether the server runs on this machine.
fn is_local(base: &str) -> bool {
    let address = base.split_once("://").map_or(base, |(_, rest)| rest);
    let host = address.split(['/', ':']).next().unwrap_or_default();
    let is_loopback = host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    is_loopback || host == "localhost" || address.starts_with("[::1]")
}

/// The envelope of every response.
#[derive(Deserialize)]
struct Response<T> {
    ok: bool,
    result: Option<T>,
    error_code: Option<u16>,
    description: Option<String>,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Deserialize, Default)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, BotApiError> {
    let response: Response<T> = match json_repair::parse(body).and_then(serde_json::from_value) {
        Ok(response) => response,
        Err(error) => return Err(invalid_response(status, body, &error)),
    };
    match response.result {
        Some(result) if response.ok => Ok(result),
        Some(_) | None => {
            let why = response.description.map(scrub::text);
            let why = why.unwrap_or_else(|| format!("HTTP {status} without a description"));
            Err(classify(response.error_code.unwrap_or(status), &response.parameters, why))
        }
    }
}

fn invalid_response(status: u16, body: &[u8], error: &serde_json::Error) -> BotApiError {
    // Scrub before truncating: the scrubber might not recognize a truncated token, which could still help an attacker.
    let clean = scrub::text(String::from_utf8_lossy(body).into_owned());
    let excerpt: String = clean.chars().take(EXCERPT).collect();
    let error = scrub::text(error.to_string());
    let why = format!("HTTP {status}: the response is not a valid Bot API response ({error}): {excerpt:?}");
    match status {
        401 => BotApiError::Unauthorised { why },
        // A proxy in front of the server limits the size of uploads.
        413 => BotApiError::Rejected { why },
        429 => BotApiError::RateLimited { after: DEFAULT_RETRY_AFTER, why },
        _ => BotApiError::Unavailable { why },
    }
}

/// Substrings of the descriptions of errors with code 400. Each means that the host can't write to the place: the user
/// or chat no longer exists, the topic is closed, or the bot lacks rights there.
const UNREACHABLE: [&str; 11] = [
    "chat not found",
    "user not found",
    "PEER_ID_INVALID",
    "user is deactivated",
    "TOPIC_CLOSED",
    "not enough rights",
    "have no rights to send",
    "need administrator rights",
    "CHAT_ADMIN_REQUIRED",
    "CHAT_RESTRICTED",
    "_FORBIDDEN",
];

/// Substrings of the descriptions of errors with code 400. Each means that the topic was deleted. An unknown topic id
/// means the same, because Telegram never reuses topic ids.
const TOPIC_DELETED: [&str; 3] = ["message thread not found", "TOPIC_DELETED", "TOPIC_ID_INVALID"];

fn classify(code: u16, parameters: &Parameters, why: String) -> BotApiError {
    if let Some(to) = parameters.migrate_to_chat_id {
        return BotApiError::Moved { to };
    }
    if let Some(seconds) = parameters.retry_after {
        return BotApiError::RateLimited { after: Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER), why };
    }
    match code {
        // The server answers 404 for a malformed token, which is part of the path.
        401 | 404 => BotApiError::Unauthorised { why },
        403 => BotApiError::Unreachable { why },
        409 => BotApiError::Conflict { why },
        429 => BotApiError::RateLimited { after: DEFAULT_RETRY_AFTER, why },
        400 if why.contains("message is not modified") || why.contains("TOPIC_NOT_MODIFIED") => {
            BotApiError::NotModified
        }
        400 if TOPIC_DELETED.iter().any(|reason| why.contains(reason)) => BotApiError::TopicDeleted { why },
        400 if UNREACHABLE.iter().any(|reason| why.contains(reason)) => BotApiError::Unreachable { why },
        400..=499 => BotApiError::Rejected { why },
        _ => BotApiError::Unavailable { why: format!("HTTP {code}: {why}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, body: &str) -> BotApiError {
        read::<bool>(status, body.as_bytes()).unwrap_err()
    }

    fn error_response(code: u16, description: &str) -> BotApiError {
        failure(code, &format!(r#"{{"ok":false,"error_code":{code},"description":"{description}"}}"#))
    }

    #[test]
    fn failures_are_classified_by_reaction() {
        assert_eq!(read::<bool>(200, br#"{"ok":true,"result":true}"#), Ok(true));
        assert!(matches!(error_response(401, "Unauthorized"), BotApiError::Unauthorised { .. }));
        assert!(matches!(error_response(404, "Not Found"), BotApiError::Unauthorised { .. }));
        assert!(matches!(
            error_response(403, "Forbidden: bot was blocked by the user"),
            BotApiError::Unreachable { .. }
        ));
        assert!(matches!(error_response(400, "Bad Request: chat not found"), BotApiError::Unreachable { .. }));
        for closed in
            ["TOPIC_CLOSED", "have no rights to send a message", "CHAT_SEND_PLAIN_FORBIDDEN", "CHAT_WRITE_FORBIDDEN"]
        {
            assert!(
                matches!(error_response(400, &format!("Bad Request: {closed}")), BotApiError::Unreachable { .. }),
                "{closed}"
            );
        }
        for deleted in ["message thread not found", "TOPIC_DELETED", "TOPIC_ID_INVALID"] {
            assert!(
                matches!(error_response(400, &format!("Bad Request: {deleted}")), BotApiError::TopicDeleted { .. }),
                "{deleted}"
            );
        }
        assert_eq!(error_response(400, "Bad Request: TOPIC_NOT_MODIFIED"), BotApiError::NotModified);
        assert!(matches!(error_response(400, "Bad Request: can't parse entities"), BotApiError::Rejected { .. }));
        assert!(matches!(error_response(409, "Conflict"), BotApiError::Conflict { .. }));
        assert!(matches!(error_response(500, "Internal"), BotApiError::Unavailable { .. }));
        let same =
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the same";
        assert_eq!(error_response(400, same), BotApiError::NotModified);
        let flood =
            r#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":42}}"#;
        assert!(
            matches!(failure(429, flood), BotApiError::RateLimited { after, .. } if after == Duration::from_secs(42))
        );
        let never = flood.replace(":42}", &format!(":{}}}", u64::MAX));
        assert!(matches!(failure(429, &never), BotApiError::RateLimited { after, .. } if after == LONGEST_RETRY_AFTER));
        let moved =
            r#"{"ok":false,"error_code":400,"description":"upgraded","parameters":{"migrate_to_chat_id":-100}}"#;
        assert_eq!(failure(400, moved), BotApiError::Moved { to: -100 });
    }

    #[test]
    fn an_invalid_response_is_an_outage() {
        for (status, body) in [(200, "<html>hotel wifi</html>"), (502, "Bad Gateway"), (200, ""), (200, "{}")] {
            assert!(
                matches!(failure(status, body), BotApiError::Unavailable { .. } | BotApiError::Rejected { .. }),
                "{status} {body}"
            );
        }
        assert!(matches!(failure(429, "slow down"), BotApiError::RateLimited { .. }));
    }

    const SECRET: &str = "AAE0-abcdefghijklmnopqrstuvwxyz1234";

    /// Starts a server and returns its URL. The server answers a request with a page that contains the request's path,
    /// encoded by `spell`, after `before` bytes.
    async fn echoing(spell: fn(&str) -> String, before: usize) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            let head = String::from_utf8_lossy(&request[..read]).into_owned();
            let path = head.split(' ').nth(1).unwrap();
            let page = format!("{}{} is not here", "-".repeat(before), spell(path));
            let response = format!("HTTP/1.1 502 Bad Gateway\r\ncontent-length: {}\r\n\r\n{page}", page.len());
            stream.write_all(response.as_bytes()).await.unwrap();
        });
        base
    }

    /// Returns the 8-character substrings of the token that `text` contains in any of the encodings.
    fn runs_of_the_token(text: &str) -> Vec<&'static str> {
        let plain = text.replace("%2D", "-").replace("\\u002d", "-").replace("&#45;", "-").to_lowercase();
        let runs = (0..=SECRET.len() - 8).map(|at| &SECRET[at..at + 8]);
        runs.filter(|run| plain.contains(&run.to_lowercase())).collect()
    }

    #[tokio::test]
    async fn an_echoed_token_is_removed_before_the_page_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, format!("123456789:{SECRET}")).unwrap();
        let token = super::super::token::read(&file).unwrap();
        let spellings: [fn(&str) -> String; 5] = [
            str::to_owned,
            str::to_uppercase,
            |path| path.replace('-', "%2D"),
            |path| path.replace('-', "\\u002d").replace('/', "\\/"),
            |path| path.replace('-', "&#45;"),
        ];
        for spell in spellings {
            for before in (EXCERPT - 60..=EXCERPT).step_by(7) {
                let base = echoing(spell, before).await;
                let api = Api::new(token.clone(), &base, Duration::from_secs(20));
                let failure = api.call::<_, bool>(&teloxide_core::payloads::GetMe::new()).await.unwrap_err();
                assert!(
                    matches!(&failure, BotApiError::Unavailable { why } if why.contains("HTTP 502")),
                    "{failure:?}"
                );
                assert_eq!(runs_of_the_token(&failure.to_string()), [""; 0], "{failure}");
            }
        }
    }
}
