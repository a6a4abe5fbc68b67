//! Finds the buttons below messages by their labels, as a user does, and presses them.

use serde_json::{Value, json};

use super::{BotApi, message};

impl BotApi {
    /// Returns the message id, label and data of every button in a chat, in order.
    pub fn buttons(&self, chat: i64) -> Vec<(i64, String, String)> {
        let mut messages: Vec<(i64, Value)> = self.look(|inner| {
            let of = inner.messages.iter().filter(|((of, _), _)| *of == chat);
            of.map(|((_, id), message)| (*id, message["reply_markup"]["inline_keyboard"].clone())).collect()
        });
        messages.sort_by_key(|(id, _)| *id);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut buttons = Vec::new();
        for (id, rows) in messages {
            let row = rows.as_array().into_iter().flatten().filter_map(Value::as_array).flatten();
            buttons.extend(row.map(|button| (id, text(&button["text"]), text(&button["callback_data"]))));
        }
        buttons
    }

    /// Presses the newest button with this label. Returns the press's id and the message's id.
    pub fn press(&self, user: i64, chat: i64, label: &str) -> (String, i64) {
        let buttons = self.buttons(chat);
        let found = buttons.iter().rfind(|(_, of, _)| of == label);
        let (id, _, data) = found.unwrap_or_else(|| panic!("no button '{label}' in {buttons:?}"));
        let press = self.press_data((user, chat), *id, data);
        (press, *id)
    }

    /// Presses a button that has this data, below a message in the chat. Returns the press's id.
    pub fn press_data(&self, (user, chat): (i64, i64), id: i64, data: &str) -> String {
        let press = format!("press-{}", self.look(|inner| inner.next_update));
        self.push(json!({"callback_query": {
            "id": press, "chat_instance": "c", "data": data,
            "message": message(42, chat, json!({"text": "with buttons", "message_id": id})),
            "from": {"id": user, "is_bot": false, "first_name": "Ada"},
        }}));
        press
    }
}
