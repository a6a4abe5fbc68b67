//! A fake Messages API on loopback. The first word of a prompt selects the response.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, sync::mpsc};

/// The delay between pieces of a streamed answer.
const PACE: Duration = Duration::from_millis(20);

/// The channel capacity for a streamed response, in events.
const PIECES: usize = 16;

/// A server that runs until it is dropped.
pub struct Api {
    address: SocketAddr,
    seen: Seen,
    _runtime: Runtime,
}

/// The bodies of all requests so far, except requests for a conversation title.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Value>>>);

/// The response that a prompt selects.
enum Act {
    Blocks(Vec<Block>),
    /// Sends two pieces, then closes the connection.
    Cut,
    Refuse(u16),
    /// Sends no response.
    Hang,
}

enum Block {
    /// Streams a text in these pieces.
    Text(Vec<String>),
    Thinking(String),
    Tool {
        name: String,
        input: Value,
    },
}

impl Api {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let seen = Seen::default();
        let routes = Router::new().route("/v1/messages", post(messages)).with_state(seen.clone());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, seen, _runtime: runtime }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the texts of the user messages in the last request, in order.
    pub fn said(&self) -> Vec<String> {
        self.seen.all().last().map(said).unwrap_or_default()
    }

    /// Returns the system prompt of the last request.
    pub fn system(&self) -> String {
        let all = self.seen.all();
        let blocks = all.last().and_then(|body| body["system"].as_array().cloned()).unwrap_or_default();
        blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Returns the whole last request.
    pub fn last(&self) -> Value {
        self.seen.all().pop().unwrap()
    }

    /// Returns the number of requests whose last user text is this prompt.
    pub fn count(&self, prompt: &str) -> usize {
        self.seen.all().iter().filter(|body| said(body).last().is_some_and(|last| last == prompt)).count()
    }
}

impl Seen {
    fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records a request, and returns the number of earlier ones for the same prompt.
    fn note(&self, body: &Value) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let prompt = said(body).pop();
        let before = all.iter().filter(|old| said(old).pop() == prompt).count();
        all.push(body.clone());
        before
    }
}

/// Returns the texts of the user messages. Omits texts that begin with a tag, because the CLI adds those.
fn said(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().into_iter().flatten().filter(|message| message["role"] == "user");
    let texts = messages.flat_map(|message| {
        let content = &message["content"];
        let blocks = content.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str());
        content.as_str().into_iter().chain(blocks).map(str::to_owned).collect::<Vec<_>>()
    });
    texts.filter(|text| !text.trim_start().starts_with('<')).collect()
}

/// Returns the tool result in the request's last message, if there is one. Skips messages with the role `system`, which
/// the CLI adds, for example for a prompt that arrived while the tool was running.
fn tool_result(body: &Value) -> Option<String> {
    let last = body["messages"].as_array()?.iter().rfind(|message| message["role"] != "system")?;
    let content = last["content"].as_array()?;
    let result = content.iter().find(|block| block["type"] == "tool_result")?;
    let blocks = result["content"].as_array().into_iter().flatten();
    let text: Vec<&str> =
        result["content"].as_str().into_iter().chain(blocks.filter_map(|block| block["text"].as_str())).collect();
    Some(text.join("\n"))
}

