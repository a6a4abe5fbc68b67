//! Reads chat messages in their current state or as they were sent.

use serde_json::Value;

use super::BotApi;

/// Returns a rich message's parameters plus a `text` parameter, which has one line per paragraph and table row.
pub fn with_rich_text(params: &Value) -> Value {
    let mut params = params.clone();
    params["text"] = blocks(&params["rich_message"]["blocks"]).into();
    params
}

fn blocks(of: &Value) -> String {
    let all = of.as_array().into_iter().flatten();
    all.map(block).collect::<Vec<_>>().join("\n")
}

fn block(block: &Value) -> String {
    let row = |row: &Value| {
        let cells = row.as_array().into_iter().flatten().map(|cell| text(&cell["text"]));
        cells.collect::<Vec<_>>().join(" | ")
    };
    match block["type"].as_str() {
        Some("table") => block["cells"].as_array().into_iter().flatten().map(row).collect::<Vec<_>>().join("\n"),
        Some("blockquote") => blocks(&block["blocks"]),
        _ => text(&block["text"]),
    }
}

fn text(of: &Value) -> String {
    match of {
        Value::String(text) => text.clone(),
        Value::Array(texts) => texts.iter().map(text).collect(),
        Value::Object(fields) => fields.get("text").map(text).unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

impl BotApi {
    /// Returns the texts in a chat, in order.
    pub fn chat(&self, chat: i64) -> Vec<String> {
        self.since(chat, 0)
    }

    /// Returns the id of the bot's next message in any chat.
    pub fn next_id(&self) -> i64 {
        self.look(|inner| inner.next_message)
    }

    /// Returns the texts of messages with this id or a later one. Counting messages wouldn't work, because the host may
    /// delete an answer's live message.
    pub fn since(&self, chat: i64, first: i64) -> Vec<String> {
        self.texts(|(of, id), _| of == chat && id >= first)
    }

    /// Returns the texts of messages with this id or a later one that are in the given topic of a chat, or outside of
    /// all topics.
    pub fn topic(&self, (chat, topic): (i64, Option<i64>), first: i64) -> Vec<String> {
        let there = |message: &Value| message["message_thread_id"].as_i64() == topic;
        self.texts(|(of, id), message| of == chat && id >= first && there(message))
    }

    /// Returns the texts of a chat's messages that were sent with a notification.
    pub fn rings(&self, chat: i64) -> Vec<String> {
        let sent = self.calls("sendMessage").into_iter();
        let rings = sent.filter(|call| call.params["chat_id"] == chat && call.params["disable_notification"] != true);
        rings.map(|call| call.text().to_owned()).collect()
    }

    /// Returns the current text of a message.
    pub fn current_text(&self, chat: i64, id: i64) -> String {
        self.look(|inner| inner.messages[&(chat, id)]["text"].as_str().unwrap_or_default().to_owned())
    }

    fn texts(&self, wanted: impl Fn((i64, i64), &Value) -> bool) -> Vec<String> {
        self.look(|inner| {
            let mut of: Vec<_> = inner.messages.iter().filter(|(key, message)| wanted(**key, message)).collect();
            of.sort_by_key(|((_, id), _)| *id);
            of.into_iter().map(|(_, message)| message["text"].as_str().unwrap_or_default().to_owned()).collect()
        })
    }
}
