//! The output of the demo agent: the lines of the claude protocol, in the order in which the real CLI prints them.

use std::io::Write;

use serde_json::{Value, json};

use super::WaitEnd;

/// Prints the output of one conversation.
pub(super) struct Output {
    conversation: String,
    model: String,
    /// The id of the running turn's prompt.
    prompt: Value,
    message: u64,
    text: String,
}

/// The models listed in the response to `initialize`. The demo agent behaves the same with each of them.
const MODELS: [&str; 2] = ["demo", "demo-large"];

impl Output {
    pub(super) fn new(conversation: &str, model: &str) -> Self {
        Self {
            conversation: conversation.to_owned(),
            model: model.to_owned(),
            prompt: Value::Null,
            message: 0,
            text: String::new(),
        }
    }

    /// Prints a message with the id of the conversation.
    fn print(&self, mut message: Value) {
        message["session_id"] = self.conversation.as_str().into();
        self.print_line(message.to_string().as_bytes());
    }

    /// Prints bytes as a line. Exits if stdout is closed.
    pub(super) fn print_line(&self, line: &[u8]) {
        let mut stdout = std::io::stdout().lock();
        let printed = stdout.write_all(line).and_then(|()| stdout.write_all(b"\n")).and_then(|()| stdout.flush());
        if printed.is_err() {
            std::process::exit(1);
        }
    }

    pub(super) fn answer_initialize(&self, id: &str) {
        let models: Vec<Value> = MODELS.iter().map(|model| json!({ "value": model, "displayName": model })).collect();
        self.print_response(json!({ "subtype": "success", "request_id": id, "response": { "models": models } }));
    }

    pub(super) fn answer_interrupt(&self, id: &str) {
        self.print_response(json!({ "subtype": "success", "request_id": id, "response": { "still_queued": [] } }));
    }

    pub(super) fn reject_request(&self, id: &str) {
        self.print_response(json!({ "subtype": "error", "request_id": id, "error": "Unsupported control request" }));
    }

    /// Asks for permission to run a command. Returns the id of the request.
    pub(super) fn ask_permission(&self, command: &str) -> String {
        let (id, tool_use) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
        let rule = json!({ "toolName": "Bash", "ruleContent": command });
        let suggestion =
            json!({ "type": "addRules", "rules": [rule], "behavior": "allow", "destination": "localSettings" });
        self.print_line(
            json!({
                "type": "control_request",
                "request_id": id,
                "request": {
                    "subtype": "can_use_tool",
                    "tool_name": "Bash",
                    "input": { "command": command },
                    "permission_suggestions": [suggestion],
                    "tool_use_id": tool_use,
                },
            })
            .to_string()
            .as_bytes(),
        );
        id
    }

    pub(super) fn cancel_request(&self, id: &str) {
        self.print_line(json!({ "type": "control_cancel_request", "request_id": id }).to_string().as_bytes());
    }

    fn print_response(&self, response: Value) {
        self.print_line(json!({ "type": "control_response", "response": response }).to_string().as_bytes());
    }

    pub(super) fn report_unknown_conversation(&self) {
        self.print(json!({
            "type": "result",
            "subtype": "error_during_execution",
            "is_error": true,
            "total_cost_usd": 0,
            "errors": [format!("No conversation found with session ID: {}", self.conversation)],
        }));
    }

    /// Prints the first lines of a turn: `init`, the acknowledgment of the prompt, and the start of the answer's
    /// stream.
    pub(super) fn begin_turn(&mut self, prompt: &Value) {
        self.prompt = prompt["uuid"].clone();
        self.message += 1;
        self.text.clear();
        let folder = std::env::current_dir().unwrap_or_default();
        self.print(json!({ "type": "system", "subtype": "init", "cwd": folder, "model": self.model }));
        self.print(json!({
            "type": "user",
            "message": prompt["message"],
            "parent_tool_use_id": null,
            "uuid": self.prompt,
            "isReplay": true,
        }));
        let message = json!({ "id": self.message_id(), "role": "assistant", "model": self.model, "content": [] });
        self.print_event(&json!({ "type": "message_start", "message": message }));
        let block = json!({ "type": "text", "text": "" });
        self.print_event(&json!({ "type": "content_block_start", "index": 0, "content_block": block }));
    }

    /// Prints a piece of the answer.
    pub(super) fn print_text(&mut self, piece: &str) {
        self.text.push_str(piece);
        let delta = json!({ "type": "text_delta", "text": piece });
        self.print_event(&json!({ "type": "content_block_delta", "index": 0, "delta": delta }));
    }

    /// Returns the answer so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn end_turn(&mut self, end: WaitEnd, cost_usd: f64) {
        let content = json!([{ "type": "text", "text": self.text }]);
        self.print(json!({
            "type": "assistant",
            "message": { "id": self.message_id(), "role": "assistant", "model": self.model, "content": content },
            "parent_tool_use_id": null,
            "user_message_uuids": self.prompt_ids(),
        }));
        self.print_event(&json!({ "type": "message_stop" }));
        let mut result = match end {
            WaitEnd::Elapsed => json!({
                "subtype": "success", "is_error": false, "terminal_reason": "completed", "result": self.text,
            }),
            WaitEnd::Interrupted => json!({
                "subtype": "error_during_execution", "is_error": true, "terminal_reason": "aborted_streaming",
            }),
        };
        result["type"] = "result".into();
        result["total_cost_usd"] = cost_usd.into();
        result["user_message_uuids"] = self.prompt_ids();
        self.print(result);
    }

    fn print_event(&self, event: &Value) {
        self.print(json!({
            "type": "stream_event",
            "event": event,
            "parent_tool_use_id": null,
            "user_message_uuids": self.prompt_ids(),
        }));
    }

    fn prompt_ids(&self) -> Value {
        json!([self.prompt])
    }

    fn message_id(&self) -> String {
        format!("msg_demo_{}", self.message)
    }
}

/// Returns the text of a prompt, whose content is a string or a list of blocks.
pub(super) fn prompt_text(prompt: &Value) -> String {
    let content = &prompt["message"]["content"];
    let blocks = content.as_array().into_iter().flatten().filter_map(|block| block["text"].as_str());
    content.as_str().into_iter().chain(blocks).collect::<Vec<_>>().join("\n")
}

/// Returns a line with the number of images in a prompt, if it has any.
pub(super) fn image_note(prompt: &Value) -> Option<String> {
    let blocks = prompt["message"]["content"].as_array().into_iter().flatten();
    match blocks.filter(|block| block["type"] == "image").count() {
        0 => None,
        1 => Some("[1 image]\n".to_owned()),
        count => Some(format!("[{count} images]\n")),
    }
}
