//! Sends answers as rich messages, and remembers the chats in which the Bot API refuses them.

use std::{collections::HashMap, sync::Mutex};

use cordboard_chat::{ChatError, MessageId, Outgoing, RichMessages};
use cordboard_core::{
    render::{CellAlignment, Entity, Message, RichBlock, RichMessage, RichTable, Style, units},
    types::{Alert, Place},
};
use serde::Serialize;
use serde_json::{Value, json};
use teloxide_core::{
    requests::Payload,
    types::{InlineKeyboardMarkup, ReplyParameters, ThreadId},
};

use super::super::{Telegram, api::BotApiError, locked};

/// After this many refusals in a row, no more rich messages are sent to a chat until the host restarts.
const MOST_REFUSALS: u32 = 3;

/// The number of refusals in a row, by chat.
#[derive(Default)]
pub(in super::super) struct RichRefusals(Mutex<HashMap<String, u32>>);

impl RichRefusals {
    fn reset(&self, place: &Place) {
        locked(&self.0).remove(&place.chat);
    }

    fn add(&self, place: &Place) {
        let mut refusals = locked(&self.0);
        let count = refusals.entry(place.chat.clone()).or_default();
        *count += 1;
        if *count == MOST_REFUSALS {
            tracing::warn!(%place, "Telegram refuses rich messages: the chat gets none until a restart");
        }
    }

    fn are_too_many(&self, place: &Place) -> bool {
        locked(&self.0).get(&place.chat).is_some_and(|count| *count >= MOST_REFUSALS)
    }
}

#[derive(Serialize)]
struct SendRichMessage {
    chat_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<ThreadId>,
    rich_message: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_notification: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_parameters: Option<ReplyParameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_markup: Option<InlineKeyboardMarkup>,
}

impl Payload for SendRichMessage {
    type Output = Value;

    const NAME: &'static str = "SendRichMessage";
}

impl Telegram {
    pub(super) fn rich_messages_in(&self, place: &Place) -> RichMessages {
        match (self.settings.rich)() {
            RichMessages::Auto if self.rich_refusals.are_too_many(place) => RichMessages::Off,
            rich @ (RichMessages::Auto | RichMessages::Off) => rich,
        }
    }

    /// Sends a rich message. Fails with [`ChatError::Rejected`] if the outbox should send the answer as normal
    /// messages.
    ///
    /// If the response is lost, the outbox repeats the call, as it does for any message.
    pub(super) async fn send_rich(
        &self,
        place: &Place,
        message: &Outgoing,
        rich: &RichMessage,
    ) -> Result<MessageId, ChatError> {
        let keyboard = self.keyboard(message).await?;
        let content = json!({ "blocks": blocks(&rich.blocks) });
        let sent = self.send_to_current(place, message, |target, reply_parameters| SendRichMessage {
            chat_id: target.chat,
            message_thread_id: target.topic,
            rich_message: content.clone(),
            disable_notification: (message.alert == Alert::Silent).then_some(true),
            reply_parameters,
            reply_markup: keyboard.clone(),
        });
        match sent.await {
            Ok(id) => {
                self.rich_refusals.reset(place);
                Ok(id)
            }
            Err(BotApiError::Rejected { why }) => Err(self.on_rich_refused(place, why)),
            // An old server doesn't support the method.
            Err(BotApiError::Unauthorised { why }) if why.contains("Not Found") => {
                Err(self.on_rich_refused(place, why))
            }
            // The place may be reachable for other messages.
            Err(BotApiError::Unreachable { why }) => Err(ChatError::Rejected { why }),
            Err(error) => Err(error.into()),
        }
    }

    fn on_rich_refused(&self, place: &Place, why: String) -> ChatError {
        tracing::debug!(%place, why, "a rich message was refused");
        self.rich_refusals.add(place);
        ChatError::Rejected { why }
    }
}

fn blocks(of: &[RichBlock]) -> Vec<Value> {
    of.iter().map(block).collect()
}

