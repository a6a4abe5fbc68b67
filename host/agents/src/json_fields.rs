//! Reads the fields and errors of an agent's messages.

use cordboard_core::render::is_blank;
use serde_json::Value;

/// Returns the text of a field, or an empty string.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Returns the error in a line that is not a message of the agent's protocol.
pub fn plain_error(message: &Value) -> Option<String> {
    let texts = [&message["error"], &message["error"]["message"], &message["message"]];
    texts.into_iter().find_map(Value::as_str).filter(|text| !is_blank(text)).map(str::to_owned)
}
