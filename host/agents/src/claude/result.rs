//! Interprets a `result` line: the outcome of the turn, and whether it answers a prompt.

use cordboard_core::{
    agent::{AgentEvent, Outcome},
    messages::FAILED,
    render::is_blank,
};
use serde_json::Value;

use super::text;

/// The CLI's error text for an unknown conversation id, after which it exits. The demo agent uses it too.
const UNKNOWN: &str = "No conversation found";

/// The prefix of diagnostics for the CLI's developers in the list of errors.
const DIAGNOSTIC: &str = "[ede_diagnostic]";

/// The failure of a turn whose `result` line is damaged.
const UNREADABLE: &str = "The agent's last line of this answer could not be read.";

/// Whether a truncated line is the start of a `result`. The CLI writes these fields before the text of the answer, and
/// `type` after it.
pub(super) fn is_begun(beginning: &Value) -> bool {
    let has = |name: &str| !beginning[name].is_null();
    text(beginning, "type") == "result" || (!has("type") && (has("duration_api_ms") || has("total_cost_usd")))
}

/// Turns a truncated line into a failed result.
pub(super) fn broken_off(mut beginning: Value) -> Value {
    beginning["type"] = "result".into();
    beginning["is_error"] = true.into();
    beginning["result"] = Value::Null;
    beginning["errors"] = [UNREADABLE].into_iter().collect();
    beginning
}

/// Returns the reason if the CLI refused to resume. `resuming` means that no turn has begun yet, so any error is
/// about the resume.
pub(super) fn refused_resume(message: &Value, resuming: bool) -> Option<String> {
    let unknown = errors(message).find(|error| error.contains(UNKNOWN)).map(str::to_owned);
    unknown.or_else(|| match outcome(message, false) {
        Outcome::Failed(why) if resuming => Some(why),
        Outcome::Failed(_) | Outcome::Done | Outcome::Interrupted => None,
    })
}

/// Returns the outcome of a turn. An API failure is a `success` with `is_error`. An abort may be an error without a
/// terminal reason.
pub(super) fn outcome(message: &Value, interrupted: bool) -> Outcome {
    let (subtype, reason) = (text(message, "subtype"), text(message, "terminal_reason"));
    if reason.starts_with("aborted") || (interrupted && reason.is_empty() && subtype == "error_during_execution") {
        return Outcome::Interrupted;
    }
    if subtype == "success" && message["is_error"] != true {
        return Outcome::Done;
    }
    let told: Vec<&str> = errors(message).filter(|error| !error.starts_with(DIAGNOSTIC)).collect();
    // The subtype `success` doesn't explain a failure.
    let kind = if subtype == "success" { String::new() } else { subtype.replace('_', " ") };
    let why = [text(message, "result").to_owned(), told.join("\n"), kind];
    Outcome::Failed(why.into_iter().find(|why| !is_blank(why)).unwrap_or_else(|| FAILED.to_owned()))
}

/// Returns the error in a line that is not a message of this protocol.
pub(super) fn reason(message: &Value) -> Option<String> {
    let texts = [&message["error"], &message["error"]["message"], &message["message"]];
    texts.into_iter().find_map(Value::as_str).filter(|text| !is_blank(text)).map(str::to_owned)
}

/// Returns whether the turn has an origin other than a prompt, such as `task-notification`. Later releases may add
/// more.
pub(super) fn is_background(message: &Value) -> bool {
    !text(&message["origin"], "kind").is_empty()
}

pub(super) fn unasked(texts: &str, outcome: &Outcome) -> Option<AgentEvent> {
    let text = match outcome {
        Outcome::Done | Outcome::Interrupted => texts.to_owned(),
        Outcome::Failed(why) if texts.is_empty() => why.clone(),
        Outcome::Failed(why) => format!("{texts}\n\n{why}"),
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
            match outcome(&message, false) {
                Outcome::Failed(why) => why,
                other @ (Outcome::Done | Outcome::Interrupted) => panic!("{other:?}"),
            }
        };
        for nothing in ["", " \n", "\u{200b}"] {
            assert_eq!(failed(nothing, "success"), FAILED);
        }
        assert_eq!(failed("", "error_max_turns"), "error max turns");
        assert_eq!(failed("why", "success"), "why");
    }
}