fn act(body: &Value, before: usize) -> Act {
    if said(body).iter().any(|text| text == "tasks") {
        return work_on_tasks(body);
    }
    if let Some(result) = tool_result(body) {
        return plain(&format!("The tool said: {result}"));
    }
    let prompt = said(body).pop().unwrap_or_default();
    let (word, rest) = prompt.split_once(' ').unwrap_or((&prompt, ""));
    let number = || rest.parse::<u16>().unwrap();
    let tool = |name: &str, input| {
        Act::Blocks(vec![Block::Text(vec!["I try.".to_owned()]), Block::Tool { name: name.to_owned(), input }])
    };
    match word {
        "count" => Act::Blocks(vec![Block::Text((1..=number()).map(|line| format!("line {line}\n\n")).collect())]),
        "think" => {
            let thought = Block::Thinking("It is a question of thought.".to_owned());
            Act::Blocks(vec![thought, Block::Text(vec!["Thought of.".to_owned()])])
        }
        "bash" if offers(body, "bash") => tool("bash", json!({ "command": rest, "description": "As asked" })),
        "bash" => tool("Bash", json!({ "command": rest, "description": "As asked" })),
        "schedule" => tool("CronCreate", json!({ "cron": "*/5 * * * *", "prompt": rest, "recurring": true })),
        "write" if offers(body, "write") => tool("write", json!({ "filePath": rest, "content": "written\n" })),
        "write" => tool("Write", json!({ "file_path": rest, "content": "written\n" })),
        "draft" => tool("Write", json!({ "file_path": plan_file(body), "content": rest })),
        "plan" => tool("ExitPlanMode", json!({})),
        "error" => Act::Refuse(number()),
        "stumble" if before == 0 => Act::Refuse(number()),
        "cut" if before == 0 => Act::Cut,
        "hang" => Act::Hang,
        // The CLI asks for the summary that starts a compacted conversation.
        "CRITICAL:" => plain("A summary."),
        _ => plain(&format!("You said: {prompt}")),
    }
}

/// Creates two tasks and works on the first. The CLI offers its task tools only after a tool search.
fn work_on_tasks(body: &Value) -> Act {
    let task = |subject| json!({ "subject": subject, "description": "As asked", "activeForm": subject });
    let calls = [
        ("ToolSearch", json!({ "query": "select:TaskCreate,TaskUpdate", "max_results": 2 })),
        ("TaskCreate", task("Read the code")),
        ("TaskCreate", task("Write a test")),
        ("TaskUpdate", json!({ "taskId": "1", "status": "completed" })),
        ("TaskUpdate", json!({ "taskId": "2", "status": "in_progress" })),
    ];
    let blocks = body["messages"].as_array().into_iter().flatten().filter_map(|message| message["content"].as_array());
    let results = blocks.flatten().filter(|block| block["type"] == "tool_result").count();
    match calls.into_iter().nth(results) {
        Some((name, input)) => Act::Blocks(vec![Block::Tool { name: name.to_owned(), input }]),
        None => plain("Worked on the tasks."),
    }
}

/// Returns the plan file, which the CLI names in a text for the model.
fn plan_file(body: &Value) -> String {
    let body = body.to_string();
    let (_, rest) = body.split_once("create your plan at ").expect("the conversation is in plan mode");
    rest.split(' ').next().unwrap().to_owned()
}

/// Returns whether the request offers a tool with this name. opencode's tool and argument names differ from claude's.
fn offers(body: &Value, tool: &str) -> bool {
    body["tools"].as_array().into_iter().flatten().any(|offered| offered["name"] == tool)
}

fn plain(text: &str) -> Act {
    Act::Blocks(vec![Block::Text(text.split_inclusive(' ').map(str::to_owned).collect())])
}

async fn messages(State(seen): State<Seen>, Json(body): Json<Value>) -> Response {
    let streams = body["stream"] == true;
    // A request without tools isn't part of the conversation: it asks for the conversation title.
    let is_aside = body["tools"].as_array().is_none_or(Vec::is_empty);
    let act = if is_aside { plain("A title") } else { act(&body, seen.note(&body)) };
    match act {
        Act::Refuse(status) => refusal(status),
        Act::Hang => std::future::pending().await,
        Act::Cut if streams => {
            let text = Block::Text(vec!["Half of ".to_owned(), "it\n\n".to_owned()]);
            stream(events(&[text]).into_iter().take(4).collect(), Ending::Broken)
        }
        Act::Cut => refusal(500),
        Act::Blocks(blocks) if streams => stream(events(&blocks), Ending::Whole),
        Act::Blocks(blocks) => {
            let content: Vec<Value> = blocks.iter().map(whole).collect();
            Json(message(content, stop_reason(&blocks))).into_response()
        }
    }
}

