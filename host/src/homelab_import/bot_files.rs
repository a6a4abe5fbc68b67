//! Parses `metadata.json` and `persona.json`, which the homelab bot writes for each session.

use std::time::Duration;

use cordboard_core::{
    config,
    text_file::{self, NotText},
    time_zone::Zone,
    types::Timestamp,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::cli::TimeoutUnit;

/// The bot's maximum timeout, in minutes. A larger number is probably in seconds, so it is rejected.
const MAX_MINUTES: f64 = 120.0;

/// The keys that may contain the id of claude's conversation.
const CONVERSATION_KEYS: [&str; 4] = ["claude_session_id", "session_id", "conversation_id", "conversation"];

/// The keys that may contain the persona's instructions.
const INSTRUCTION_KEYS: [&str; 3] = ["instructions", "system_prompt", "prompt"];

/// The smallest number that counts as milliseconds since 1970. In seconds, it would be a date more than 3,000 years
/// from now.
const MIN_MILLISECONDS: f64 = 1e11;

/// The reason why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BotFileError {
    #[error(transparent)]
    NotText(#[from] NotText),
    #[error("it is not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it must contain a JSON object")]
    NoObject,
    #[error("`{key}` must be {wanted}")]
    Field { key: &'static str, wanted: &'static str },
    #[error("`{key}` is {number}, which is more than 120 minutes; if it is in seconds, add --timeout-unit seconds")]
    TooManyMinutes { key: &'static str, number: f64 },
}

/// The content of `metadata.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotSession {
    pub name: Option<String>,
    pub persona: Option<String>,
    pub idle_timeout: Option<Duration>,
    pub last_active: Option<Timestamp>,
    pub conversation: Option<String>,
}

impl BotSession {
    /// # Errors
    /// The file is not a JSON object, or a field that the host uses has a wrong type.
    pub fn parse(bytes: &[u8], unit: TimeoutUnit, zone: &Zone) -> Result<Self, BotFileError> {
        let object = object(bytes)?;
        let conversation = CONVERSATION_KEYS.iter().filter_map(|key| object.get(*key)?.as_str());
        Ok(Self {
            name: string_field(&object, "name")?,
            persona: string_field(&object, "persona")?,
            idle_timeout: timeout_field(&object, unit)?,
            last_active: time_field(&object, "last_active", zone)?,
            conversation: conversation.map(str::to_owned).find(|id| Uuid::parse_str(id).is_ok()),
        })
    }
}

/// The content of `persona.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotPersona {
    pub name: Option<String>,
    pub description: Option<String>,
    pub instructions: Option<String>,
    pub model: Option<String>,
    pub idle_timeout: Option<Duration>,
}

impl BotPersona {
    /// # Errors
    /// The file is not a JSON object, or a field that the host uses has a wrong type.
    pub fn parse(bytes: &[u8], unit: TimeoutUnit) -> Result<Self, BotFileError> {
        let object = object(bytes)?;
        let mut instructions = None;
        for key in INSTRUCTION_KEYS {
            instructions = instructions.or(string_field(&object, key)?);
        }
        Ok(Self {
            name: string_field(&object, "name")?,
            description: string_field(&object, "description")?,
            instructions,
            model: string_field(&object, "model")?,
            idle_timeout: timeout_field(&object, unit)?,
        })
    }
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, BotFileError> {
    match serde_json::from_str(&text_file::text(bytes.to_vec())?)? {
        Value::Object(object) => Ok(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(BotFileError::NoObject)
        }
    }
}

/// Returns a string, trimmed. A null or blank value counts as missing.
fn string_field(object: &Map<String, Value>, key: &'static str) -> Result<Option<String>, BotFileError> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(BotFileError::Field { key, wanted: "a string" })
        }
    }
}

fn timeout_field(object: &Map<String, Value>, unit: TimeoutUnit) -> Result<Option<Duration>, BotFileError> {
    let key = "idle_timeout";
    let wrong = BotFileError::Field { key, wanted: "a number or a duration, such as \"10m\"" };
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => config::parse_duration(text).map(Some).ok_or(wrong),
        Some(Value::Number(number)) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let seconds = match unit {
                TimeoutUnit::Minutes if number > MAX_MINUTES => {
                    return Err(BotFileError::TooManyMinutes { key, number });
                }
                TimeoutUnit::Minutes => number * 60.0,
                TimeoutUnit::Seconds => number,
            };
            Duration::try_from_secs_f64(seconds).map(Some).map_err(|_| wrong)
        }
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err(wrong),
    }
}

