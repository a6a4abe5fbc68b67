//! The messages of the chats, as they are now and as they were sent.

use serde_json::Value;

use super::BotApi;

impl BotApi {
    /// Texts that stand in a chat, in order.
    pub fn chat(&self, chat: i64) -> Vec<String> {
        self.since(chat, 0)
    }

    /// The id that the next message gets, in whatever chat it is sent.
    pub fn next_id(&self) -> i64 {
        self.look(|inner| inner.next_message)
    }

    /// Texts of the messages that have this id or a later one. A count of messages would not do instead: the live
    /// message of an answer is deleted at some time.
    pub fn since(&self, chat: i64, first: i64) -> Vec<String> {
        self.standing(|(of, id), _| of == chat && id >= first)
    }

    /// Texts of the messages in a topic of a chat, or in none of its topics, that have this id or a later one.
    pub fn topic(&self, (chat, topic): (i64, Option<i64>), first: i64) -> Vec<String> {
        let there = |message: &Value| message["message_thread_id"].as_i64() == topic;
        self.standing(|(of, id), message| of == chat && id >= first && there(message))
    }

    /// Texts of the messages in a chat that notified, as they were sent.
    pub fn rings(&self, chat: i64) -> Vec<String> {
        let sent = self.calls("sendMessage").into_iter();
        let rings = sent.filter(|call| call.params["chat_id"] == chat && call.params["disable_notification"] != true);
        rings.map(|call| call.text().to_owned()).collect()
    }

    /// What stands in a message now.
    pub fn stands(&self, chat: i64, id: i64) -> String {
        self.look(|inner| inner.messages[&(chat, id)]["text"].as_str().unwrap_or_default().to_owned())
    }

    fn standing(&self, wanted: impl Fn((i64, i64), &Value) -> bool) -> Vec<String> {
        self.look(|inner| {
            let mut of: Vec<_> = inner.messages.iter().filter(|(key, message)| wanted(**key, message)).collect();
            of.sort_by_key(|((_, id), _)| *id);
            of.into_iter().map(|(_, message)| message["text"].as_str().unwrap_or_default().to_owned()).collect()
        })
    }
}
