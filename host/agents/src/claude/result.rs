//! Interprets a `result` line: the outcome of the turn, and whether it answers a prompt.

use cordboard_core::{
    agent_event::{AgentEvent, Outcome},
    messages::{self, agent_outcome},
    render::is_blank,
};
use serde_json::Value;

use super::text;

/// Part of the error that the CLI and the demo agent report for an unknown conversation id before they exit.
const UNKNOWN: &str = "No conversation found";

/// The prefix of `errors` that are diagnostics for the CLI's developers.
const DIAGNOSTIC: &str = "[ede_diagnostic]";

/// Returns whether a truncated line is the beginning of a `result`. The CLI writes `duration_api_ms` or
/// `total_cost_usd` before the text of the answer, and `type` after it.
pub(super) fn is_truncated_result(beginning: &Value) -> bool {
    let has = |name: &str| !beginning[name].is_null();
    text(beginning, "type") == "result" || (!has("type") && (has("duration_api_ms") || has("total_cost_usd")))
}

/// Turns the fields of a truncated `result` line into a failed result.
pub(super) fn failed_result(mut beginning: Value) -> Value {
    beginning["type"] = "result".into();
    beginning["is_error"] = true.into();
    beginning["result"] = Value::Null;
    beginning["errors"] = [agent_outcome::response_unreadable()].into_iter().collect();
    beginning
}

/// Returns the error text if the CLI doesn't know the conversation that it was asked to resume.
pub(super) fn unknown_conversation(message: &Value) -> Option<String> {
    errors(message).find(|error| error.contains(UNKNOWN)).map(str::to_owned)
}

/// Returns the outcome of a turn that the host interrupted. The CLI may report the abort as an error without a
/// `terminal_reason`.
pub(super) fn outcome_of_interrupted(message: &Value) -> Outcome {
    if text(message, "terminal_reason").is_empty() && text(message, "subtype") == "error_during_execution" {
        return Outcome::Interrupted;
    }
    outcome(message)
}

/// Returns the outcome of a turn. The CLI reports an API failure as the subtype `success` with `is_error`.
pub(super) fn outcome(message: &Value) -> Outcome {
    if text(message, "terminal_reason").starts_with("aborted") {
        return Outcome::Interrupted;
    }
    let subtype = text(message, "subtype");
    if subtype == "success" && message["is_error"] != true {
        return Outcome::Done;
    }
    let shown: Vec<&str> = errors(message).filter(|error| !error.starts_with(DIAGNOSTIC)).collect();
    // The subtype `success` says nothing about a failure.
    let kind = if subtype == "success" { String::new() } else { subtype.replace('_', " ") };
    let why = [text(message, "result").to_owned(), shown.join("\n"), kind];
    Outcome::Failed(why.into_iter().find(|why| !is_blank(why)).unwrap_or_else(messages::failed))
}

/// Returns whether something other than a prompt started the turn, such as a `task-notification`. Accepts any kind of
/// origin, because later releases of the CLI may add more.
pub(super) fn is_background(message: &Value) -> bool {
    !text(&message["origin"], "kind").is_empty()
}

/// Returns the event that shows the `answer` of a turn without a prompt, or `None` if there is no text to show.
pub(super) fn unprompted(answer: &str, outcome: &Outcome) -> Option<AgentEvent> {
    let text = match outcome {
        Outcome::Done | Outcome::Interrupted => answer.to_owned(),
        Outcome::Failed(why) if answer.is_empty() => why.clone(),
        Outcome::Failed(why) => format!("{answer}\n\n{why}"),
    };
    (!text.trim().is_empty()).then_some(AgentEvent::UnpromptedText(text))
}

fn errors(message: &Value) -> impl Iterator<Item = &str> {
    message["errors"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failure_without_text_is_not_a_success() {
        let failed = |result: &str, subtype: &str| {
            let message = json!({ "subtype": subtype, "is_error": true, "result": result });
            match outcome(&message) {
                Outcome::Failed(why) => why,
                other @ (Outcome::Done | Outcome::Interrupted) => panic!("{other:?}"),
            }
        };
        for nothing in ["", " \n", "\u{200b}"] {
            assert_eq!(failed(nothing, "success"), messages::failed());
        }
        assert_eq!(failed("", "error_max_turns"), "error max turns");
        assert_eq!(failed("why", "success"), "why");
    }
}