/// Returns a time, which is a text in ISO 8601 notation or a number of seconds or milliseconds since 1970.
fn time_field(object: &Map<String, Value>, key: &'static str, zone: &Zone) -> Result<Option<Timestamp>, BotFileError> {
    let wrong = BotFileError::Field { key, wanted: "a time, such as \"2026-01-31T09:30:00\", or seconds since 1970" };
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => zone.parse_time(text).map(Some).ok_or(wrong),
        Some(Value::Number(number)) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let seconds = if number >= MIN_MILLISECONDS { number / 1000.0 } else { number };
            let since = Duration::try_from_secs_f64(seconds).map_err(|_| wrong)?;
            Ok(Some(Timestamp::default().after(since)))
        }
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<BotSession, String> {
        BotSession::parse(json.as_bytes(), TimeoutUnit::Minutes, &Zone::utc()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_session_is_parsed_in_each_notation() {
        let id = "0b4f8f0e-5d0c-4b6e-9f0a-2f6d1c1b7a3e";
        let full = parse(&format!(
            r#"{{"name": "web", "persona": "planner", "idle_timeout": 1.5, "last_active": "2026-01-31T09:30:00.5",
                "session_id": "web", "conversation": "{id}", "unknown": []}}"#
        ));
        let session = BotSession {
            name: Some("web".to_owned()),
            persona: Some("planner".to_owned()),
            idle_timeout: Some(Duration::from_secs(90)),
            last_active: Timestamp::parse("2026-01-31T09:30:00.5Z"),
            conversation: Some(id.to_owned()),
        };
        assert_eq!(full, Ok(session.clone()));
        let none = BotSession { name: None, persona: None, idle_timeout: None, last_active: None, conversation: None };
        assert_eq!(parse(r#"{"name": null, "persona": " "}"#), Ok(none.clone()));
        let at = |json: &str| parse(json).unwrap().last_active.unwrap().to_rfc3339();
        assert_eq!(at(r#"{"last_active": 1769851800.5}"#), "2026-01-31T09:30:00Z");
        assert_eq!(at(r#"{"last_active": 1769851800500}"#), "2026-01-31T09:30:00Z");
        let timeout = |json: &str| parse(json).unwrap().idle_timeout;
        assert_eq!(timeout(r#"{"idle_timeout": "1h"}"#), Some(Duration::from_secs(3600)));
        let seconds = BotSession::parse(br#"{"idle_timeout": 600}"#, TimeoutUnit::Seconds, &Zone::utc()).unwrap();
        assert_eq!(seconds.idle_timeout, Some(Duration::from_secs(600)));
    }

    #[test]
    fn a_wrong_field_is_named() {
        for (json, error) in [
            ("{", "it is not valid JSON: EOF while parsing an object at line 1 column 1"),
            ("[]", "it must contain a JSON object"),
            (r#"{"name": 5}"#, "`name` must be a string"),
            (r#"{"idle_timeout": true}"#, "`idle_timeout` must be a number or a duration, such as \"10m\""),
            (r#"{"idle_timeout": -1}"#, "`idle_timeout` must be a number or a duration, such as \"10m\""),
            (
                r#"{"idle_timeout": 600}"#,
                "`idle_timeout` is 600, which is more than 120 minutes; if it is in seconds, add --timeout-unit seconds",
            ),
            (
                r#"{"last_active": "today"}"#,
                "`last_active` must be a time, such as \"2026-01-31T09:30:00\", or seconds since 1970",
            ),
        ] {
            assert_eq!(parse(json), Err(error.to_owned()), "{json}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_accepted_and_utf_16_is_named() {
        assert_eq!(parse("\u{feff}{\"name\": \"web\"}\r\n").unwrap().name.as_deref(), Some("web"));
        let utf_16: Vec<u8> = "{\"name\": \"web\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = BotSession::parse(&utf_16, TimeoutUnit::Minutes, &Zone::utc()).unwrap_err();
        assert_eq!(error.to_string(), "it is UTF-16, as some Windows editors write it: save it as UTF-8");
    }

    #[test]
    fn a_persona_has_instructions_under_one_of_three_keys() {
        let parse = |json: &str| BotPersona::parse(json.as_bytes(), TimeoutUnit::Minutes);
        for key in INSTRUCTION_KEYS {
            let persona = parse(&format!(r#"{{"name": "sre", "{key}": "Watch.", "idle_timeout": 5}}"#)).unwrap();
            assert_eq!(persona.instructions.as_deref(), Some("Watch."), "{key}");
            assert_eq!(persona.idle_timeout, Some(Duration::from_secs(300)));
        }
        assert_eq!(parse(r#"{"prompt": 1}"#).unwrap_err().to_string(), "`prompt` must be a string");
    }
}
