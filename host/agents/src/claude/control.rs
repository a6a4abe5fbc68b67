//! Encodes prompts, and encodes and decodes control messages. Every control request that has an id gets a
//! response, because the agent waits for the response without a time limit.

use cordboard_core::{
    agent_event::AgentEvent,
    types::{PermissionMode, Prompt, PromptKind},
};
use serde_json::{Value, json};

use super::{Claude, announced_tools, text};
use crate::{Decoded, ModelInput, PromptFile, agent_commands, with_notes};

/// The request id of `initialize`. Interrupts use the ids after it: `cordboard-1`, `cordboard-2`, …
pub(super) const INITIALIZE: &str = "cordboard-0";

/// The request id of every permission mode change.
const PERMISSION_MODE: &str = "cordboard-permission-mode";

/// Returns the first line that the host writes. With `systemPromptSnapshot: false`, the CLI also uses these
/// instructions in a resumed conversation, even if they are empty, instead of those from an earlier run.
pub(super) fn initialize(instructions: &str) -> Vec<u8> {
    let mut request =
        json!({ "subtype": "initialize", "systemPromptSnapshot": false, "hooks": announced_tools::hooks() });
    if !instructions.is_empty() {
        request["appendSystemPrompt"] = instructions.into();
    }
    line(&json!({ "type": "control_request", "request_id": INITIALIZE, "request": request }))
}

pub(super) fn prompt(prompt: &Prompt, files: &[PromptFile]) -> Vec<u8> {
    let text = json!({ "type": "text", "text": with_notes(prompt.for_agent().into(), files) });
    let block = |input: &ModelInput| {
        let kind = if input.is_pdf() { "document" } else { "image" };
        let source = json!({ "type": "base64", "media_type": input.media_type, "data": input.base64 });
        json!({ "type": kind, "source": source })
    };
    let inputs = files.iter().filter_map(|file| file.input.as_ref());
    let content: Vec<Value> = std::iter::once(text).chain(inputs.map(block)).collect();
    line(&json!({
        "type": "user",
        "uuid": prompt.id.0,
        "session_id": "",
        "parent_tool_use_id": null,
        "message": { "role": "user", "content": content },
        // Unless this field is true, the CLI loads files that the user's text names as `@/path` into the context, and
        // runs slash commands.
        "client_composed": prompt.kind == PromptKind::Text,
    }))
}

/// The prompts that an interrupt cancels, in addition to ending the running turn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cancel {
    None,
    /// The prompts that the CLI has queued. Otherwise, the CLI would answer them after the interrupted turn.
    Queued,
}

pub(super) fn interrupt(id: &str, cancel: Cancel) -> Vec<u8> {
    let request = match cancel {
        Cancel::None => json!({ "subtype": "interrupt" }),
        Cancel::Queued => json!({ "subtype": "interrupt", "cancel_queued": true }),
    };
    line(&json!({ "type": "control_request", "request_id": id, "request": request }))
}

pub(super) fn set_permission_mode(mode: PermissionMode) -> Vec<u8> {
    let request = json!({ "subtype": "set_permission_mode", "mode": mode.as_str() });
    line(&json!({ "type": "control_request", "request_id": PERMISSION_MODE, "request": request }))
}

/// Handles the responses to `initialize`, to a permission mode change and to the latest interrupt. Ignores all other
/// responses, including echoes of the host's own.
pub(super) fn on_response(response: &Value, interrupt: &str, events: &mut Vec<AgentEvent>) {
    let (id, success) = (text(response, "request_id"), text(response, "subtype") == "success");
    if id == PERMISSION_MODE && !success {
        events.push(AgentEvent::PermissionModeRefused(text(response, "error").to_owned()));
    }
    if id != INITIALIZE {
        events.extend((id == interrupt && success).then_some(AgentEvent::InterruptAccepted));
        return;
    }
    if !success {
        tracing::warn!(
            error = text(response, "error"),
            "the agent rejected `initialize`; it may run without its persona"
        );
    }
    let models = response["response"]["models"].as_array().into_iter().flatten();
    let models = models.map(|model| text(model, "value").to_owned()).filter(|model| !model.is_empty()).collect();
    let commands = response["response"]["commands"].as_array().into_iter().flatten();
    events
        .push(agent_commands::reported(commands.map(|command| (text(command, "name"), text(command, "description")))));
    events.push(AgentEvent::Ready { models });
}

impl Claude {
    pub(super) fn on_control_request(&mut self, message: &Value, decoded: &mut Decoded) {
        let (id, request) = (text(message, "request_id"), &message["request"]);
        match text(request, "subtype") {
            _ if id.is_empty() => {}
            "can_use_tool" => {
                self.denials.ignore(text(request, "tool_use_id"));
                let folder = &self.turn.folder;
                let tool_use = self.announced.asked_tool_use(request, folder);
                decoded.events.extend(self.requests.ask(id, request, tool_use, folder).map(AgentEvent::Requested));
            }
            "hook_callback" => decoded.events.extend(self.announced.add(id, &request["input"], &self.turn.folder)),
            subtype => reject_request(id, subtype, decoded),
        }
    }
}

/// Rejects an unknown kind of control request.
fn reject_request(id: &str, subtype: &str, decoded: &mut Decoded) {
    tracing::debug!(subtype, "unsupported control request from the agent");
    let error = format!("this host does not support '{subtype}'");
    let response = json!({ "subtype": "error", "request_id": id, "error": error });
    decoded.lines.push(line(&json!({ "type": "control_response", "response": response })));
}

/// Returns the success response to a control request.
pub(super) fn respond(id: &str, response: &Value) -> Decoded {
    let response = json!({ "subtype": "success", "request_id": id, "response": response });
    let answer = line(&json!({ "type": "control_response", "response": response }));
    Decoded { lines: vec![answer], ..Decoded::default() }
}

fn line(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
