//! Tests answers that are sent as rich messages, and the fallback if the Bot API rejects them.

use std::sync::Arc;

use cordboard_chat::{MessageId, RichMessages, outbox::Post};
use cordboard_core::{
    agent_event::PromptId,
    turn::TurnFrame,
    types::{Alert, Place, Reply},
    updates_and_posts::OutboxRow,
};
use serde_json::json;

use crate::{
    botapi::Fault,
    test_bot::{ADA, TestBot, place, row},
};

const TABLE: &str = "See **this**:\n\n| Name | Count |\n|---|--:|\n| `web` | 12 |\n| db | |";

/// `TABLE` rendered as a plain message.
const PLAIN: &str = "See this:\n\nName  Count\n────  ─────\nweb      12\ndb";

async fn rich_bot() -> TestBot {
    TestBot::with(|settings| settings.rich = Arc::new(|| RichMessages::Auto)).await
}

fn answer(id: i64, chat: i64, text: &str) -> OutboxRow {
    OutboxRow { turn: Some(PromptId(format!("t{id}"))), ..row(id, chat, Reply::text(text)) }
}

async fn deliver(bot: &TestBot, row: OutboxRow) {
    bot.outbox.post(Post::Final(row));
    bot.outbox.drained().await;
}

#[tokio::test]
async fn an_answer_with_a_table_is_a_rich_message() {
    let bot = rich_bot().await;
    deliver(&bot, answer(1, ADA, TABLE)).await;
    let sent = bot.api.calls("sendRichMessage");
    let cell = |text: &str, align: &str| json!({"text": text, "align": align, "valign": "top"});
    let head = |text: &str, align: &str| json!({"text": text, "align": align, "valign": "top", "is_header": true});
    let cells = [
        [head("Name", "left"), head("Count", "right")],
        [cell("web", "left"), cell("12", "right")],
        [cell("db", "left"), cell("–", "right")],
    ];
    let blocks = json!([
        {"type": "paragraph", "text": ["See ", {"type": "bold", "text": "this"}, ":"]},
        {"type": "table", "is_bordered": true, "cells": cells},
    ]);
    assert_eq!(sent[0].params, json!({"chat_id": ADA, "rich_message": {"blocks": blocks}}));
    assert_eq!((sent.len(), bot.api.calls("sendMessage").len()), (1, 0));
}

#[tokio::test]
async fn long_code_stays_in_one_block() {
    let bot = rich_bot().await;
    let code = "let a = 1;\n".repeat(500);
    deliver(&bot, answer(1, ADA, &format!("```rust\n{code}```"))).await;
    let sent = bot.api.calls("sendRichMessage");
    let block = json!({"type": "pre", "language": "rust", "text": code.trim_end()});
    assert_eq!(sent[0].params["rich_message"]["blocks"], json!([block]));
    // An answer sent as a file isn't also sent as a rich message.
    deliver(&bot, answer(2, ADA, &format!("```rust\n{}```", code.repeat(3)))).await;
    assert_eq!((bot.api.calls("sendRichMessage").len(), bot.api.calls("sendDocument").len()), (1, 1));
}

#[tokio::test]
async fn plain_answers_and_replies_are_not_rich() {
    let bot = rich_bot().await;
    deliver(&bot, answer(1, ADA, "```\nshort\n```\n| no table")).await;
    deliver(&bot, row(2, ADA, Reply::text(TABLE))).await;
    let off = TestBot::new().await;
    deliver(&off, answer(3, ADA, TABLE)).await;
    assert_eq!(off.api.chat(ADA), [PLAIN]);
    assert!(bot.api.calls("sendRichMessage").is_empty() && off.api.calls("sendRichMessage").is_empty());
}

