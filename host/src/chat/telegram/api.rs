//! One call of the Bot API: a payload goes out as JSON, an answer or one of few failures comes back.
//!
//! teloxide's own client sleeps ten seconds on each 5xx and puts the URL, and with it the token, into its errors: so requests are
//! made here, of its payloads and with its HTTP client. No text leaves this file with the token in it.

use std::{error::Error, time::Duration};

use cordboard_core::tolerant_json;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use teloxide_core::{Bot, net::default_reqwest_settings, requests::Payload};

use super::token::Token;

/// How much of an answer that is no JSON is shown.
const EXCERPT: usize = 120;

/// What is waited where the Bot API says "too many requests" and not how long.
const UNSAID: Duration = Duration::from_secs(5);

/// The longest wait that is believed: no flood lasts longer, and no clock counts the seconds that a broken server may name.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Why there is no answer, by what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("{why}")]
    Unauthorised { why: String },
    /// Somebody else polls with this token, or a webhook is set.
    #[error("{why}")]
    Conflict { why: String },
    #[error("{why}")]
    Later { after: Duration, why: String },
    /// The chat can't be reached any more.
    #[error("{why}")]
    Gone { why: String },
    /// The group has got a new id.
    #[error("the group moved to {to}")]
    Moved { to: i64 },
    #[error("the message is as it shall be")]
    NotModified,
    #[error("{why}")]
    Refused { why: String },
    /// No answer, no sense in the answer, or the server's own failure.
    #[error("{why}")]
    Down { why: String },
}

pub(super) struct Api {
    /// Lends its HTTP client; it knows no token.
    http: Bot,
    base: String,
    token: Token,
    patience: Duration,
}

impl Api {
    pub fn new(token: Token, base: &str, patience: Duration) -> Self {
        let builder = default_reqwest_settings();
        // A Bot API server of one's own is not behind the proxy that the environment names.
        let builder = if is_local(base) { builder.no_proxy() } else { builder };
        let client = builder.build().expect("it fails only where the TLS library cannot start");
        Self { http: Bot::with_client(String::new(), client), base: base.to_owned(), token, patience }
    }

    pub async fn call<P, T>(&self, payload: &P) -> Result<T, Failure>
    where
        P: Payload + Serialize + Sync,
        T: DeserializeOwned,
    {
        let url = format!("{}/bot{}/{}", self.base, self.token.secret(), P::NAME);
        let patience = self.patience + payload.timeout_hint().unwrap_or_default();
        let down = |error: &dyn Error| Failure::Down { why: self.told(P::NAME, error) };
        let request = self.http.client().post(url).timeout(patience).json(payload);
        let answer = request.send().await.map_err(|error| down(&error.without_url()))?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(|error| down(&error.without_url()))?;
        read(status, &body).map_err(|failure| self.redacted(failure))
    }

    /// The error and its causes in one line.
    fn told(&self, method: &str, error: &dyn Error) -> String {
        let (mut text, mut cause) = (error.to_string(), error.source());
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        self.token.redact(&format!("{method} at {}: {text}", self.base))
    }

    fn redacted(&self, failure: Failure) -> Failure {
        let clean = |why: String| self.token.redact(&why);
        match failure {
            Failure::Unauthorised { why } => Failure::Unauthorised { why: clean(why) },
            Failure::Conflict { why } => Failure::Conflict { why: clean(why) },
            Failure::Later { after, why } => Failure::Later { after, why: clean(why) },
            Failure::Gone { why } => Failure::Gone { why: clean(why) },
            Failure::Refused { why } => Failure::Refused { why: clean(why) },
            Failure::Down { why } => Failure::Down { why: clean(why) },
            Failure::Moved { to } => Failure::Moved { to },
            Failure::NotModified => Failure::NotModified,
        }
    }
}

