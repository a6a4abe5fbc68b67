//! The child processes of the latency benchmark: a fake agent that answers with the current time, and a bare writer
//! that writes the current time for each line of input.

use std::{
    io::{BufRead as _, Write as _},
    thread::sleep,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

/// The argument with which this program runs as the fake agent.
pub const ROLE: &str = "demo-agent";

/// The argument with which this program runs as the bare writer.
pub const WRITER: &str = "bare-writer";

/// The pause before and after the first word of a turn, so that the chat shows the start, the word and the end of the
/// turn separately.
const PAUSE: Duration = Duration::from_millis(5);

/// Returns the wall-clock time in nanoseconds since 1970, which is comparable between processes.
pub fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()
}

fn print(line: &Value) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).unwrap();
}

pub fn run() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let message: Value = serde_json::from_str(&line).unwrap();
        match message["type"].as_str() {
            Some("control_request") => {
                let id = &message["request_id"];
                let response = json!({ "subtype": "success", "request_id": id, "response": { "models": [] } });
                print(&json!({ "type": "control_response", "response": response }));
            }
            Some("user") => turn(&message),
            _ => {}
        }
    }
}

/// Writes a line with the current time for each line of input.
pub fn run_writer() {
    for _ in std::io::stdin().lock().lines().map_while(Result::ok) {
        sleep(PAUSE);
        print(&word(&now().to_string(), &json!(["a"])));
    }
}

fn event(event: &Value, uuids: &Value) -> Value {
    json!({
        "type": "stream_event", "event": event, "parent_tool_use_id": null, "session_id": "s", "user_message_uuids": uuids,
    })
}

fn word(text: &str, uuids: &Value) -> Value {
    let delta = json!({ "type": "text_delta", "text": text });
    event(&json!({ "type": "content_block_delta", "index": 0, "delta": delta }), uuids)
}

/// Returns the time in a line of the bare writer, in nanoseconds since 1970.
pub fn written(line: &str) -> Option<u128> {
    serde_json::from_str::<Value>(line).ok()?["event"]["delta"]["text"].as_str()?.parse().ok()
}

fn turn(prompt: &Value) {
    let uuids = json!([prompt["uuid"]]);
    let event = |one: Value| print(&event(&one, &uuids));
    print(&json!({ "type": "system", "subtype": "init", "session_id": "s", "model": "m" }));
    print(&json!({
        "type": "user", "message": prompt["message"], "parent_tool_use_id": null, "uuid": prompt["uuid"],
        "isReplay": true, "session_id": "s",
    }));
    event(json!({ "type": "message_start", "message": { "id": "1", "role": "assistant", "content": [] } }));
    event(json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }));
    sleep(PAUSE);
    let text = now().to_string();
    print(&word(&text, &uuids));
    sleep(PAUSE);
    print(&json!({
        "type": "assistant", "parent_tool_use_id": null, "session_id": "s", "user_message_uuids": uuids,
        "message": { "id": "1", "role": "assistant", "content": [{ "type": "text", "text": text }] },
    }));
    event(json!({ "type": "message_stop" }));
    print(&json!({
        "type": "result", "subtype": "success", "is_error": false, "terminal_reason": "completed", "result": text,
        "total_cost_usd": 0, "session_id": "s", "user_message_uuids": uuids,
    }));
}