fn refusal(status: u16) -> Response {
    let kind = match status {
        401 => "authentication_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    let error =
        json!({ "type": "error", "error": { "type": kind, "message": format!("The fake API says {status}.") } });
    (StatusCode::from_u16(status).unwrap(), Json(error)).into_response()
}

fn message(content: Vec<Value>, stop_reason: Option<&str>) -> Value {
    let usage = json!({ "input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0 });
    json!({
        "id": format!("msg_{}", uuid::Uuid::new_v4().simple()),
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": usage,
    })
}

fn stop_reason(blocks: &[Block]) -> Option<&'static str> {
    let calls = blocks.iter().any(|block| matches!(block, Block::Tool { .. }));
    Some(if calls { "tool_use" } else { "end_turn" })
}

fn tool_id() -> String {
    format!("toolu_{}", uuid::Uuid::new_v4().simple())
}

fn whole(block: &Block) -> Value {
    match block {
        Block::Text(pieces) => json!({ "type": "text", "text": pieces.concat() }),
        Block::Thinking(text) => json!({ "type": "thinking", "thinking": text, "signature": "c2lnbmVk" }),
        Block::Tool { name, input } => json!({ "type": "tool_use", "id": tool_id(), "name": name, "input": input }),
    }
}

fn events(blocks: &[Block]) -> Vec<Value> {
    let mut events = vec![json!({ "type": "message_start", "message": message(Vec::new(), None) })];
    for (index, block) in blocks.iter().enumerate() {
        let (start, deltas) = opened(block);
        events.push(json!({ "type": "content_block_start", "index": index, "content_block": start }));
        let deltas = deltas.into_iter();
        events.extend(deltas.map(|delta| json!({ "type": "content_block_delta", "index": index, "delta": delta })));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    let end = json!({ "stop_reason": stop_reason(blocks), "stop_sequence": null });
    events.push(json!({ "type": "message_delta", "delta": end, "usage": { "output_tokens": 15 } }));
    events.push(json!({ "type": "message_stop" }));
    events
}

/// Returns a block's initial content, and the deltas that complete the block.
fn opened(block: &Block) -> (Value, Vec<Value>) {
    match block {
        Block::Text(pieces) => {
            let deltas = pieces.iter().map(|piece| json!({ "type": "text_delta", "text": piece })).collect();
            (json!({ "type": "text", "text": "" }), deltas)
        }
        Block::Thinking(text) => {
            let thought = json!({ "type": "thinking_delta", "thinking": text });
            let signature = json!({ "type": "signature_delta", "signature": "c2lnbmVk" });
            (json!({ "type": "thinking", "thinking": "" }), vec![thought, signature])
        }
        Block::Tool { name, input } => {
            let start = json!({ "type": "tool_use", "id": tool_id(), "name": name, "input": {} });
            (start, vec![json!({ "type": "input_json_delta", "partial_json": input.to_string() })])
        }
    }
}

enum Ending {
    Whole,
    Broken,
}

fn stream(events: Vec<Value>, ending: Ending) -> Response {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, io::Error>>(PIECES);
    tokio::spawn(async move {
        for event in events {
            let kind = event["type"].as_str().unwrap_or_default();
            let piece = format!("event: {kind}\ndata: {event}\n\n");
            if sender.send(Ok(piece.into())).await.is_err() {
                return;
            }
            if kind == "content_block_delta" {
                tokio::time::sleep(PACE).await;
            }
        }
        if matches!(ending, Ending::Broken) {
            drop(sender.send(Err(io::ErrorKind::ConnectionReset.into())).await);
        }
    });
    let body =
        futures::stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver)));
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body)).into_response()
}
