//! The host's messages about posts that could not be delivered in full.

use super::quote;
use crate::types::Place;

/// Marks the part of an answer that the chat already showed when the host was killed. The mark comes first, because at
/// the end it could become part of an unclosed code block.
#[must_use]
pub fn interrupted_answer(answer: &str) -> String {
    format!("⚠ This answer was interrupted:\n\n{answer}")
}

/// Returns the notice to the owner that a chat rejects the bot's messages.
#[must_use]
pub fn unreachable(place: &Place, why: &str) -> String {
    format!(
        "Cordboard can't write to {place}: {}\nThe answers for this chat are kept. They are sent when someone writes there, or when the chat accepts messages again. Check that the topic is open and that the bot may post.",
        quote(why)
    )
}

/// Returns the notice to the owner that a bot receives and sends no more messages. `table` is its table in the
/// configuration.
#[must_use]
pub fn bot_stopped(table: &str, error: &str) -> String {
    format!(
        "The bot of [{table}] has stopped: failed to {}\nThe other bots continue. Restart Cordboard once the cause is fixed. Messages that wait for this bot are kept.",
        quote(error)
    )
}

/// Returns the text that replaces a part of an answer if the chat rejects that part.
#[must_use]
pub fn not_shown(part: usize, of: usize) -> String {
    match of {
        1 => "This message could not be shown.".to_owned(),
        _ => format!("Part {part} of {of} could not be shown."),
    }
}

/// Returns the last line of an answer whose delivery was stopped before all of its messages were sent.
#[must_use]
pub fn not_sent(messages: usize) -> String {
    let what = if messages == 1 { "1 more message".to_owned() } else { format!("{messages} more messages") };
    format!("Stopped: {what} of this answer will not be sent.")
}

/// The reason that the rest of an answer was dropped after `/stop`.
pub const STOPPED_BY_USER: &str = "a user stopped the answer";

/// Returns the reason that a post was dropped because more than `most` posts were waiting for an unreachable place.
#[must_use]
pub fn too_many_waiting(most: usize) -> String {
    format!("more than {most} messages were waiting for this unreachable chat")
}

/// The remark about a code block that is sent as a file.
pub const IN_FILE_BELOW: &str = "in the file below";

/// Returns the last line of the excerpt of an answer that is sent as a file.
#[must_use]
pub fn whole_text_in(file: &str) -> String {
    format!("… The whole text is in {file} below.")
}
