//! Tests the codec with recordings of the real CLI and with single messages.

use cordboard_core::types::{ConversationStart, PermissionMode, Place, PromptKind};
use serde_json::json;

use super::{control::INITIALIZE, *};

mod answer_trace;
mod background;
mod control;
mod damaged;
mod damaged_recordings;
mod recordings;
mod turns;

use answer_trace::new_trace;

fn prompt(id: &str, text: &str) -> Prompt {
    Prompt {
        id: PromptId(id.to_owned()),
        place: Place::new("test", "1"),
        kind: PromptKind::Text,
        text: text.to_owned(),
        mode: None,
        files: Vec::new(),
    }
}

fn launch(resume: Option<&str>) -> Launch {
    Launch {
        conversation: resume.map_or(ConversationStart::New, |id| ConversationStart::Resume(id.to_owned())),
        model: None,
        permission_mode: PermissionMode::Default,
        instructions: String::new(),
    }
}

fn new_codec(resume: Option<&str>) -> Claude {
    Claude::new(&launch(resume))
}

/// Decodes messages with a codec that has one unanswered prompt, and returns the trace.
fn decode(messages: &[Value]) -> Vec<String> {
    let lines: Vec<String> = messages.iter().map(Value::to_string).collect();
    decode_lines(&lines.iter().map(String::as_bytes).collect::<Vec<_>>())
}

/// Like [`decode`], but for raw lines.
fn decode_lines(lines: &[&[u8]]) -> Vec<String> {
    let mut codec = new_codec(None);
    codec.prompt(&prompt("p1", "hello"), &[]);
    let mut trace = new_trace();
    for line in lines {
        trace.add(&codec.decode(line));
    }
    trace.lines()
}

fn assistant(id: &str, text: &str) -> Value {
    json!({ "type": "assistant", "message": { "id": id, "content": [{ "type": "text", "text": text }] } })
}

fn success(more: Value) -> Value {
    let mut result =
        json!({ "type": "result", "subtype": "success", "is_error": false, "result": "all", "total_cost_usd": 1 });
    more.as_object().unwrap().iter().for_each(|(name, value)| result[name] = value.clone());
    result
}

fn system(subtype: &str, mut message: Value) -> Value {
    (message["type"], message["subtype"]) = ("system".into(), subtype.into());
    message
}
