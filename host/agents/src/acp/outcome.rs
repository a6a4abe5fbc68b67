//! Converts the end of a turn, and agent errors, to text for the user.

use agent_client_protocol_schema::v1::{AuthMethod, Error, ErrorCode, StopReason};
use cordboard_core::{
    agent_event::Outcome,
    messages,
    render::{UNTRUSTED_LENGTH, is_blank, one_line},
};
use serde_json::Value;

/// The error text for a turn or a start that ended with a damaged response from the agent.
pub const UNREADABLE: &str = "The agent's response could not be read completely.";

const CUT_OFF: &str =
    "The answer reached the model's maximum length and is incomplete. Ask the agent to continue to get the rest.";
const TOO_MANY_REQUESTS: &str =
    "The agent reached its maximum number of steps for one message. Ask it to continue if the work isn't finished.";
const REFUSAL: &str = "The model refused to answer. Rephrase your message, and try again.";

/// Returns the outcome of a turn from the result of `session/prompt`.
pub fn of_result(result: &Value) -> Outcome {
    let reason = &result["stopReason"];
    match serde_json::from_value(reason.clone()) {
        Ok(StopReason::EndTurn) => Outcome::Done,
        Ok(StopReason::Cancelled) => Outcome::Interrupted,
        Ok(StopReason::MaxTokens) => Outcome::Failed(CUT_OFF.to_owned()),
        Ok(StopReason::MaxTurnRequests) => Outcome::Failed(TOO_MANY_REQUESTS.to_owned()),
        Ok(StopReason::Refusal) => Outcome::Failed(REFUSAL.to_owned()),
        // The enum may grow, and an agent may be newer than this host.
        Ok(_) | Err(_) => {
            let reason = reason.as_str().map(|reason| one_line(reason, UNTRUSTED_LENGTH));
            let reason =
                reason.filter(|reason| !reason.is_empty()).map(|reason| format!(" with the reason '{reason}'"));
            Outcome::Failed(format!("The agent stopped{}.", reason.unwrap_or_else(|| " and gave no reason".to_owned())))
        }
    }
}

/// Returns the most specific text of an error. Many agents send "Internal error" and put the text into `data`.
pub fn error_text(error: &Error) -> String {
    let data = error.data.as_ref();
    let details = data.and_then(Value::as_str).into_iter();
    let details = details.chain(["details", "message", "error"].into_iter().filter_map(|name| data?[name].as_str()));
    let message = error.message.strip_prefix("Internal error").map_or(error.message.as_str(), |rest| {
        // The prefix alone explains nothing.
        rest.trim_start_matches([':', ' '])
    });
    let mut texts = std::iter::once(message).chain(details).chain([error.message.as_str()]);
    texts.find(|text| !is_blank(text)).map_or_else(messages::failed, str::to_owned)
}

/// Returns login instructions if the error says that the agent needs a login.
pub fn login_text(error: &Error, command: &str, methods: &[AuthMethod]) -> Option<String> {
    if error.code != ErrorCode::AuthRequired {
        return None;
    }
    let list: Vec<String> = methods.iter().map(describe).collect();
    let offers = if list.is_empty() { String::new() } else { format!(" The agent offers: {}.", list.join("; ")) };
    Some(format!(
        "The agent is not logged in. Log in with it in a terminal, as the user that runs Cordboard; its command is '{command}'.{offers}"
    ))
}

fn describe(method: &AuthMethod) -> String {
    let short = |text: &str| one_line(text, UNTRUSTED_LENGTH).trim_end_matches('.').to_owned();
    match method.description().map(short).filter(|about| !about.is_empty()) {
        Some(about) => format!("{} ({about})", short(method.name())),
        None => short(method.name()),
    }
}
