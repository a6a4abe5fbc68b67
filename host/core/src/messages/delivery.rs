//! The host's messages about posts that could not be delivered in full.

use tr::tr;

use super::quote;
use crate::types::Place;

/// Marks the part of an answer that the chat already showed when the host was killed. The mark comes first, because at
/// the end it could become part of an unclosed code block.
#[must_use]
pub fn interrupted_answer(answer: &str) -> String {
    tr!("⚠ This answer was interrupted:\n\n{answer}", answer)
}

/// Returns the notice to the owner that a chat rejects the bot's messages.
#[must_use]
pub fn unreachable(place: &Place, why: &str) -> String {
    tr!(
        "Cordboard can't write to {place}: {}\nThe answers for this chat are kept. They are sent when someone writes there, or when the chat accepts messages again. In a private chat, the user may have blocked the bot. In a group, check that the topic is open and that the bot may post.",
        quote(why),
        place
    )
}

/// Returns the notice to the owner that a bot has stopped receiving and sending messages. `table` is its table in the
/// configuration.
#[must_use]
pub fn bot_stopped(table: &str, error: &str) -> String {
    tr!(
        "The bot of [{table}] has stopped: failed to {}\nThe other bots continue. Restart Cordboard once the cause is fixed. Messages that wait for this bot are kept.",
        quote(error),
        table
    )
}

/// Returns the text that replaces a part of an answer if the chat rejects that part.
#[must_use]
pub fn not_shown(part: usize, of: usize) -> String {
    match of {
        1 => tr!("This message could not be shown."),
        _ => tr!("Part {part} of {of} could not be shown.", part, of),
    }
}

/// Returns the last line of an answer whose delivery was stopped before all of its messages were sent.
#[must_use]
pub fn not_sent(messages: usize) -> String {
    tr!("Stopped: 1 more message of this answer will not be sent."
        | "Stopped: {n} more messages of this answer will not be sent." % messages)
}

/// The reason that the rest of an answer was dropped after `/stop`.
pub const STOPPED_BY_USER: &str = "a user stopped the answer";

/// Returns the reason that a post was dropped because more than `most` posts were waiting for an unreachable place.
#[must_use]
pub fn too_many_waiting(most: usize) -> String {
    format!("more than {most} messages were waiting for this unreachable chat")
}

/// The remark about a code block that is sent as a file.
#[must_use]
pub fn in_file_below() -> String {
    tr!("in the file below")
}

/// Returns the last line of the excerpt of an answer that is sent as a file.
#[must_use]
pub fn whole_text_in(file: &str) -> String {
    tr!("… The whole text is in {file} below.", file)
}