#[tokio::test]
async fn a_rich_message_has_its_topic_reply_buttons_and_alert() {
    const GROUP: i64 = -100_123;
    let bot = rich_bot().await;
    let mut post = answer(1, GROUP, TABLE);
    post.place = Place { topic: Some("5".to_owned()), ..post.place };
    post.reply = Reply {
        alert: Alert::Silent,
        reply_to: Some(MessageId("77".to_owned())),
        session: "web".parse().ok(),
        ..post.reply.button("Again", "/again")
    };
    deliver(&bot, post).await;
    let params = &bot.api.calls("sendRichMessage")[0].params;
    assert_eq!((&params["message_thread_id"], &params["disable_notification"]), (&json!(5), &json!(true)));
    assert_eq!(params["reply_parameters"], json!({"message_id": 77, "allow_sending_without_reply": true}));
    assert_eq!(params["reply_markup"]["inline_keyboard"][0][0]["text"], "Again");
    assert_eq!(params["rich_message"]["blocks"][0], json!({"type": "paragraph", "text": "[web]"}));
}

#[tokio::test]
async fn a_rich_answer_replaces_its_live_message() {
    let bot = rich_bot().await;
    let frame = TurnFrame { messages: vec![Reply::text("See")], live: None };
    let turn = PromptId("t1".to_owned());
    bot.outbox.post(Post::Frame { place: place(ADA), turn, frame, stop: None });
    bot.api.until("the live message", |api| api.chat(ADA) == ["See"]).await;
    deliver(&bot, answer(1, ADA, TABLE)).await;
    assert_eq!(bot.api.chat(ADA), ["See this:\nName | Count\nweb | 12\ndb | –"]);
    assert!(bot.api.calls("editMessageText").is_empty());
}

#[tokio::test]
async fn a_refused_rich_answer_is_sent_as_text() {
    let bot = rich_bot().await;
    for (id, code, why) in [(1, 400, "Bad Request: RICH_MESSAGE_INVALID"), (2, 404, "Not Found: method not found")] {
        bot.api.fail("sendRichMessage", Fault::Error(code, why));
        deliver(&bot, answer(id, ADA, TABLE)).await;
    }
    assert_eq!((bot.api.chat(ADA), bot.api.rings(ADA)), (vec![PLAIN.to_owned(); 2], vec![PLAIN.to_owned(); 2]));
    // A chat may allow plain messages but not rich ones.
    bot.api.fail("sendRichMessage", Fault::Error(400, "Bad Request: not enough rights to send rich messages"));
    deliver(&bot, answer(3, ADA, TABLE)).await;
    assert_eq!(bot.api.chat(ADA), [PLAIN; 3]);
    // An accepted rich message resets the count of rejections.
    deliver(&bot, answer(4, ADA, TABLE)).await;
    assert_eq!(bot.api.calls("sendRichMessage").len(), 4);
}

#[tokio::test]
async fn three_refusals_disable_rich_messages_in_their_chat() {
    const OTHER: i64 = 8002;
    let bot = rich_bot().await;
    for id in 1..=3 {
        bot.api.fail("sendRichMessage", Fault::Error(400, "Bad Request: rich messages are not supported"));
        deliver(&bot, answer(id, ADA, TABLE)).await;
    }
    deliver(&bot, answer(4, ADA, TABLE)).await;
    assert_eq!((bot.api.chat(ADA), bot.api.calls("sendRichMessage").len()), (vec![PLAIN.to_owned(); 4], 3));
    assert_eq!(bot.log.count("Telegram refuses rich messages"), 1);
    deliver(&bot, answer(5, OTHER, TABLE)).await;
    assert_eq!(bot.api.calls("sendRichMessage").len(), 4, "other chats still get them");
}

#[tokio::test]
async fn a_rich_answer_with_a_lost_response_is_not_sent_as_text() {
    let bot = rich_bot().await;
    bot.api.fail("sendRichMessage", Fault::Lost);
    bot.api.fail("sendRichMessage", Fault::Flood(0));
    deliver(&bot, answer(1, ADA, TABLE)).await;
    assert_eq!(bot.api.calls("sendRichMessage").len(), 3, "it is repeated like other messages");
    assert!(bot.api.calls("sendMessage").is_empty());
}

#[tokio::test]
async fn a_rich_answer_follows_its_migrated_group() {
    const GROUP: i64 = -77;
    const MOVED: i64 = -100_077;
    let bot = rich_bot().await;
    bot.api.migrate(GROUP, MOVED);
    deliver(&bot, answer(1, GROUP, TABLE)).await;
    assert_eq!(bot.api.chat(MOVED).len(), 1);
    assert_eq!(bot.api.calls("sendRichMessage").len(), 2);
}
