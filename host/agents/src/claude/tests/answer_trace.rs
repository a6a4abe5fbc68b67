//! Summarizes the host's answers for the trace of a recording.

use serde_json::Value;

use super::super::text;
use crate::tests::trace::{Trace, cut};

pub fn new_trace() -> Trace {
    Trace::new(answer)
}

/// Summarizes the host's response to a control request.
fn answer(line: &[u8]) -> String {
    let response = &serde_json::from_slice::<Value>(line).unwrap()["response"];
    let (decision, error) = (&response["response"], text(response, "error"));
    if !error.is_empty() {
        return format!("error {}", cut(error));
    }
    if let Some(output) = decision.get("hookSpecificOutput") {
        return format!("{} {}", text(output, "permissionDecision"), text(output, "permissionDecisionReason"));
    }
    let details = [text(decision, "message").to_owned(), shown_json(decision, "updatedPermissions")];
    let details = [&details[..], &[shown_json(&decision["updatedInput"], "answers")]].concat();
    format!("{} {}", text(decision, "behavior"), details.join(" ")).trim_end().to_owned()
}

fn shown_json(value: &Value, name: &str) -> String {
    value.get(name).map(|found| format!("{name} {found}")).unwrap_or_default()
}
