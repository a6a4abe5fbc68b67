//! The fields of Bot API updates that the host reads. A malformed optional message field counts as absent, so that a
//! value of an unknown kind doesn't make the whole message unreadable.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

/// The kinds of updates that the host requests: the fields of [`Update`].
pub(super) const ALLOWED_UPDATES: [&str; 4] =
    ["message", "edited_message", "callback_query", "stopped_message_generation"];

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Update {
    pub update_id: i64,
    pub message: Option<Message>,
    pub edited_message: Option<Message>,
    pub callback_query: Option<CallbackQuery>,
    #[serde(default, deserialize_with = "optional")]
    pub stopped_message_generation: Option<StoppedDraft>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    pub message_id: i64,
    /// Unix time in seconds.
    #[serde(default, deserialize_with = "optional")]
    pub date: Option<u64>,
    pub chat: Chat,
    /// The time of the last edit, as Unix time in seconds.
    #[serde(default, deserialize_with = "optional")]
    pub edit_date: Option<u64>,
    #[serde(default, deserialize_with = "optional")]
    pub from: Option<User>,
    /// The channel or group on whose behalf the message was sent. Only its presence matters, so its form is not
    /// checked.
    pub sender_chat: Option<Value>,
    #[serde(default, deserialize_with = "optional")]
    pub message_thread_id: Option<i32>,
    #[serde(default, deserialize_with = "optional")]
    pub is_topic_message: Option<bool>,
    #[serde(default, deserialize_with = "optional")]
    pub media_group_id: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    pub text: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub entities: Vec<Entity>,
    #[serde(default, deserialize_with = "optional")]
    pub caption: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub caption_entities: Vec<Entity>,
    #[serde(default, deserialize_with = "optional")]
    pub forward_origin: Option<MessageOrigin>,
    #[serde(default, deserialize_with = "optional")]
    pub reply_to_message: Option<Box<Self>>,
    #[serde(default, deserialize_with = "optional")]
    pub external_reply: Option<ExternalReply>,
    #[serde(default, deserialize_with = "optional")]
    pub quote: Option<Quote>,
    /// All other fields. In a message without text, the name of such a field identifies the kind of content.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl Message {
    /// Removes the reply reference if it refers to the service message that created the topic, because Telegram adds
    /// this reference to each topic message that is not a reply.
    pub fn remove_implicit_topic_reply(&mut self) {
        let thread = self.message_thread_id.filter(|_| self.is_topic_message == Some(true)).map(i64::from);
        self.reply_to_message
            .take_if(|reply| reply.others.contains_key("forum_topic_created") || thread == Some(reply.message_id));
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Chat {
    pub id: i64,
    #[serde(default, deserialize_with = "optional")]
    pub title: Option<String>,
    /// The first name of the user, in a private chat.
    #[serde(default, deserialize_with = "optional")]
    pub first_name: Option<String>,
    /// The last name of the user, in a private chat.
    #[serde(default, deserialize_with = "optional")]
    pub last_name: Option<String>,
}

impl Chat {
    /// Returns whether this is a group: only private chats have positive ids.
    pub const fn is_group(&self) -> bool {
        self.id < 0
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    pub id: u64,
    #[serde(default)]
    pub is_bot: bool,
    #[serde(default, deserialize_with = "optional")]
    pub first_name: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    pub last_name: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    pub language_code: Option<String>,
}

impl User {
    pub fn full_name(&self) -> String {
        [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// The user of a private chat has pressed the stop button of a draft.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StoppedDraft {
    pub chat: Chat,
    #[serde(default, deserialize_with = "optional")]
    pub message_thread_id: Option<i32>,
    pub draft_id: u32,
}

/// A formatted range of a text. `offset` and `length` count UTF-16 units.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Entity {
    #[serde(rename = "type")]
    pub kind: String,
    pub offset: usize,
    pub length: usize,
    #[serde(default, deserialize_with = "optional")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    pub language: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    pub user: Option<User>,
}

/// The origin of a forwarded message, or of a message in another chat that the user replies to.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct MessageOrigin {
    #[serde(default, deserialize_with = "optional")]
    sender_user: Option<User>,
    #[serde(default, deserialize_with = "optional")]
    sender_user_name: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    sender_chat: Option<Chat>,
    #[serde(default, deserialize_with = "optional")]
    chat: Option<Chat>,
}

impl MessageOrigin {
    pub fn name(&self) -> Option<String> {
        let user = self.sender_user.as_ref().map(User::full_name);
        let chat = || self.sender_chat.as_ref().or(self.chat.as_ref()).and_then(|chat| chat.title.clone());
        user.or_else(|| self.sender_user_name.clone()).or_else(chat)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ExternalReply {
    #[serde(default, deserialize_with = "optional")]
    pub origin: Option<MessageOrigin>,
}

/// The part that the user quotes from the message being replied to.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Quote {
    pub text: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct CallbackQuery {
    pub id: String,
    pub from: User,
    #[serde(default, deserialize_with = "optional")]
    pub message: Option<Message>,
    #[serde(default, deserialize_with = "optional")]
    pub data: Option<String>,
}

/// Returns the id of an update, even if the rest of it is malformed.
pub(super) fn id(update: &Value) -> Option<i64> {
    update.get("update_id")?.as_i64()
}

/// Returns the offset that confirms all updates up to the one with this id. The id comes from the server, so it may be
/// the largest number.
pub(super) const fn next_offset(last: i64) -> i64 {
    last.saturating_add(1)
}

fn optional<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// Deserializes a list and skips malformed items.
fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(items) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_update_id_has_an_offset() {
        assert_eq!([next_offset(7), next_offset(i64::MAX)], [8, i64::MAX]);
    }
}
