//! Topics in forums, and in private chats with a bot for which topic mode is turned on.

use axum::response::Response;
use serde_json::{Value, json};

use super::{BotApi, Inner, error, key, ok};

/// The available topic icons: emoji and custom emoji ids.
const ICONS: [(&str, &str); 6] = [
    ("📰", "icon-news"),
    ("⚡️", "icon-working"),
    ("💬", "icon-idle"),
    ("❓", "icon-waiting"),
    ("☕️", "icon-suspended"),
    ("❗️", "icon-failed"),
];

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topic {
    pub name: String,
    /// The icon's custom emoji id. Empty if the topic has no icon.
    pub icon: String,
    pub is_closed: bool,
    is_deleted: bool,
}

impl BotApi {
    /// Turns on topics in a chat where the bot may manage them.
    pub fn add_forum(&self, chat: i64) {
        self.with(|inner| inner.forums.insert(chat, true));
    }

    /// Withdraws the bot's right to manage topics.
    pub fn withdraw_topic_right(&self, chat: i64) {
        self.with(|inner| inner.forums.insert(chat, false));
    }

    /// Turns on topic mode, so that the bot's private chats have topics.
    pub fn turn_on_topic_mode(&self) {
        self.with(|inner| inner.topic_mode = true);
    }

    pub fn delete_topic(&self, chat: i64, topic: i64) {
        self.with(|inner| inner.topics.get_mut(&(chat, topic)).expect("a topic").is_deleted = true);
    }

    /// Returns a chat's topics that haven't been deleted, with their ids.
    pub fn topics(&self, chat: i64) -> Vec<(i64, Topic)> {
        self.look(|inner| {
            let here = inner.topics.iter().filter(|((of, _), topic)| *of == chat && !topic.is_deleted);
            let mut here: Vec<_> = here.map(|((_, id), topic)| (*id, topic.clone())).collect();
            here.sort_by_key(|(id, _)| *id);
            here
        })
    }
}

pub fn icon_stickers() -> Response {
    let sticker = |(emoji, id): (&str, &str)| json!({"emoji": emoji, "custom_emoji_id": id, "type": "custom_emoji"});
    ok(ICONS.into_iter().map(sticker).collect())
}

fn is_icon(id: &str) -> bool {
    ICONS.iter().any(|(_, icon)| *icon == id)
}

pub fn create(inner: &mut Inner, params: &Value) -> Response {
    let (chat, _) = key(params);
    let right = inner.forums.get(&chat).copied().or((chat > 0 && inner.topic_mode).then_some(true));
    match right {
        None => return error(400, "Bad Request: the chat is not a forum"),
        Some(false) => return error(400, "Bad Request: not enough rights to create a topic"),
        Some(true) => {}
    }
    let text = |name: &str| params[name].as_str().unwrap_or_default().to_owned();
    let (name, icon) = (text("name"), text("icon_custom_emoji_id"));
    if !icon.is_empty() && !is_icon(&icon) {
        return error(400, "Bad Request: DOCUMENT_INVALID");
    }
    // A topic's id is the id of the service message that announces the topic.
    let id = inner.next_message;
    inner.next_message += 1;
    inner.topics.insert((chat, id), Topic { name: name.clone(), icon, ..Topic::default() });
    ok(json!({"message_thread_id": id, "name": name, "icon_color": 7_322_096}))
}

/// Changes a topic, unless it doesn't exist or nothing would change.
fn change(inner: &mut Inner, params: &Value, change: impl FnOnce(&mut Topic)) -> Response {
    let (chat, _) = key(params);
    if inner.forums.get(&chat) == Some(&false) {
        return error(400, "Bad Request: not enough rights");
    }
    let id = params["message_thread_id"].as_i64().unwrap_or_default();
    let Some(topic) = inner.topics.get_mut(&(chat, id)).filter(|topic| !topic.is_deleted) else {
        return error(400, "Bad Request: TOPIC_ID_INVALID");
    };
    let before = topic.clone();
    change(topic);
    if *topic == before { error(400, "Bad Request: TOPIC_NOT_MODIFIED") } else { ok(true.into()) }
}

pub fn edit(inner: &mut Inner, params: &Value) -> Response {
    let icon = params["icon_custom_emoji_id"].as_str();
    if icon.is_some_and(|icon| !icon.is_empty() && !is_icon(icon)) {
        return error(400, "Bad Request: DOCUMENT_INVALID");
    }
    change(inner, params, |topic| {
        if let Some(name) = params["name"].as_str().filter(|name| !name.is_empty()) {
            name.clone_into(&mut topic.name);
        }
        if let Some(icon) = icon {
            icon.clone_into(&mut topic.icon);
        }
    })
}

pub fn close(inner: &mut Inner, params: &Value) -> Response {
    change(inner, params, |topic| topic.is_closed = true)
}

pub fn reopen(inner: &mut Inner, params: &Value) -> Response {
    change(inner, params, |topic| topic.is_closed = false)
}

/// Returns whether a message is addressed to a deleted topic.
pub fn is_deleted(inner: &Inner, params: &Value) -> bool {
    let topic = params["message_thread_id"].as_i64().and_then(|id| inner.topics.get(&(key(params).0, id)));
    topic.is_some_and(|topic| topic.is_deleted)
}
