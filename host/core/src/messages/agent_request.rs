//! The messages about the questions that agents ask users.

use std::{path::Path, time::Duration};

use super::{plain, quote, session_notice::quote_folder};
use crate::{
    config::format_duration,
    types::{AgentRequest, OpenRequest, Reply, RequestOption, SessionName},
};

/// The message that shows an agent's question to users. The command of each button contains the number of the question,
/// so that users can also type the command.
pub(super) fn asked(session: &SessionName, folder: &Path, number: u64, request: &AgentRequest) -> Reply {
    let asks = match request.kind {
        "permission" => "asks for a permission",
        "plan" => "asks you to approve its plan",
        _ => "asks",
    };
    let head = plain(&format!("Session '{session}' in {} {asks}:", quote_folder(folder)));
    let text = Reply::text(format!("{}\n\n{}", head.text, request.text));
    let button =
        |reply: Reply, option: &RequestOption| reply.button(&option.label, &format!("/answer #{number} {}", option.id));
    request.options.iter().fold(text, button)
}

pub(super) fn expired(session: &SessionName, title: &str, after: Duration) -> String {
    let (title, after) = (quote(title), format_duration(after));
    format!("Session '{session}' got no answer within {after}. Its agent continues without an answer to: {title}")
}

/// The error for an answer to a session that has no open question, or none with this number.
#[must_use]
pub fn no_open_request(session: &SessionName, number: Option<u64>) -> String {
    match number {
        None => format!("Session '{session}' has no open request."),
        Some(number) => format!("Session '{session}' has no open request #{number}. Use /requests to list them."),
    }
}

/// The error for an answer without a number to a session with several open questions.
#[must_use]
pub fn several_requests(session: &SessionName, open: &[&OpenRequest]) -> String {
    let list: Vec<String> =
        open.iter().map(|open| format!("#{} {}", open.number, quote(&open.request.title))).collect();
    let number = open.first().map_or(1, |open| open.number);
    format!(
        "Session '{session}' has {} open requests:\n{}\nAnswer one by its number, as in /answer #{number} …",
        open.len(),
        list.join("\n")
    )
}

/// The error for an answer that is not one of the options.
#[must_use]
pub fn no_such_option(request: &AgentRequest) -> String {
    let options = request.options.iter();
    let known: Vec<String> = options.map(|option| format!("{} ({})", option.id, quote(&option.label))).collect();
    let one = if request.multiple { "one or more" } else { "one" };
    format!("Choose {one} of: {}.", known.join(", "))
}

#[must_use]
pub fn option_without_text(label: &str) -> String {
    format!("“{}” takes no text.", quote(label))
}

/// The answer to a user who chose an option that requires a text.
#[must_use]
pub fn text_is_next(session: &SessionName, number: u64, option: &str) -> String {
    format!("Send the text as your next message here, or type: /answer {session}#{number} {option} <text>")
}

/// The error for an option that requires a text and was chosen without one.
#[must_use]
pub fn option_needs_text(session: &SessionName, number: u64, option: &str) -> String {
    format!("Add the text: /answer {session}#{number} {option} <text>")
}
