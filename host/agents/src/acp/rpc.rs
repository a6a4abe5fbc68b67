//! Encodes JSON-RPC 2.0 messages for the agent, and classifies the messages that it sends.

use agent_client_protocol_schema::v1::{Error, ErrorCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::json_fields::text;

/// A message from the agent.
pub enum Message<'a> {
    /// The agent waits for a response with this id, without a time limit.
    Request {
        id: &'a Value,
        method: &'a str,
    },
    Notification {
        method: &'a str,
    },
    /// The response to the host's request that has this id.
    Response {
        id: i64,
        result: Result<&'a Value, Error>,
    },
    Unknown,
}

impl<'a> Message<'a> {
    pub fn of(message: &'a Value) -> Self {
        let (id, method) = (&message["id"], text(message, "method"));
        match (id, method) {
            (Value::Null, "") => Self::Unknown,
            (Value::Null, method) => Self::Notification { method },
            (id, "") => match (id.as_i64(), message.get("error")) {
                (Some(id), Some(error)) if !error.is_null() => Self::Response { id, result: Err(error_of(error)) },
                (Some(id), _) if message.get("result").is_some() => {
                    Self::Response { id, result: Ok(&message["result"]) }
                }
                _ => Self::Unknown,
            },
            (id, method) => Self::Request { id, method },
        }
    }
}

/// Reads an error. An agent may omit parts of it.
fn error_of(error: &Value) -> Error {
    serde_json::from_value(error.clone()).unwrap_or_else(|_| {
        let text = error.as_str().unwrap_or_else(|| text(error, "message"));
        Error::new(ErrorCode::InternalError.into(), text)
    })
}

pub fn request(id: i64, method: &str, params: impl Serialize) -> Vec<u8> {
    line(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": value(params) }))
}

pub fn notification(method: &str, params: impl Serialize) -> Vec<u8> {
    line(&json!({ "jsonrpc": "2.0", "method": method, "params": value(params) }))
}

/// Encodes a successful response to the agent's request. The response repeats `id` exactly.
pub fn respond(id: &Value, result: impl Serialize) -> Vec<u8> {
    line(&json!({ "jsonrpc": "2.0", "id": id, "result": value(result) }))
}

pub fn reject(id: &Value, error: Error) -> Vec<u8> {
    line(&json!({ "jsonrpc": "2.0", "id": id, "error": value(error) }))
}

/// Serializes a value of a protocol type. Returns `null` if that fails: the agent rejects `null`, and the user sees the
/// agent's error.
pub fn value(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn line(message: &Value) -> Vec<u8> {
    message.to_string().into_bytes()
}
