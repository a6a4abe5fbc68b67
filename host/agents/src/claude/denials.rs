//! Reports denied tools, whether the host or the CLI denied them. Reports each denial once, although the CLI may
//! mention it three times.

use std::collections::BTreeSet;

use cordboard_core::agent::AgentEvent;
use serde_json::Value;

use super::{action, text, turn::Turn};

// These tools ask for no permission, so no configuration key could allow them.
pub(super) const QUESTION: &str = "AskUserQuestion";
pub(super) const PLAN: &str = "ExitPlanMode";

#[derive(Debug, Default)]
pub(super) struct Denials {
    /// Ids of the reported calls. A later result may repeat calls of earlier turns.
    told: BTreeSet<String>,
    /// Ids and tools of calls whose arguments arrive with the result.
    without_arguments: Vec<(String, String)>,
}

impl Denials {
    /// Reports a call that the host or the CLI denied. `input` has the arguments of the call.
    pub(super) fn denied(&mut self, call: &Value, input: &Value, folder: &str) -> Option<AgentEvent> {
        let detail = action::from(folder, action::argument(input)).to_owned();
        self.tell(text(call, "tool_use_id"), text(call, "tool_name"), detail)
    }

    /// Handles a `system/permission_denied`, which has no arguments.
    pub(super) fn by_the_cli(&mut self, message: &Value, turn: &Turn) -> Option<AgentEvent> {
        let (id, tool) = (text(message, "tool_use_id"), text(message, "tool_name"));
        if let Some(argument) = turn.argument(id) {
            return self.tell(id, tool, action::from(&turn.folder, argument).to_owned());
        }
        self.without_arguments.push((id.to_owned(), tool.to_owned()));
        None
    }

    /// Reports the `permission_denials` of a `result`, and the earlier denials without arguments.
    pub(super) fn of_result(&mut self, result: &Value, folder: &str) -> Vec<AgentEvent> {
        let calls = result["permission_denials"].as_array().into_iter().flatten();
        let mut events: Vec<_> = calls.filter_map(|call| self.denied(call, &call["tool_input"], folder)).collect();
        for (id, tool) in std::mem::take(&mut self.without_arguments) {
            events.extend(self.tell(&id, &tool, String::new()));
        }
        events
    }

    fn tell(&mut self, id: &str, tool: &str, detail: String) -> Option<AgentEvent> {
        let is_new = id.is_empty() || self.told.insert(id.to_owned());
        let can_be_allowed = ![QUESTION, PLAN].contains(&tool);
        (is_new && can_be_allowed).then(|| AgentEvent::Denied { tool: tool.to_owned(), detail })
    }
}
