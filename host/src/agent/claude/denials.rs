//! Tools that were denied, whoever denied them: each is told once, although the CLI names it up to three times.

use std::collections::BTreeSet;

use cordboard_core::agent::AgentEvent;
use serde_json::Value;

use super::{action, text, turn::Turn};

// No permission is asked for by these, so that no key could lift the denial.
pub(super) const QUESTION: &str = "AskUserQuestion";
pub(super) const PLAN: &str = "ExitPlanMode";

#[derive(Debug, Default)]
pub(super) struct Denials {
    /// Ids of the calls that were told. A later result may name those of earlier turns again.
    told: BTreeSet<String>,
    /// Ids and tools of calls whose arguments come with the result.
    without_arguments: Vec<(String, String)>,
}

impl Denials {
    /// A call that this host or the CLI denied; `input` is what the tool was called with.
    pub(super) fn denied(&mut self, call: &Value, input: &Value, folder: &str) -> Option<AgentEvent> {
        let detail = action::from(folder, action::argument(input)).to_owned();
        self.tell(text(call, "tool_use_id"), text(call, "tool_name"), detail)
    }

    /// A `system/permission_denied`, which does not say what the tool was called with.
    pub(super) fn by_the_cli(&mut self, message: &Value, turn: &Turn) -> Option<AgentEvent> {
        let (id, tool) = (text(message, "tool_use_id"), text(message, "tool_name"));
        if let Some(argument) = turn.argument(id) {
            return self.tell(id, tool, action::from(&turn.folder, argument).to_owned());
        }
        self.without_arguments.push((id.to_owned(), tool.to_owned()));
        None
    }

    /// The `permission_denials` of a `result`, and what was denied before it.
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
