//! What is said of messages that could not be delivered as they were.

use super::said;
use crate::types::Place;

/// What had come of an answer when the host was killed. The mark comes first: behind the text it might stand in a block of code.
#[must_use]
pub fn cut_off(answer: &str) -> String {
    format!("⚠ This answer was cut off:\n\n{answer}")
}

/// To the owner: a chat takes no messages of ours.
#[must_use]
pub fn unreachable(place: &Place, why: &str) -> String {
    format!(
        "Cordboard can't write to {place}: {}\nAnswers for it are kept, and sent when somebody writes there or it takes messages again. See that the topic is open and that the bot may post.",
        said(why)
    )
}

/// In place of a part of an answer that the chat refuses.
#[must_use]
pub fn not_shown(part: usize, of: usize) -> String {
    match of {
        1 => "This message could not be shown.".to_owned(),
        _ => format!("Part {part} of {of} could not be shown."),
    }
}

/// At the end of an answer that was stopped while it was sent.
#[must_use]
pub fn not_sent(messages: usize) -> String {
    let what = if messages == 1 { "1 more message".to_owned() } else { format!("{messages} more messages") };
    format!("Stopped: {what} of this answer will not be sent.")
}
