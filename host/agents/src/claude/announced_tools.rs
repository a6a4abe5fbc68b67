//! Converts the hook callbacks that the CLI sends before each tool use to events, and the answers to responses. The CLI
//! asks for permission for only some of these uses, and waits for the response to each callback.

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

/// Returns the hooks for `initialize`. The CLI calls a hook that has no matcher for every tool. If the response is an
/// error, the tool must not run.
pub(super) fn hooks() -> Value {
    json!({ EVENT: [{ "hookCallbackIds": ["announce-tool"], "onFailure": "block" }] })
}

/// The maximum number of uses whose folders are kept. The CLI asks about only some of them; the folders of the others
/// are kept until the limit is reached.
const MAX_FOLDERS: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct AnnouncedTools {
    /// The uses that are waiting for a response: each callback's id with the id of its use.
    open: BTreeMap<String, String>,
    /// The current folder of each announced use, by the use's id. It is kept because the CLI may ask about the use.
    folders: BTreeMap<String, String>,
    /// The CLI's current folder at startup. Relative paths in rules and in uses start there.
    first_folder: String,
}

impl AnnouncedTools {
    /// Handles an `init` message of the CLI.
    pub(super) fn on_init(&mut self, message: &Value) {
        if self.first_folder.is_empty() {
            text(message, "cwd").clone_into(&mut self.first_folder);
        }
    }

    /// Records a callback. `input` contains the tool and its arguments. The title shows paths relative to
    /// `title_folder`. Returns `None` if a callback with this id is already open, because the response to it must apply
    /// only to the arguments that were checked.
    pub(super) fn add(&mut self, callback: &str, input: &Value, title_folder: &str) -> Option<AgentEvent> {
        if self.open.contains_key(callback) {
            tracing::warn!("ignored a callback from the agent, because an open callback has the same id");
            return None;
        }
        let (id, folder) = (text(input, "tool_use_id"), text(input, "cwd"));
        self.open.insert(callback.to_owned(), id.to_owned());
        if self.folders.len() >= MAX_FOLDERS {
            self.folders.clear();
        }
        self.folders.insert(id.to_owned(), folder.to_owned());
        let (tool, arguments) = (text(input, "tool_name"), &input["tool_input"]);
        let title = shown_action::tool("", tool, arguments, title_folder).title;
        let request = AgentRequest { kind: "permission", ..AgentRequest::new(RequestId(callback.to_owned()), title) };
        // The CLI always asks before it uses these tools, and these questions are not about permissions.
        let is_question = [QUESTION_TOOL, PLAN_TOOL].contains(&tool);
        let tool_use = (!is_question).then(|| Box::new(self.tool_use(tool, arguments, folder)));
        Some(AgentEvent::ToolAnnounced(AgentRequest { tool_use, ..request }))
    }

    /// Removes a callback that the CLI has canceled.
    pub(super) fn cancel(&mut self, callback: &str) -> Option<RequestId> {
        self.open.remove(callback).map(|_| RequestId(callback.to_owned()))
    }

    /// Returns the response to the CLI, or `None` if there is no such callback.
    pub(super) fn answer(&mut self, id: &RequestId, answer: &RequestAnswer, denials: &mut Denials) -> Option<Decoded> {
        let tool_use = self.open.remove(&id.0)?;
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

    /// Returns the parts of a use that rules are matched against, for a use that the CLI asks about.
    pub(super) fn asked_tool_use(&mut self, request: &Value, title_folder: &str) -> ToolUse {
        let (tool, arguments) = (text(request, "tool_name"), &request["input"]);
        match self.folders.remove(text(request, "tool_use_id")) {
            Some(folder) => self.tool_use(tool, arguments, &folder),
            None => tool_input::tool_use(tool, arguments, title_folder),
        }
    }

    /// Makes relative paths absolute if the current folder of the CLI has changed. A path with leading or trailing
    /// spaces is left unchanged, because tools may trim it; every path rule that denies or asks matches it.
    fn tool_use(&self, tool: &str, arguments: &Value, folder: &str) -> ToolUse {
        let mut tool_use = tool_input::tool_use(tool, arguments, folder);
        let has_moved = !folder.is_empty() && folder != self.first_folder;
        for path in tool_use.paths.iter_mut().filter(|_| has_moved) {
            if !path.is_empty() && path.trim() == *path && !path.starts_with(['/', '~']) {
                *path = format!("{folder}/{path}");
            }
        }
        tool_use
    }
}
