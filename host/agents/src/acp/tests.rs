//! Tests the codec with recordings of real agents and with single messages.

use std::path::Path;

use cordboard_core::{
    config::{Agent, AgentKind},
    session::Launch,
    types::{ConversationStart, Place, PromptKind, RequestOption},
};
use serde_json::json;

use super::*;
use crate::{process::Environment, tests::trace::Trace};

mod damaged;
mod damaged_recordings;
mod permissions;
mod recordings;
mod starts;
mod turns;

const FOLDER: &str = "/home/user/work_acp";

fn launch() -> Launch {
    Launch {
        conversation: ConversationStart::New,
        model: None,
        permission_mode: PermissionMode::Default,
        instructions: String::new(),
    }
}

fn new_codec(launch: &Launch) -> Acp {
    let agent =
        Agent { command: Some("opencode".to_owned()), args: vec!["acp".to_owned()], ..Agent::new(AgentKind::Acp) };
    Acp::new(&Start {
        session: &"x".parse().unwrap(),
        folder: Path::new(FOLDER),
        launch,
        agent: &agent,
        environment: &Environment::read(),
        host_id: "host",
    })
}

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

/// A codec and the trace of its events and lines.
struct Script {
    codec: Acp,
    trace: Trace,
    /// The questions that the agent asked.
    asked: Vec<cordboard_core::types::AgentRequest>,
}

impl Script {
    fn new(launch: &Launch) -> Self {
        Self { codec: new_codec(launch), trace: Trace::new(show_line), asked: Vec::new() }
    }

    /// Returns a script whose session `s1` has the open prompt `p1`. The trace is empty.
    fn in_turn() -> Self {
        let mut script = Self::new(&launch());
        script.open();
        script.agent(&initialized(json!({ "loadSession": true })));
        script.agent(&json!({ "id": 2, "result": { "sessionId": "s1" } }));
        script.codec.prompt(&prompt("p1", "hello"), &[]);
        script.trace = Trace::new(show_line);
        script
    }

    fn open(&mut self) {
        let lines = self.codec.open();
        self.add(Decoded { lines, ..Decoded::default() });
    }

    fn agent(&mut self, message: &Value) {
        self.line(message.to_string().as_bytes());
    }

    fn line(&mut self, line: &[u8]) {
        let decoded = self.codec.decode(line);
        self.add(decoded);
    }

    fn update(&mut self, update: Value) {
        self.agent(&json!({ "method": "session/update", "params": { "sessionId": "s1", "update": update } }));
    }

    fn says(&mut self, text: &str) {
        self.update(json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": text } }));
    }

    /// Answers the last question that the agent asked.
    fn answer(&mut self, answer: &RequestAnswer) {
        let id = self.asked.last().unwrap().id.clone();
        let decoded = self.codec.answer(&id, answer);
        self.add(decoded);
    }

    fn choose(&mut self, option: &str) {
        self.answer(&RequestAnswer::Options { ids: vec![option.to_owned()], text: None });
    }

    /// Adds events and lines to the trace, without the random parts of ids.
    fn add(&mut self, mut decoded: Decoded) {
        for event in &mut decoded.events {
            let shorten = |id: &mut RequestId| id.0.truncate(id.0.find(':').unwrap());
            if let AgentEvent::Requested(request) = event {
                self.asked.push(request.clone());
                shorten(&mut request.id);
            } else if let AgentEvent::RequestCanceled(id) = event {
                shorten(id);
            }
        }
        self.trace.add(&decoded);
    }

    /// Returns the last line of the trace so far.
    fn trace_end(&mut self) -> String {
        let trace = std::mem::replace(&mut self.trace, Trace::new(show_line));
        let lines = trace.lines();
        let last = lines.last().cloned().unwrap();
        lines.into_iter().for_each(|line| self.trace.add_line(line));
        last
    }

    fn lines(self) -> Vec<String> {
        self.trace.lines()
    }
}

/// Returns the response to `initialize`.
fn initialized(capabilities: Value) -> Value {
    json!({ "id": 1, "result": { "protocolVersion": 1, "agentCapabilities": capabilities } })
}

/// Summarizes a line that the codec sends to the agent.
fn show_line(line: &[u8]) -> String {
    let line: Value = serde_json::from_slice(line).unwrap();
    assert_eq!(line["jsonrpc"], "2.0");
    let shown = match Message::of(&line) {
        Message::Request { id, method } => format!("{id} {method} {}", line["params"]),
        Message::Notification { method } => format!("{method} {}", line["params"]),
        Message::Response { .. } | Message::Unknown => {
            let result = line.get("result").unwrap_or(&line["error"]);
            format!("answer {} {result}", line["id"])
        }
    };
    shown.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}
