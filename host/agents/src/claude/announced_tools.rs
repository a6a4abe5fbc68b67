//! Converts the hook callbacks that the CLI sends before each use of a tool. The CLI asks for permission only about some
//! of these uses, and waits for the response to each callback.

use std::collections::BTreeMap;

use cordboard_core::{
    agent_event::AgentEvent,
    types::{AgentRequest, RequestAnswer, RequestId},
};
use serde_json::{Value, json};

use super::{
    control,
    denials::{Denials, PLAN_TOOL, QUESTION_TOOL},
    text,
};
use crate::{Decoded, shown_action, tool_input};

/// The event of the hook.
const EVENT: &str = "PreToolUse";

/// Returns the hooks for `initialize`. Without a matcher, the CLI calls a hook for every tool.
pub(super) fn hooks() -> Value {
    json!({ EVENT: [{ "hookCallbackIds": ["announce-tool"] }] })
}

/// The announced uses that wait for a response, by the id of the callback.
#[derive(Debug, Default)]
pub(super) struct AnnouncedTools(BTreeMap<String, AnnouncedTool>);

#[derive(Debug)]
pub(super) struct AnnouncedTool {
    callback: String,
    tool_use: String,
}

impl AnnouncedTools {
    /// Records a callback. `input` contains the tool and its arguments.
    pub(super) fn add(&mut self, callback: &str, input: &Value, folder: &str) -> AgentEvent {
        let announced =
            AnnouncedTool { callback: callback.to_owned(), tool_use: text(input, "tool_use_id").to_owned() };
        self.0.insert(callback.to_owned(), announced);
        let (tool, arguments) = (text(input, "tool_name"), &input["tool_input"]);
        let request = AgentRequest {
            kind: "permission",
            ..AgentRequest::new(RequestId(callback.to_owned()), shown_action::tool("", tool, arguments, folder).title)
        };
        // The CLI always asks about the uses of these tools, and they are no permissions.
        if [QUESTION_TOOL, PLAN_TOOL].contains(&tool) {
            return AgentEvent::ToolAnnounced(request);
        }
        let tool_use = Some(Box::new(tool_input::tool_use(tool, arguments, folder)));
        AgentEvent::ToolAnnounced(AgentRequest { tool_use, ..request })
    }

    pub(super) fn take(&mut self, id: &RequestId) -> Option<AnnouncedTool> {
        self.0.remove(&id.0)
    }
}

impl AnnouncedTool {
    pub(super) fn answer(&self, answer: &RequestAnswer, denials: &mut Denials) -> Decoded {
        let (decision, reason) = match answer {
            RequestAnswer::Denied(why) => ("deny", format!("Not allowed here: {why}")),
            RequestAnswer::MustAsk => ("ask", "A rule of Cordboard requires a decision.".to_owned()),
            RequestAnswer::NoObjection | RequestAnswer::Nobody | RequestAnswer::Options { .. } => {
                return control::respond(&self.callback, &json!({}));
            }
        };
        if decision == "deny" {
            denials.ignore(&self.tool_use);
        }
        let output =
            json!({ "hookEventName": EVENT, "permissionDecision": decision, "permissionDecisionReason": reason });
        control::respond(&self.callback, &json!({ "hookSpecificOutput": output }))
    }
}