fn is_local(base: &str) -> bool {
    let host = base.split_once("://").map_or(base, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}

/// The envelope of every answer.
#[derive(Deserialize)]
struct Answer<T> {
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

fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, Failure> {
    let answer: Answer<T> = match tolerant_json::parse(body).and_then(serde_json::from_value) {
        Ok(answer) => answer,
        Err(error) => return Err(nonsense(status, body, &error)),
    };
    match answer.result {
        Some(result) if answer.ok => Ok(result),
        Some(_) | None => {
            let why = answer.description.unwrap_or_else(|| format!("HTTP {status} without a description"));
            Err(classify(answer.error_code.unwrap_or(status), &answer.parameters, why))
        }
    }
}

fn nonsense(status: u16, body: &[u8], error: &serde_json::Error) -> Failure {
    let excerpt: String = String::from_utf8_lossy(body).chars().take(EXCERPT).collect();
    let why = format!("HTTP {status}, and no answer of a Bot API ({error}): {excerpt:?}");
    match status {
        401 => Failure::Unauthorised { why },
        429 => Failure::Later { after: UNSAID, why },
        _ => Failure::Down { why },
    }
}

/// Descriptions of a 400 that mean that the chat is not there for us.
const GONE: [&str; 8] = [
    "chat not found",
    "user not found",
    "PEER_ID_INVALID",
    "user is deactivated",
    "message thread not found",
    "TOPIC_DELETED",
    "not enough rights to send",
    "CHAT_WRITE_FORBIDDEN",
];

fn classify(code: u16, parameters: &Parameters, why: String) -> Failure {
    if let Some(to) = parameters.migrate_to_chat_id {
        return Failure::Moved { to };
    }
    if let Some(seconds) = parameters.retry_after {
        return Failure::Later { after: Duration::from_secs(seconds).min(LONGEST_HOLD), why };
    }
    match code {
        // A token of a wrong form is no path that the server knows.
        401 | 404 => Failure::Unauthorised { why },
        403 => Failure::Gone { why },
        409 => Failure::Conflict { why },
        429 => Failure::Later { after: UNSAID, why },
        400 if why.contains("message is not modified") => Failure::NotModified,
        400 if GONE.iter().any(|gone| why.contains(gone)) => Failure::Gone { why },
        400..=499 => Failure::Refused { why },
        _ => Failure::Down { why: format!("HTTP {code}: {why}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, body: &str) -> Failure {
        read::<bool>(status, body.as_bytes()).unwrap_err()
    }

    fn refusal(code: u16, description: &str) -> Failure {
        failure(code, &format!(r#"{{"ok":false,"error_code":{code},"description":"{description}"}}"#))
    }

    #[test]
    fn failures_are_told_apart_by_what_to_do() {
        assert_eq!(read::<bool>(200, br#"{"ok":true,"result":true}"#), Ok(true));
        assert!(matches!(refusal(401, "Unauthorized"), Failure::Unauthorised { .. }));
        assert!(matches!(refusal(404, "Not Found"), Failure::Unauthorised { .. }));
        assert!(matches!(refusal(403, "Forbidden: bot was blocked by the user"), Failure::Gone { .. }));
        assert!(matches!(refusal(400, "Bad Request: chat not found"), Failure::Gone { .. }));
        assert!(matches!(refusal(400, "Bad Request: can't parse entities"), Failure::Refused { .. }));
        assert!(matches!(refusal(409, "Conflict"), Failure::Conflict { .. }));
        assert!(matches!(refusal(500, "Internal"), Failure::Down { .. }));
        let same =
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the same";
        assert_eq!(refusal(400, same), Failure::NotModified);
        let flood =
            r#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":42}}"#;
        assert!(matches!(failure(429, flood), Failure::Later { after, .. } if after == Duration::from_secs(42)));
        let never = flood.replace(":42}", &format!(":{}}}", u64::MAX));
        assert!(matches!(failure(429, &never), Failure::Later { after, .. } if after == LONGEST_HOLD));
        let moved =
            r#"{"ok":false,"error_code":400,"description":"upgraded","parameters":{"migrate_to_chat_id":-100}}"#;
        assert_eq!(failure(400, moved), Failure::Moved { to: -100 });
    }

    #[test]
    fn what_is_no_answer_is_an_outage() {
        for (status, body) in [(200, "<html>hotel wifi</html>"), (502, "Bad Gateway"), (200, ""), (200, "{}")] {
            assert!(matches!(failure(status, body), Failure::Down { .. } | Failure::Refused { .. }), "{status} {body}");
        }
        assert!(matches!(failure(429, "slow down"), Failure::Later { .. }));
    }
}
