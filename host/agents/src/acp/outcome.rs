//! Converts the end of a turn, and agent errors, to text for the user.

use agent_client_protocol_schema::v1::{AuthMethod, Error, ErrorCode, StopReason};
use cordboard_core::{
    agent_event::Outcome,
    messages::{self, agent_outcome},
    render::{UNTRUSTED_LENGTH, is_blank, one_line},
};
use serde_json::Value;

/// Returns the outcome of a turn from the result of `session/prompt`.
pub fn of_result(result: &Value) -> Outcome {
    let reason = &result["stopReason"];
    match serde_json::from_value(reason.clone()) {
        Ok(StopReason::EndTurn) => Outcome::Done,
        Ok(StopReason::Cancelled) => Outcome::Interrupted,
        Ok(StopReason::MaxTokens) => Outcome::Failed(agent_outcome::answer_cut_off()),
        Ok(StopReason::MaxTurnRequests) => Outcome::Failed(agent_outcome::too_many_steps()),
        Ok(StopReason::Refusal) => Outcome::Failed(agent_outcome::model_refused()),
        // The enum may grow, and an agent may be newer than this host.
        Ok(_) | Err(_) => {
            let reason = reason.as_str().map(|reason| one_line(reason, UNTRUSTED_LENGTH));
            Outcome::Failed(agent_outcome::agent_stopped(reason.as_deref().filter(|reason| !reason.is_empty())))
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
    let offers: Vec<String> = methods.iter().map(describe).collect();
    Some(agent_outcome::login_needed(command, &offers))
}

fn describe(method: &AuthMethod) -> String {
    let short = |text: &str| one_line(text, UNTRUSTED_LENGTH).trim_end_matches('.').to_owned();
    match method.description().map(short).filter(|about| !about.is_empty()) {
        Some(about) => format!("{} ({about})", short(method.name())),
        None => short(method.name()),
    }
}