fn block(block: &RichBlock) -> Value {
    match block {
        RichBlock::Paragraph(message) => json!({ "type": "paragraph", "text": rich_text(message) }),
        RichBlock::Code { language: Some(language), code } => {
            json!({ "type": "pre", "text": code, "language": language })
        }
        RichBlock::Code { language: None, code } => json!({ "type": "pre", "text": code }),
        RichBlock::Quote(inner) => json!({ "type": "blockquote", "blocks": blocks(inner) }),
        RichBlock::Table(table) => json!({ "type": "table", "cells": cells(table), "is_bordered": true }),
    }
}

fn cells(table: &RichTable) -> Vec<Vec<Value>> {
    let row = |(number, row): (usize, &Vec<String>)| {
        let cell = |(text, alignment): (&String, &CellAlignment)| {
            let align = match alignment {
                CellAlignment::Left => "left",
                CellAlignment::Center => "center",
                CellAlignment::Right => "right",
            };
            let mut cell = json!({ "text": text, "align": align, "valign": "top" });
            if number == 0 {
                cell["is_header"] = true.into();
            }
            cell
        };
        row.iter().zip(&table.alignments).map(cell).collect()
    };
    table.rows.iter().enumerate().map(row).collect()
}

/// Converts a text with nested entities to a rich text: a string, or a list of strings and styled texts.
fn rich_text(message: &Message) -> Value {
    let starts: Vec<usize> = message
        .text
        .char_indices()
        .flat_map(|(at, c)| std::iter::repeat_n(at, c.len_utf16()))
        .chain([message.text.len()])
        .collect();
    let text = |from: usize, to: usize| Value::from(&message.text[starts[from]..starts[to]]);
    let end = units(&message.text);
    // The text so far in each open style, innermost last. The first entry is the whole text.
    let mut open: Vec<(Option<&Entity>, Vec<Value>)> = vec![(None, Vec::new())];
    let mut at = 0;
    let mut coming = message.entities.iter().peekable();
    loop {
        let closing = open.last().and_then(|(entity, _)| *entity).map_or(end, Entity::end);
        let next = coming.peek().map_or(end, |entity| entity.offset).min(closing);
        if let Some((_, inside)) = open.last_mut().filter(|_| next > at) {
            inside.push(text(at, next));
        }
        at = at.max(next);
        if next == closing {
            let Some((entity, inside)) = open.pop() else { return Value::Null };
            match (entity, open.last_mut()) {
                (Some(entity), Some((_, outside))) => outside.push(styled(&entity.style, joined(inside))),
                _ => return joined(inside),
            }
        } else if let Some(entity) = coming.next() {
            open.push((Some(entity), Vec::new()));
        }
    }
}

fn joined(mut texts: Vec<Value>) -> Value {
    match texts.len() {
        1 => texts.remove(0),
        _ => texts.into(),
    }
}

fn styled(style: &Style, text: Value) -> Value {
    match style {
        Style::Bold => json!({ "type": "bold", "text": text }),
        Style::Italic => json!({ "type": "italic", "text": text }),
        Style::Strike => json!({ "type": "strikethrough", "text": text }),
        Style::Spoiler => json!({ "type": "spoiler", "text": text }),
        Style::Code => json!({ "type": "code", "text": text }),
        Style::Link { url } => json!({ "type": "url", "text": text, "url": url }),
        // A paragraph can't contain blocks.
        Style::Pre { .. } | Style::Quote | Style::ExpandableQuote => text,
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::render::render_rich;

    use super::*;

    #[test]
    fn nested_styles_become_nested_texts() {
        let texts = |markdown: &str| blocks(&render_rich(markdown).unwrap().blocks);
        assert_eq!(texts("plain"), [json!({ "type": "paragraph", "text": "plain" })]);
        let inner = json!(["a ", { "type": "italic", "text": { "type": "strikethrough", "text": "😀" } }]);
        let link = json!({ "type": "url", "text": { "type": "spoiler", "text": "l" }, "url": "https://a.example" });
        let expected = json!({
            "type": "paragraph",
            "text": ["x ", { "type": "bold", "text": inner }, " ", { "type": "code", "text": "c" }, link, " y"],
        });
        assert_eq!(texts("x **a *~~😀~~*** `c`[||l||](https://a.example) y"), [expected]);
    }
}
