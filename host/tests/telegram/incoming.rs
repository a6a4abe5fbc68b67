//! Tests incoming updates: access, parsing, storage and confirmation.

use std::time::Duration;

use cordboard_chat::{ButtonAction, Inbox as _, MessageId, Update, UpdateKind};
use cordboard_core::{
    types::{Place, Role, Timestamp, UserId},
    updates_and_posts::MessagePart,
};
use serde_json::{Value, json};

use crate::{
    botapi::{BotApi, HALF_PAIR, HUGE, NO_UTF8, message},
    test_bot::{ADA, TestBot, place},
};

const GROUP: i64 = -100_123;
const BOB: i64 = 7002;

fn texts(updates: &[cordboard_chat::Update]) -> Vec<String> {
    let text = |update: &'_ cordboard_chat::Update| match &update.what {
        UpdateKind::Text(text) => Some(text.clone()),
        UpdateKind::Press { .. } | UpdateKind::NotText { .. } | UpdateKind::Edited(_) => None,
    };
    updates.iter().filter_map(text).collect()
}

#[tokio::test]
async fn a_text_is_stored_before_it_is_confirmed() {
    let bot = TestBot::new().await;
    let id = bot.api.says(ADA, "hello 👋");
    let _poll = bot.poll();
    let stored = bot.until_stored(1).await;
    let update = &stored[0];
    assert_eq!(update.what, UpdateKind::Text("hello 👋".to_owned()));
    assert_eq!(update.place, place(ADA));
    let caller = (&update.caller.id, update.caller.name.as_str(), update.caller.role);
    assert_eq!(caller, (&UserId(format!("telegram:{ADA}")), "Ada L", Role::Member));
    assert_eq!((update.at, update.locale.as_deref()), (Timestamp(1_790_000_000_000), Some("en")));
    bot.api.until_calls("getUpdates", 2).await;
    assert_eq!(bot.api.calls("getUpdates")[0].params.get("offset"), None);
    assert_eq!(bot.api.calls("getUpdates")[1].params["offset"], id + 1);
    assert_eq!(bot.inbox.last_offset(), Some(id + 1));
}

#[tokio::test]
async fn messages_of_users_without_access_are_ignored() {
    let bot = TestBot::new().await;
    bot.api.says(666, "let me in");
    bot.api.says(666, "please");
    let anonymous = json!({"text": "as the group", "sender_chat": {"id": GROUP, "type": "supergroup", "title": "g"}});
    bot.api.push(json!({"message": message(ADA, GROUP, anonymous)}));
    bot.api.push(json!({"channel_post": message(ADA, GROUP, json!({"text": "a channel"}))}));
    let mut update = message(ADA, ADA, json!({"text": "a bot"}));
    update["from"]["is_bot"] = true.into();
    bot.api.push(json!({"message": update}));
    bot.api.says(ADA, "it's me");
    let _poll = bot.poll();
    assert_eq!(texts(&bot.until_stored(1).await), ["it's me"]);
    assert_eq!(bot.log.count("user=666"), 1, "the log names the user id once");
}

#[tokio::test]
async fn an_irrelevant_batch_is_confirmed() {
    let bot = TestBot::new().await;
    let id = bot.api.says(666, "let me in");
    let _poll = bot.poll();
    bot.api
        .until("the confirmation", |api| api.calls("getUpdates").iter().any(|call| call.params["offset"] == id + 1))
        .await;
    assert_eq!(bot.inbox.last_offset(), None, "an irrelevant batch costs no commit");
}

#[tokio::test]
async fn commands_for_other_bots_are_ignored() {
    let bot = TestBot::new().await;
    for text in [
        "/new@cord_bot alpha",
        "/New@Cord_Bot\nbeta",
        "\u{a0}／new＠cord_bot delta",
        "/new@other_bot gamma",
        "/etc/hosts@x is broken",
        "a@b",
    ] {
        bot.api.push(json!({"message": message(ADA, GROUP, json!({"text": text}))}));
    }
    let _poll = bot.poll();
    let stored = bot.until_stored(5).await;
    let wanted = ["/new alpha", "/new beta", "/new delta", "/etc/hosts@x is broken", "a@b"];
    assert_eq!(texts(&stored), wanted);
    assert_eq!(stored[0].place, place(GROUP));
}

