//! Converts the hook callbacks that the CLI sends before each use of a tool. The CLI asks for permission only about some
//! of these uses, and waits for the response to each callback.

use std::collections::BTreeMap;

use cordboard_core::{
    agent_event::AgentEvent,
    types::{AgentRequest, RequestAnswer, RequestId, ToolUse},
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

/// Returns the hooks for `initialize`. Without a matcher, the CLI calls a hook for every tool. If the response is an
/// error, the tool must not run.
pub(super) fn hooks() -> Value {
    json!({ EVENT: [{ "hookCallbackIds": ["announce-tool"], "onFailure": "block" }] })
}

/// The announced uses that wait for a response: the ids of their callbacks, each with the id of the use.
#[derive(Debug, Default)]
pub(super) struct AnnouncedTools(BTreeMap<String, String>);

impl AnnouncedTools {
    /// Records a callback. `input` contains the tool and its arguments. Returns `None` if a callback with this id is
    /// already open, because the response to it must apply only to the arguments that were checked.
    pub(super) fn add(&mut self, callback: &str, input: &Value) -> Option<AgentEvent> {
        if self.0.contains_key(callback) {
            tracing::warn!("ignored a callback from the agent, because an open callback has the same id");
            return None;
        }
        self.0.insert(callback.to_owned(), text(input, "tool_use_id").to_owned());
        let (tool, arguments, folder) = (text(input, "tool_name"), &input["tool_input"], text(input, "cwd"));
        let title = shown_action::tool("", tool, arguments, folder).title;
        let request = AgentRequest { kind: "permission", ..AgentRequest::new(RequestId(callback.to_owned()), title) };
        // The CLI always asks before it uses these tools, and these questions are not about permissions.
        let is_question = [QUESTION_TOOL, PLAN_TOOL].contains(&tool);
        let tool_use = (!is_question).then(|| Box::new(tool_use(tool, arguments, folder)));
        Some(AgentEvent::ToolAnnounced(AgentRequest { tool_use, ..request }))
    }

    /// Removes a callback that the CLI has canceled.
    pub(super) fn cancel(&mut self, callback: &str) -> Option<RequestId> {
        self.0.remove(callback).map(|_| RequestId(callback.to_owned()))
    }

    /// Returns the response to the CLI, or `None` if there is no such callback.
    pub(super) fn answer(&mut self, id: &RequestId, answer: &RequestAnswer, denials: &mut Denials) -> Option<Decoded> {
        let tool_use = self.0.remove(&id.0)?;
        let (decision, reason) = match answer {
            RequestAnswer::Denied(why) => {
                denials.ignore(&tool_use);
                ("deny", format!("Not allowed here: {why}"))
            }
            RequestAnswer::MustAsk => ("ask", "Cordboard requires a decision about this use.".to_owned()),
            RequestAnswer::NoObjection | RequestAnswer::Nobody | RequestAnswer::Options { .. } => {
                return Some(control::respond(&id.0, &json!({})));
            }
        };
        let output =
            json!({ "hookEventName": EVENT, "permissionDecision": decision, "permissionDecisionReason": reason });
        Some(control::respond(&id.0, &json!({ "hookSpecificOutput": output })))
    }
}

/// Returns the parts of a tool call that rules are matched against. Relative paths become absolute, because a shell
/// command may have changed the current folder of the CLI.
fn tool_use(tool: &str, arguments: &Value, folder: &str) -> ToolUse {
    let mut tool_use = tool_input::tool_use(tool, arguments, folder);
    for path in &mut tool_use.paths {
        if !folder.is_empty() && !path.is_empty() && !path.starts_with(['/', '~']) {
            *path = format!("{folder}/{path}");
        }
    }
    tool_use
}
