//! The benchmarks' child processes: a fake agent that answers with the current time, and a bare writer that writes the
//! current time for each input line.

use std::{
    io::{BufRead as _, Write as _},
    thread::sleep,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

/// The argument that runs this program as the fake agent.
pub const ROLE: &str = "demo-agent";

/// The argument that runs this program as the bare writer.
pub const WRITER: &str = "bare-writer";

/// The pause before and after a turn's first word, which makes the chat show the turn's start, the word and the turn's
/// end separately. The bare writer pauses for the same time before each line.
const PAUSE: Duration = Duration::from_millis(5);

/// A prompt that makes the fake agent ask for permission. The agent answers with the time at which it receives the
/// decision.
pub const ASK: &str = "ask";

/// A prompt that keeps the fake agent busy until it is interrupted. The agent then answers with the interrupt time.
pub const WAIT: &str = "wait";

/// A prompt that makes the fake agent write the current time [`STREAMED`] times, [`STREAM_PAUSE`] apart.
pub const STREAM: &str = "stream";

pub const STREAMED: usize = 500;

pub const STREAM_PAUSE: Duration = Duration::from_millis(10);

/// Returns the wall-clock time in nanoseconds since 1970, which is comparable between processes.
pub fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()
}

pub fn print(line: &Value) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).unwrap();
}

pub fn run() {
    let mut waiting = None;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let received = now().to_string();
        let message: Value = serde_json::from_str(&line).unwrap();
        match message["type"].as_str() {
            Some("control_request") => {
                acknowledge(&message);
                if message["request"]["subtype"] == "interrupt" {
                    waiting.take().into_iter().for_each(|uuids| finish(&received, &uuids));
                }
            }
            Some("control_response") => waiting.take().into_iter().for_each(|uuids| finish(&received, &uuids)),
            Some("user") => waiting = turn(&message, &received),
            _ => {}
        }
    }
}

/// Answers a control request from the host.
pub fn acknowledge(request: &Value) {
    let response = json!({ "subtype": "success", "request_id": request["request_id"], "response": { "models": [] } });
    print(&json!({ "type": "control_response", "response": response }));
}

/// Reports that a prompt was accepted.
pub fn accept(prompt: &Value) {
    print(&json!({
        "type": "user", "message": prompt["message"], "parent_tool_use_id": null, "uuid": prompt["uuid"],
        "isReplay": true, "session_id": "s",
    }));
}

/// Begins the turn that answers the prompts with these uuids.
pub fn begin_answer(uuids: &Value) {
    let message = json!({ "id": "1", "role": "assistant", "content": [] });
    print(&event(&json!({ "type": "message_start", "message": message }), uuids));
    let block = json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } });
    print(&event(&block, uuids));
}

/// Writes the current time on a line for each line of input.
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

/// Returns the time in a line from the bare writer, in nanoseconds since 1970.
pub fn written(line: &str) -> Option<u128> {
    serde_json::from_str::<Value>(line).ok()?["event"]["delta"]["text"].as_str()?.parse().ok()
}

/// Begins a turn. Returns the turn's prompt ids if the turn isn't finished yet. `received` is the prompt's arrival
/// time.
fn turn(prompt: &Value, received: &str) -> Option<Value> {
    let uuids = json!([prompt["uuid"]]);
    print(&json!({ "type": "system", "subtype": "init", "session_id": "s", "model": "m" }));
    accept(prompt);
    begin_answer(&uuids);
    let text = prompt["message"].to_string();
    if text.contains(ASK) {
        let input = json!({ "command": format!("echo {}", now()) });
        let request = json!({ "subtype": "can_use_tool", "tool_name": "Bash", "input": input, "tool_use_id": "t" });
        print(&json!({ "type": "control_request", "request_id": format!("ask-{received}"), "request": request }));
        return Some(uuids);
    }
    if text.contains(WAIT) {
        print(&word("begun", &uuids));
        return Some(uuids);
    }
    if text.contains(STREAM) {
        for _ in 0..STREAMED {
            sleep(STREAM_PAUSE);
            print(&word(&format!("{} ", now()), &uuids));
        }
        finish("", &uuids);
        return None;
    }
    sleep(PAUSE);
    let text = now().to_string();
    print(&word(&text, &uuids));
    sleep(PAUSE);
    finish(received, &uuids);
    None
}

/// Ends a turn whose answer ends with `text`.
pub fn finish(text: &str, uuids: &Value) {
    print(&word(&format!(" {text}"), uuids));
    print(&event(&json!({ "type": "message_stop" }), uuids));
    print(&json!({
        "type": "result", "subtype": "success", "is_error": false, "terminal_reason": "completed", "result": text,
        "total_cost_usd": 0, "session_id": "s", "user_message_uuids": uuids,
    }));
}
