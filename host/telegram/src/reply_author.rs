//! Determines the author of the message that a command replies to.

use cordboard_core::types::MessageAuthor;

use super::update::Message;

/// Returns the author of the message that `message` replies to, or `None` if it doesn't reply to a message in the same
/// chat. If that message was forwarded, its author is the person who forwarded it, not the original author.
pub(super) fn of(message: &Message) -> Option<MessageAuthor> {
    let replied = message.reply_to_message.as_deref()?;
    // In a message that was posted as a group or a channel, `from` is a Telegram bot or the channel's account.
    if replied.sender_chat.is_some() {
        return Some(MessageAuthor::Anonymous);
    }
    Some(match &replied.from {
        None => MessageAuthor::Anonymous,
        Some(from) if from.is_bot => MessageAuthor::Bot,
        Some(from) => MessageAuthor::Person { id: from.id, name: from.full_name() },
    })
}