#[tokio::test]
async fn a_topic_is_a_separate_place_and_a_reply_is_not() {
    let bot = TestBot::new().await;
    let topic = json!({"text": "in a topic", "message_thread_id": 5, "is_topic_message": true});
    bot.api.push(json!({"message": message(ADA, GROUP, topic)}));
    bot.api.push(json!({"message": message(ADA, GROUP, json!({"text": "a reply", "message_thread_id": 6}))}));
    let _poll = bot.poll();
    let stored = bot.until_stored(2).await;
    assert_eq!(stored[0].place, Place { topic: Some("5".to_owned()), ..place(GROUP) });
    assert_eq!(stored[1].place, place(GROUP));
}

fn photo(more: Value) -> Value {
    let mut photo =
        json!({"photo": [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "file_size": 9}]});
    for (key, value) in more.as_object().unwrap() {
        photo[key] = value.clone();
    }
    json!({"message": message(ADA, ADA, photo)})
}

#[tokio::test]
async fn media_arrive_as_their_kind_and_caption() {
    let bot = TestBot::new().await;
    bot.api.push(photo(json!({"caption": "look"})));
    let file = json!({"document": {"file_id": "f", "file_unique_id": "u", "file_name": "a.txt", "file_size": 3}});
    bot.api.push(json!({"message": message(ADA, ADA, file)}));
    let voice = json!({"voice": {"file_id": "f", "file_unique_id": "u", "duration": 3, "file_size": 3}});
    bot.api.push(json!({"message": message(ADA, ADA, voice)}));
    // Push service messages of known and unknown kinds.
    for notice in ["new_chat_title", "chat_owner_left", "poll_option_added", "community_chat_joined", "of_the_future"] {
        bot.api.push(json!({"message": message(ADA, ADA, json!({notice: {"title": "a notice"}}))}));
    }
    bot.api.push(json!({"of_the_future": {"id": 1}}));
    bot.api.push(json!({"message": {"broken": true}}));
    bot.api.says(ADA, "the end");
    let _poll = bot.poll();
    let stored = bot.until_stored(4).await;
    let not_text = |update: &Update| {
        let UpdateKind::NotText { kind, caption, files } = &update.what else { panic!("{update:?}") };
        let [file] = files.as_slice() else { panic!("{files:?}") };
        assert_eq!((file.kind.as_str(), file.file.as_str()), (kind.as_str(), "f"));
        (kind.clone(), caption.clone(), file.size, file.seconds)
    };
    assert_eq!(not_text(&stored[0]), ("photo".to_owned(), Some("look".to_owned()), Some(9), None));
    assert_eq!(not_text(&stored[1]), ("file".to_owned(), None, Some(3), None));
    assert_eq!(not_text(&stored[2]), ("voice message".to_owned(), None, Some(3), Some(3)));
    assert_eq!(stored[3].what, UpdateKind::Text("the end".to_owned()));
}

#[tokio::test]
async fn data_without_a_file_arrives_as_text() {
    let bot = TestBot::new().await;
    let location = json!({"latitude": 52.5, "longitude": 13.4});
    bot.api.push(json!({"message": message(ADA, ADA, json!({"location": location}))}));
    bot.api.push(json!({"message": message(ADA, ADA, json!({"location": location, "forward_origin": {
        "type": "hidden_user", "sender_user_name": "Bob", "date": 1
    }}))}));
    bot.api.push(json!({"message": message(ADA, GROUP, json!({"sticker": {
        "file_id": "f", "file_unique_id": "u", "type": "regular", "width": 1, "height": 1, "is_animated": false, "is_video": false, "emoji": "👍"
    }}))}));
    // In a group, a reply to another user's message is meant for that user, not for the bot.
    let bob = message(BOB, GROUP, json!({"text": "when?"}));
    bot.api.push(json!({"message": message(ADA, GROUP, json!({"location": location, "reply_to_message": bob}))}));
    // Telegram sends an edit each time a live location moves.
    let moved = json!({"location": {"latitude": 1, "longitude": 2}, "edit_date": 1_790_000_001});
    bot.api.push(json!({"edited_message": message(ADA, ADA, moved)}));
    bot.api.says(ADA, "the end");
    let _poll = bot.poll();
    let stored = bot.until_stored(4).await;
    let wanted = ["[Location: 52.5, 13.4]", "Forwarded from Bob:\n\n> [Location: 52.5, 13.4]", "👍", "the end"];
    assert_eq!(texts(&stored), wanted);
}

