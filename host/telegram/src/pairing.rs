//! The interface through which a person becomes the owner, and the detection of pairing codes in messages.

use async_trait::async_trait;
use cordboard_chat::StorageError;
use cordboard_core::{
    pairing,
    route::{self, BotText},
    types::Place,
};

use super::update::{Message, User};

/// A text that contains a pairing code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingAttempt {
    /// The key of the update.
    pub key: String,
    pub kind: AttemptKind,
    /// The normalized code.
    pub code: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptKind {
    /// A new message in the private chat of a person. `user` is the numeric id of the person, and
    /// `locale` is the language of their app.
    Private { user: u64, name: String, place: Place, locale: Option<String> },
    /// A message that can't be used for pairing: it was edited or forwarded, is in a group, or has no identifiable
    /// author.
    Other,
}

/// The result of a pairing attempt: it says whether the front-end still has to handle the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairingOutcome {
    /// The message needs no further handling. It must not be stored, because it may contain the code.
    Handled,
    /// There is no valid code. Handle the message like any other.
    NotPairing,
}

/// Makes the first person who sends the one-time code the owner.
#[async_trait]
pub trait PairingHandler: Send + Sync {
    /// Called once the bot's account is known. If the host has no owner, creates a code and logs it. `bot` is the user
    /// name of the bot.
    async fn begin(&self, bot: &str);

    /// Checks a code.
    ///
    /// # Errors
    /// The owner could not be stored. The front-end should try again with the same update.
    async fn attempt(&self, attempt: PairingAttempt) -> Result<PairingOutcome, StorageError>;
}

/// Returns the code that a message contains. `bot` is the user name of the bot.
pub(super) fn code_in(message: &Message, bot: &str) -> Option<String> {
    let text = message.text.as_ref().or(message.caption.as_ref())?;
    match route::remove_bot_name(text, bot) {
        BotText::Command(command) => pairing::typed_code(&command),
        BotText::OtherBot | BotText::Text => None,
    }
}

/// Returns the author of a message if the author wrote it in the private chat with the bot. A private chat has the same
/// id as its user.
pub(super) fn private_author(message: &Message) -> Option<&User> {
    let is_private = |from: &&User| i64::try_from(from.id) == Ok(message.chat.id);
    let from = message.from.as_ref().filter(|from| !from.is_bot).filter(is_private)?;
    let is_own = message.sender_chat.is_none() && message.forward_origin.is_none();
    is_own.then_some(from)
}
