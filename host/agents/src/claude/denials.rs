//! Reports tool calls that the CLI denied without asking, each only once, although the CLI may repeat a denial.

use std::collections::BTreeSet;

use cordboard_core::agent_event::AgentEvent;
use serde_json::Value;

use super::{text, turn_parts::Turn};
use crate::shown_action;

// Denials of these tools are not reported, because no configuration key could allow them.
pub(super) const QUESTION_TOOL: &str = "AskUserQuestion";
pub(super) const PLAN_TOOL: &str = "ExitPlanMode";

#[derive(Debug, Default)]
pub(super) struct Denials {
    /// Ids of the calls that were reported or that a person was asked about, because a later result may repeat calls
    /// from earlier turns.
    reported: BTreeSet<String>,
    /// Ids and tool names of denied calls whose arguments are unknown until the result arrives.
    without_arguments: Vec<(String, String)>,
}

impl Denials {
    /// Reports a call that the CLI denied. `input` contains the arguments of the call.
    fn report_call(&mut self, call: &Value, input: &Value, folder: &str) -> Option<AgentEvent> {
        let detail = shown_action::relative_to(folder, shown_action::argument(input)).to_owned();
        self.report(text(call, "tool_use_id"), text(call, "tool_name"), detail)
    }

    /// Records a call that the host or a person is deciding on. If it is denied, the turn's result also lists the call,
    /// but the denial must not be reported again.
    pub(super) fn ignore(&mut self, tool_use: &str) {
        self.reported.insert(tool_use.to_owned());
    }

    /// Handles a `system/permission_denied` message. The message lacks the arguments of the call, so they come from the
    /// running turn, or later from the `result`.
    pub(super) fn report_system_message(&mut self, message: &Value, turn: &Turn) -> Option<AgentEvent> {
        let (id, tool) = (text(message, "tool_use_id"), text(message, "tool_name"));
        if let Some(argument) = turn.running_tool_detail(id) {
            return self.report(id, tool, shown_action::relative_to(&turn.folder, argument).to_owned());
        }
        self.without_arguments.push((id.to_owned(), tool.to_owned()));
        None
    }

    /// Reports the `permission_denials` of a `result`, and the earlier denials without arguments.
    pub(super) fn report_result(&mut self, result: &Value, folder: &str) -> Vec<AgentEvent> {
        let calls = result["permission_denials"].as_array().into_iter().flatten();
        let mut events: Vec<_> = calls.filter_map(|call| self.report_call(call, &call["tool_input"], folder)).collect();
        for (id, tool) in std::mem::take(&mut self.without_arguments) {
            events.extend(self.report(&id, &tool, String::new()));
        }
        events
    }

    fn report(&mut self, id: &str, tool: &str, detail: String) -> Option<AgentEvent> {
        let is_new = id.is_empty() || self.reported.insert(id.to_owned());
        let can_be_allowed = ![QUESTION_TOOL, PLAN_TOOL].contains(&tool);
        (is_new && can_be_allowed).then(|| AgentEvent::Denied { tool: tool.to_owned(), detail })
    }
}
