//! What is read of the Bot API's updates, and no more: a field or a kind that is not known here never costs a message.
//!
//! Every field that a message can do without is optional, and one that has another form than expected counts as absent.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Update {
    pub update_id: i64,
    pub message: Option<Message>,
    pub edited_message: Option<Message>,
    pub callback_query: Option<CallbackQuery>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    pub message_id: i64,
    /// In seconds.
    #[serde(default, deserialize_with = "lenient")]
    pub date: Option<u64>,
    pub chat: Chat,
    /// When it was edited, in seconds.
    #[serde(default, deserialize_with = "lenient")]
    pub edit_date: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub from: Option<User>,
    /// The channel or group that speaks in place of a person. Any form of it counts.
    pub sender_chat: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub message_thread_id: Option<i32>,
    #[serde(default, deserialize_with = "lenient")]
    pub is_topic_message: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub media_group_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub text: Option<String>,
    #[serde(default, deserialize_with = "each")]
    pub entities: Vec<Entity>,
    #[serde(default, deserialize_with = "lenient")]
    pub caption: Option<String>,
    #[serde(default, deserialize_with = "each")]
    pub caption_entities: Vec<Entity>,
    #[serde(default, deserialize_with = "lenient")]
    pub forward_origin: Option<Origin>,
    #[serde(default, deserialize_with = "lenient")]
    pub reply_to_message: Option<Box<Self>>,
    #[serde(default, deserialize_with = "lenient")]
    pub external_reply: Option<ExternalReply>,
    #[serde(default, deserialize_with = "lenient")]
    pub quote: Option<Quote>,
    /// All other fields; content that is no text is known by its field alone.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Chat {
    pub id: i64,
    #[serde(default, deserialize_with = "lenient")]
    pub title: Option<String>,
}

impl Chat {
    /// Only private chats have ids above zero.
    pub const fn is_group(&self) -> bool {
        self.id < 0
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    pub id: u64,
    #[serde(default)]
    pub is_bot: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub first_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub last_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub language_code: Option<String>,
}

impl User {
    pub fn full_name(&self) -> String {
        [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// A part of a text that the client marks; offset and length count UTF-16 units.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Entity {
    #[serde(rename = "type")]
    pub kind: String,
    pub offset: usize,
    pub length: usize,
    #[serde(default, deserialize_with = "lenient")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub language: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub user: Option<User>,
}

/// Where a message comes from that somebody forwards or answers in another chat.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Origin {
    #[serde(default, deserialize_with = "lenient")]
    sender_user: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    sender_user_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    sender_chat: Option<Chat>,
    #[serde(default, deserialize_with = "lenient")]
    chat: Option<Chat>,
}

impl Origin {
    pub fn name(&self) -> Option<String> {
        let user = self.sender_user.as_ref().map(User::full_name);
        let chat = || self.sender_chat.as_ref().or(self.chat.as_ref()).and_then(|chat| chat.title.clone());
        user.or_else(|| self.sender_user_name.clone()).or_else(chat)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ExternalReply {
    #[serde(default, deserialize_with = "lenient")]
    pub origin: Option<Origin>,
}

/// The part of a message that its answer is about.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Quote {
    pub text: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct CallbackQuery {
    pub id: String,
    pub from: User,
    #[serde(default, deserialize_with = "lenient")]
    pub message: Option<Message>,
    #[serde(default, deserialize_with = "lenient")]
    pub data: Option<String>,
}

/// The id of an update of any form.
pub(super) fn id(update: &Value) -> Option<i64> {
    update.get("update_id")?.as_i64()
}

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// The items of a list that have the expected form.
fn each<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(items) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}