#[tokio::test]
async fn photos_in_groups_can_be_for_other_people() {
    let bot = TestBot::new().await;
    let of_bob = message(BOB, GROUP, json!({"text": "see"}));
    let size = json!([{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]);
    bot.api.push(json!({"message": message(ADA, GROUP, json!({"photo": size, "reply_to_message": of_bob}))}));
    bot.api.push(json!({"message": message(ADA, GROUP, json!({"photo": size, "caption": "@anna look"}))}));
    let bob = json!({"type": "hidden_user", "sender_user_name": "Bob", "date": 1});
    bot.api.push(json!({"message": message(ADA, GROUP, json!({"photo": size, "forward_origin": bob}))}));
    let _poll = bot.poll();
    let stored = bot.until_stored(1).await;
    let UpdateKind::NotText { caption, files, .. } = &stored[0].what else { panic!("{stored:?}") };
    assert!(caption.as_ref().is_some_and(|caption| caption.contains("Bob")), "{caption:?}");
    assert_eq!(files.len(), 1);
}

#[tokio::test]
async fn a_caption_arrives_despite_incomplete_media() {
    let bot = TestBot::new().await;
    let kinds = ["animation", "audio", "document", "live_photo", "video", "video_note", "voice", "of_the_future"];
    for kind in kinds {
        bot.api.push(json!({"message": message(ADA, ADA, json!({kind: {}, "caption": kind}))}));
    }
    let _poll = bot.poll();
    for (update, kind) in bot.until_stored(kinds.len()).await.iter().zip(kinds) {
        let UpdateKind::NotText { caption, .. } = &update.what else { panic!("{update:?}") };
        assert_eq!(caption.as_deref(), Some(kind));
    }
}

#[tokio::test]
async fn styles_forwards_and_quotes_reach_the_agent() {
    let bot = TestBot::new().await;
    let bob = json!({"type": "hidden_user", "sender_user_name": "Bob", "date": 1});
    let of_bot = message(42, ADA, json!({"text": "the whole: due"}));
    for more in [
        json!({"text": "see here", "entities": [{"type": "text_link", "offset": 4, "length": 4, "url": "https://a.b/5"}]}),
        json!({"text": "run ls", "entities": [{"type": "code", "offset": 4, "length": 2}]}),
        json!({"text": "rm -rf /\n/stop", "forward_origin": bob}),
        json!({"text": "/stop", "forward_origin": bob}),
        json!({"text": "@cord_bot hello", "entities": [{"type": "mention", "offset": 0, "length": 9}]}),
        json!({"text": "@cord_bot /stop"}),
        json!({"text": "when?", "reply_to_message": of_bot}),
        json!({"text": "when?", "reply_to_message": of_bot, "quote": {"text": "due", "position": 11}}),
        json!({"text": "this", "external_reply": {"origin": bob}, "quote": {"text": "a\nb", "position": 0}}),
        json!({"text": "/stop", "reply_to_message": of_bot}),
    ] {
        bot.api.push(json!({"message": message(ADA, ADA, more)}));
    }
    let _poll = bot.poll();
    let wanted = [
        "see [here](https://a.b/5)",
        "run `ls`",
        "Forwarded from Bob:\n\n> rm -rf /\n> /stop",
        "Forwarded from Bob:\n\n> /stop",
        "hello",
        "/stop",
        "In reply to your message:\n\n> the whole: due\n\nwhen?",
        "In reply to your message:\n\n> due\n\nwhen?",
        "In reply to a message of Bob:\n\n> a\n> b\n\nthis",
        "/stop",
    ];
    let stored = bot.until_stored(wanted.len()).await;
    assert_eq!(texts(&stored), wanted);
    let replies = stored.iter().filter_map(|update| update.origin.reply.as_ref());
    let words: Vec<&str> = replies.map(|reply| reply.words.as_str()).collect();
    assert_eq!(words, ["when?", "when?", "/stop"], "only replies to the bot");
}

#[tokio::test]
async fn group_messages_for_others_are_ignored() {
    let bot = TestBot::new().await;
    let bob = || message(8, GROUP, json!({"text": "the question"}));
    let ours = || message(42, GROUP, json!({"text": "an answer"}));
    let text_mention = json!([{"type": "text_mention", "offset": 0, "length": 3, "user": {"id": 8, "is_bot": false}}]);
    let pointed = json!([{"type": "text_mention", "offset": 2, "length": 3, "user": {"id": 8, "is_bot": false}}]);
    let topic = message(8, GROUP, json!({"forum_topic_created": {"name": "t"}, "message_id": 5}));
    let for_others = [
        json!({"text": "@bob can you review?"}),
        json!({"text": "(@bob) can you review?"}),
        json!({"text": "→ @bob"}),
        json!({"text": "\u{200b}@bob can you?"}),
        json!({"text": "→ Bob can you?", "entities": pointed}),
        json!({"text": "Bob can you?", "entities": text_mention}),
        json!({"text": "yes, tomorrow", "reply_to_message": bob()}),
        json!({"caption": "@bob look", "photo": []}),
    ];
    let for_us = [
        json!({"text": "hello"}),
        json!({"text": "ask @bob"}),
        json!({"text": "@bob and @Cord_Bot, hello"}),
        json!({"text": "@cord_bot review this", "reply_to_message": bob()}),
        json!({"text": "why?", "reply_to_message": ours()}),
        json!({"text": "in a topic", "reply_to_message": topic, "message_thread_id": 5, "is_topic_message": true}),
        json!({"text": "/stop", "reply_to_message": bob()}),
    ];
    for more in for_others.into_iter().chain(for_us) {
        bot.api.push(json!({"message": message(ADA, GROUP, more)}));
    }
    let _poll = bot.poll();
    let wanted = [
        "hello",
        "ask @bob",
        "@bob and @Cord_Bot, hello",
        "In reply to a message of Ada L:\n\n> the question\n\nreview this",
        "In reply to your message:\n\n> an answer\n\nwhy?",
        "in a topic",
        "/stop",
    ];
    let stored = bot.until_stored(wanted.len()).await;
    assert_eq!(texts(&stored), wanted);
    assert!(stored.iter().all(|update| update.origin.speaker.as_deref() == Some("Ada L")));
}

#[tokio::test]
async fn a_part_names_its_album_or_split_text() {
    let bot = TestBot::new().await;
    bot.api.push(photo(json!({"media_group_id": "1", "caption": "two of them"})));
    bot.api.push(photo(json!({"media_group_id": "1"})));
    let bob = json!({"type": "hidden_user", "sender_user_name": "Bob", "date": 1});
    for more in [
        json!({"text": "x".repeat(4096)}),
        json!({"text": "👋".repeat(1800)}),
        json!({"text": "short"}),
        json!({"text": "y".repeat(4096), "forward_origin": bob}),
    ] {
        bot.api.push(json!({"message": message(ADA, ADA, more)}));
    }
    let _poll = bot.poll();
    let parts: Vec<MessagePart> = bot.until_stored(6).await.into_iter().map(|update| update.origin.part).collect();
    let album = || MessagePart::Album("1".to_owned());
    let cut = |joint: &str| MessagePart::Cut { joint: joint.to_owned() };
    assert_eq!(parts, [album(), album(), cut(""), cut("\n"), MessagePart::Text, MessagePart::Alone]);
}

#[tokio::test]
async fn an_edit_carries_its_message_id_and_new_text() {
    let bot = TestBot::new().await;
    bot.api.push(json!({"edited_message": message(ADA, ADA, json!({"text": "new", "edit_date": 1_790_000_009}))}));
    bot.api.push(json!({"edited_message": message(666, 666, json!({"text": "of a stranger"}))}));
    let mut caption = photo(json!({"caption": "below it"}));
    caption["edited_message"] = caption["message"].take();
    bot.api.push(caption);
    let _poll = bot.poll();
    let stored = bot.until_stored(2).await;
    assert_eq!(stored[0].what, UpdateKind::Edited("new".to_owned()));
    assert_eq!(stored[0].origin.message, Some(MessageId("7".to_owned())));
    assert_eq!(stored[1].what, UpdateKind::Edited("below it".to_owned()));
    let requested = &bot.api.calls("getUpdates")[0].params["allowed_updates"];
    assert_eq!(*requested, json!(["message", "edited_message", "callback_query", "stopped_message_generation"]));
}

fn press(user: i64, data: &str) -> Value {
    let of = message(42, ADA, json!({"text": "with a button", "message_id": 31}));
    json!({"callback_query": {
        "id": format!("q-{data}"), "chat_instance": "c", "data": data, "message": of,
        "from": {"id": user, "is_bot": false, "first_name": "Ada"},
    }})
}

#[tokio::test]
async fn a_press_runs_its_command_and_is_always_answered() {
    let bot = TestBot::new().await;
    let line = ButtonAction { command: "/retry alpha".to_owned(), ..ButtonAction::default() };
    let token = bot.inbox.store_button(&line).await.unwrap();
    bot.api.push(press(ADA, &token));
    bot.api.push(press(ADA, "forgotten"));
    bot.api.push(press(666, &token));
    let _poll = bot.poll();
    let stored = bot.until_stored(1).await;
    let message = Some(MessageId("31".to_owned()));
    assert_eq!(stored[0].what, UpdateKind::Press { line, message });
    assert_eq!(stored[0].place, place(ADA));
    bot.api.until_calls("answerCallbackQuery", 3).await;
    let answers = bot.api.calls("answerCallbackQuery");
    let text = |id: &str| {
        let of: Vec<_> = answers.iter().filter(|call| call.params["callback_query_id"] == id).collect();
        of[0].params["text"].as_str().map(str::to_owned)
    };
    assert_eq!(text("q-forgotten").as_deref(), Some("This button no longer works."));
    // Both presses of the stored button have the same query id, so find the answer to the stranger by its alert.
    let alerts = answers.iter().filter(|call| call.params["show_alert"] == true);
    let alerts: Vec<_> = alerts.map(|call| call.params["text"].as_str().unwrap_or_default()).collect();
    assert_eq!(alerts, ["You don't have access to this bot. Ask its owner for access."]);
    assert_eq!(bot.inbox.updates().len(), 1, "a press by a stranger is not stored");
}

/// Creates a second bot whose inbox contains a text that the first bot stored, and an offset far above the text's
/// update id. Returns the second bot and the update id.
async fn restarted(text: &str) -> (TestBot, i64) {
    let bot = TestBot::new().await;
    let number = bot.api.says(ADA, text);
    let _poll = bot.poll();
    let stored = bot.until_stored(1).await;
    let next = TestBot::new().await;
    next.inbox.accept(stored, Some(number + 500)).await.unwrap();
    (next, number)
}

#[tokio::test]
async fn stored_updates_are_not_accepted_again_after_a_restart() {
    let (bot, number) = restarted("stored before").await;
    bot.api.push_as(number, json!({"message": message(ADA, ADA, json!({"text": "stored before"}))}));
    bot.api.push_as(number + 1, json!({"message": message(ADA, ADA, json!({"text": "new"}))}));
    let _poll = bot.poll();
    assert_eq!(texts(&bot.until_stored(2).await), ["stored before", "new"]);
}

#[tokio::test]
async fn update_ids_reset_below_the_offset_are_accepted() {
    let (bot, number) = restarted("before").await;
    // Use the id of the stored text again, then other ids below the offset.
    for (above, text) in [(0, "after a quiet week"), (2, "and one"), (400, "and another")] {
        let other = json!({"text": text, "message_id": 900 + above});
        bot.api.push_as(number + above, json!({"message": message(ADA, ADA, other)}));
    }
    let _poll = bot.poll();
    assert_eq!(texts(&bot.until_stored(4).await), ["before", "after a quiet week", "and one", "and another"]);
}

#[tokio::test]
async fn update_ids_may_restart_after_an_empty_batch() {
    let bot = TestBot::with(|settings| settings.poll_timeout = Duration::from_secs(1)).await;
    let number = bot.api.says(ADA, "before");
    let _poll = bot.poll();
    bot.until_stored(1).await;
    let is_open = |api: &BotApi| api.calls("getUpdates").iter().skip(2).any(|call| call.params.get("offset").is_none());
    bot.api.until("a poll without an offset", is_open).await;
    bot.api.push_as(number - 500, json!({"message": message(ADA, ADA, json!({"text": "after", "message_id": 900}))}));
    assert_eq!(texts(&bot.until_stored(2).await), ["before", "after"]);
}

#[tokio::test]
async fn malformed_updates_do_not_affect_others() {
    let bot = TestBot::new().await;
    bot.api.says(ADA, "before");
    bot.api.says(ADA, &format!("half {HALF_PAIR}"));
    bot.api.says(ADA, &format!("bad {NO_UTF8} byte"));
    bot.api.push(json!({"message": message(ADA, ADA, json!({"text": "huge", "edit_date": HUGE}))}));
    let broken = bot.api.push(json!({"message": {"message_id": HUGE, "text": "a secret"}}));
    bot.api.push(json!({"message": "no message", "callback_query": 3}));
    bot.api.says(ADA, "after");
    let _poll = bot.poll();
    let stored = bot.until_stored(5).await;
    assert_eq!(texts(&stored), ["before", "half \u{fffd}", "bad \u{fffd} byte", "huge", "after"]);
    assert_eq!(bot.log.count("skipped an invalid update"), 2);
    assert_eq!(bot.log.count(&format!("update={broken}")), 1);
    assert!(!bot.log.text().contains("a secret"));
}

/// Returns a message in topic 5. As in Telegram, it replies to the service message that announced the topic.
fn in_topic(chat: i64, more: Value) -> Value {
    let created = json!({"forum_topic_created": {"name": "t", "icon_color": 1}, "message_id": 5});
    let mut message = message(ADA, chat, more);
    message["message_thread_id"] = 5.into();
    message["is_topic_message"] = true.into();
    message["reply_to_message"] = self::message(42, chat, created);
    message
}

#[tokio::test]
async fn a_message_in_a_topic_is_not_a_reply_to_its_creation() {
    let bot = TestBot::new().await;
    for chat in [GROUP, ADA] {
        bot.api.push(json!({"message": in_topic(chat, json!({"text": "hello"}))}));
    }
    let _poll = bot.poll();
    for (update, chat) in bot.until_stored(2).await.into_iter().zip([GROUP, ADA]) {
        assert_eq!(update.place, Place { topic: Some("5".to_owned()), ..place(chat) });
        assert_eq!(update.what, UpdateKind::Text("hello".to_owned()));
        assert_eq!((update.origin.reply, update.origin.part), (None, MessagePart::Text));
    }
}

#[tokio::test]
async fn service_messages_about_topics_reach_no_agent() {
    let bot = TestBot::new().await;
    for chat in [GROUP, ADA] {
        for what in [
            json!({"forum_topic_created": {"name": "t", "icon_color": 1}}),
            json!({"forum_topic_edited": {"name": "t"}}),
            json!({"forum_topic_closed": {}}),
            json!({"forum_topic_reopened": {}}),
            json!({"general_forum_topic_hidden": {}}),
            json!({"general_forum_topic_unhidden": {}}),
        ] {
            bot.api.push(json!({"message": in_topic(chat, what)}));
        }
    }
    bot.api.push(json!({"message": in_topic(ADA, json!({"text": "hello"}))}));
    let _poll = bot.poll();
    assert_eq!(texts(&bot.until_stored(1).await), ["hello"]);
}

#[tokio::test]
async fn changes_of_topics_by_others_are_reported() {
    let bot = TestBot::new().await;
    let changes = [json!({"forum_topic_edited": {"icon_custom_emoji_id": "1"}}), json!({"forum_topic_closed": {}})];
    for (at, what) in changes.into_iter().enumerate() {
        let mut change = in_topic(GROUP, what);
        change["message_thread_id"] = (6 + at).into();
        bot.api.push(json!({"message": change}));
        // The bot itself made this change.
        change["message_thread_id"] = 9.into();
        change["from"] = json!({"id": 42, "is_bot": true, "first_name": "Cord"});
        bot.api.push(json!({"message": change}));
    }
    bot.api.push(json!({"message": message(ADA, ADA, json!({"text": "hello"}))}));
    let _poll = bot.poll();
    bot.until_stored(1).await;
    let topics = bot.inbox.changed_topics().into_iter().map(|place| place.topic);
    assert_eq!(topics.collect::<Vec<_>>(), [Some("6".to_owned()), Some("7".to_owned())]);
}
