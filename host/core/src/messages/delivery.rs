//! The host's messages about posts that could not be delivered in full.

use super::quote;
use crate::types::Place;

/// Marks the part of an answer that was shown when the host was killed. The mark comes first, because at the end it
/// could fall into an unclosed code block.
#[must_use]
pub fn interrupted_answer(answer: &str) -> String {
    format!("⚠ This answer was interrupted:\n\n{answer}")
}

/// Notifies the owner that a chat rejects the bot's messages.
#[must_use]
pub fn unreachable(place: &Place, why: &str) -> String {
    format!(
        "Cordboard can't write to {place}: {}\nIts answers are kept and sent when somebody writes there or the chat accepts messages again. Check that the topic is open and that the bot may post.",
        quote(why)
    )
}

/// Replaces a part of an answer that the chat rejects.
#[must_use]
pub fn not_shown(part: usize, of: usize) -> String {
    match of {
        1 => "This message could not be shown.".to_owned(),
        _ => format!("Part {part} of {of} could not be shown."),
    }
}

/// Ends an answer whose sending was stopped.
#[must_use]
pub fn not_sent(messages: usize) -> String {
    let what = if messages == 1 { "1 more message".to_owned() } else { format!("{messages} more messages") };
    format!("Stopped: {what} of this answer will not be sent.")
}
