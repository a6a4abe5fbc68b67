//! Tests Bot API failures: only a rejected token stops polling, no message is lost, and neither the log nor any error
//! contains the token.

use std::time::Duration;

use cordboard_chat::{Chat, ChatError, Completeness, Outgoing, outbox::Post};
use cordboard_core::{
    agent_event::PromptId,
    render,
    turn::TurnFrame,
    types::{Alert, Authorship, Reply},
    updates_and_posts::OutboxRow,
};
use cordboard_telegram::{Settings, Telegram};

use crate::{
    botapi::{DEADLINE, Fault, TOKEN},
    test_bot::{ADA, TestBot, place, receiver_settings, row},
};

const SECRET: &str = "AbC-dEf_ghijklmnop";

fn post(bot: &TestBot, id: i64, chat: i64, text: &str) {
    bot.outbox.post(Post::Final(row(id, chat, Reply::text(text))));
}

#[tokio::test]
async fn an_unknown_token_ends_polling_and_names_its_file() {
    let bot = TestBot::new().await;
    bot.api.fail("getMe", Fault::Error(401, "Unauthorized"));
    let error = bot.poll().await.unwrap();
    let text = error.to_string();
    assert!(text.contains(&bot.token_file.display().to_string()), "{text}");
    assert!(text.contains("@BotFather") && text.contains("Unauthorized"), "{text}");
    // The token is revoked while the bot is running.
    bot.api.fail("getUpdates", Fault::Error(401, "Unauthorized"));
    assert_eq!(bot.poll_until(Duration::ZERO).await.unwrap(), error);
    assert!(!format!("{text}{error:?}{}", bot.log.text()).contains(SECRET));
}

#[tokio::test]
async fn a_token_refused_during_the_run_is_retried() {
    let bot = TestBot::new().await;
    for (code, why) in [(401, "Unauthorized"), (404, "Not Found"), (401, "Unauthorized")] {
        bot.api.fail("getUpdates", Fault::Error(code, why));
    }
    bot.api.says(ADA, "through");
    let poll = bot.poll();
    bot.until_stored(1).await;
    assert_eq!(bot.log.count("Telegram rejects the token"), 1);
    bot.api.until_calls("getUpdates", 5).await;
    assert_eq!(bot.log.count("receiving messages from Telegram again"), 1);
    // After a restart with a stored offset, the host retries a rejected token.
    poll.abort();
    bot.api.fail("getMe", Fault::Error(404, "Not Found"));
    bot.api.says(ADA, "again");
    let _poll = bot.poll();
    bot.until_stored(2).await;
}

#[tokio::test]
async fn only_a_continuously_refused_token_ends_polling() {
    let bot = TestBot::new().await;
    for _ in 0..4 {
        bot.api.fail("getUpdates", Fault::Error(401, "Unauthorized"));
        bot.api.fail("getUpdates", Fault::Error(500, "Internal Server Error"));
    }
    bot.api.says(ADA, "through");
    // This limit is shorter than the outage, but other errors between the rejections reset it.
    let mut poll = bot.poll_until(Duration::from_millis(100));
    tokio::select! {
        error = &mut poll => panic!("polling ended: {error:?}"),
        _ = bot.until_stored(1) => poll.abort(),
    }
    for _ in 0..1000 {
        bot.api.fail("getUpdates", Fault::Error(401, "Unauthorized"));
    }
    let error = bot.poll_until(Duration::from_millis(200)).await.unwrap();
    assert!(error.to_string().contains("@BotFather"), "{error}");
}

#[tokio::test]
async fn another_poller_is_reported_once() {
    let bot = TestBot::new().await;
    let why = "Conflict: terminated by other getUpdates request";
    for _ in 0..3 {
        bot.api.fail("getUpdates", Fault::Error(409, why));
    }
    bot.api.says(ADA, "through");
    let _poll = bot.poll();
    bot.until_stored(1).await;
    bot.api.until_calls("getUpdates", 5).await;
    assert_eq!(bot.log.count("another program is polling Telegram with this token"), 1);
    assert_eq!(bot.log.count("receiving messages from Telegram again"), 1);
}

#[tokio::test]
async fn polling_continues_after_outages_reported_once_each() {
    let bot = TestBot::new().await;
    bot.api.fail("getMe", Fault::Garbage(200));
    let outages = [
        Fault::Error(500, "Internal Server Error"),
        Fault::Garbage(502),
        Fault::Garbage(200),
        Fault::Error(500, "Internal Server Error"),
    ];
    for fault in outages {
        bot.api.fail("getUpdates", fault);
    }
    bot.api.says(ADA, "one");
    let _poll = bot.poll();
    bot.until_stored(1).await;
    bot.api.until_calls("getUpdates", 6).await;
    assert_eq!(bot.log.count("Telegram is unavailable"), 2, "once at the start, once while polling");
    assert_eq!(bot.log.count("receiving messages from Telegram again"), 2);
    assert_eq!(bot.inbox.updates().len(), 1, "no update is stored twice");
}

#[tokio::test]
async fn a_rejected_poll_is_not_reported_as_an_outage() {
    let bot = TestBot::new().await;
    bot.api.fail("getMe", Fault::Error(400, "Bad Request: logged out"));
    bot.api.fail("getUpdates", Fault::Error(403, "Forbidden: bot was blocked"));
    bot.api.says(ADA, "one");
    let _poll = bot.poll();
    bot.until_stored(1).await;
    assert_eq!(bot.log.count("Telegram rejects the request: retrying"), 2, "{}", bot.log.text());
    assert_eq!(bot.log.count("Telegram is unavailable"), 0, "{}", bot.log.text());
}

#[tokio::test]
async fn an_unanswered_poll_is_repeated() {
    let bot = TestBot::with(|settings| {
        settings.timeout = Duration::from_millis(300);
        settings.poll_timeout = Duration::from_secs(1);
    })
    .await;
    bot.api.fail("getMe", Fault::Hang);
    bot.api.fail("getUpdates", Fault::Hang);
    bot.api.says(ADA, "one");
    let _poll = bot.poll();
    assert_eq!(bot.until_stored(1).await.len(), 1);
}

#[tokio::test]
async fn the_poll_respects_retry_after() {
    let bot = TestBot::new().await;
    bot.api.fail("getUpdates", Fault::Flood(0));
    bot.api.says(ADA, "one");
    let _poll = bot.poll();
    bot.until_stored(1).await;
    assert_eq!(bot.log.count("rate limited by Telegram"), 1);
}

#[tokio::test]
async fn retry_after_delays_only_its_chat() {
    let bot = TestBot::new().await;
    bot.api.fail("sendMessage", Fault::Flood(100_000));
    post(&bot, 1, ADA, "held");
    // Wait until the adapter knows about the rate limit.
    bot.until_logged("sending to a place is paused").await;
    post(&bot, 2, 8002, "free");
    bot.api.until("the other chat's message", |api| api.chat(8002) == ["free"]).await;
    bot.telegram.show_activity(&place(ADA), Some("")).await;
    assert!(bot.api.calls("sendChatAction").is_empty(), "a rate-limited chat shows no typing either");
    assert!(bot.api.chat(ADA).is_empty());
    assert_eq!(bot.api.calls("sendMessage").len(), 2);
}

fn outgoing(text: &str) -> Outgoing {
    let (message, completeness) = (render::render(text), Completeness::Complete);
    Outgoing {
        source: text.to_owned(),
        message,
        buttons: Vec::new(),
        completeness,
        author: Authorship::Agents,
        session: None,
        alert: Alert::Ring,
        reply_to: None,
        file: None,
        rich: None,
    }
}

#[tokio::test]
async fn a_migrated_group_gets_its_answer_once() {
    const GROUP: i64 = -77;
    const MOVED: i64 = -100_077;
    let bot = TestBot::new().await;
    let old = bot.telegram.send(&place(GROUP), &outgoing("before")).await.unwrap();
    bot.api.migrate(GROUP, MOVED);
    let turn = PromptId("t".to_owned());
    let screen = TurnFrame { messages: vec![Reply::text("Begun")], live: None };
    bot.outbox.post(Post::Frame { place: place(GROUP), turn: turn.clone(), frame: screen, stop: None });
    bot.api.until("the live message", |api| api.chat(MOVED) == ["Begun"]).await;
    let whole = row(1, GROUP, Reply::text("Begun and done."));
    bot.outbox.post(Post::Final(OutboxRow { turn: Some(turn), ..whole }));
    bot.outbox.drained().await;
    assert_eq!(bot.api.chat(MOVED), ["Begun and done."]);
    // Message ids start over in the new chat, so the adapter must not use old ids there.
    assert!(matches!(
        bot.telegram.edit(&place(GROUP), &old, &outgoing("after")).await,
        Err(ChatError::Rejected { .. })
    ));
    let chats =
        |method: &str| bot.api.calls(method).iter().map(|call| call.params["chat_id"].clone()).collect::<Vec<_>>();
    assert_eq!((chats("deleteMessage"), chats("editMessageText")), (vec![MOVED.into()], vec![GROUP.into()]));
    // Only one `sendMessage` call was refused. Later calls use the new id immediately.
    assert_eq!(chats("sendMessage"), [GROUP, GROUP, MOVED, MOVED]);
}

#[tokio::test]
async fn a_message_survives_outages_and_retry_after() {
    let bot = TestBot::new().await;
    bot.api.fail("sendMessage", Fault::Flood(1));
    post(&bot, 1, ADA, "patient");
    bot.outbox.drained().await;
    assert_eq!(bot.api.chat(ADA), ["patient"]);
    assert_eq!(bot.api.calls("sendMessage").len(), 2);
}

#[tokio::test]
async fn posts_for_a_blocked_chat_are_kept_and_delay_nothing() {
    let bot = TestBot::new().await;
    bot.api.block(ADA);
    post(&bot, 1, ADA, "kept");
    post(&bot, 2, 8002, "heard");
    bot.outbox.drained().await;
    assert_eq!(bot.api.chat(8002), ["heard"]);
    assert_eq!(bot.api.calls("sendMessage").len(), 2);
    assert_eq!(bot.log.count("a place is unreachable"), 1);
    assert_eq!(bot.outbox.next_unreachable().await.place, place(ADA));
    bot.api.unblock(ADA);
    bot.outbox.on_user_message(&place(ADA));
    bot.api.until("the kept post", |api| api.chat(ADA) == ["kept"]).await;
}

#[tokio::test]
async fn an_unanswered_typing_call_delays_no_answer() {
    // If the worker awaited the typing call, the answer would have to wait for this timeout, which exceeds the test's
    // time limit.
    let bot = TestBot::with(|settings| settings.timeout = 10 * DEADLINE).await;
    bot.api.fail("sendChatAction", Fault::Hang);
    let turn = PromptId("t".to_owned());
    let screen = TurnFrame::default();
    bot.outbox.post(Post::Frame { place: place(ADA), turn: turn.clone(), frame: screen, stop: None });
    bot.api.until_calls("sendChatAction", 1).await;
    bot.outbox.post(Post::Final(OutboxRow { turn: Some(turn), ..row(1, ADA, Reply::text("there")) }));
    tokio::time::timeout(DEADLINE, bot.outbox.drained()).await.expect("the answer does not wait for the typing action");
    assert_eq!(bot.api.chat(ADA), ["there"]);
}

#[tokio::test]
async fn a_refused_message_is_sent_without_styles() {
    let bot = TestBot::new().await;
    bot.api.fail("sendMessage", Fault::Error(400, "Bad Request: ENTITY_BOUNDS_INVALID"));
    bot.outbox.post(Post::Final(row(1, ADA, Reply::text("**bold**").button("Go", "/go"))));
    bot.outbox.drained().await;
    let sent = bot.api.calls("sendMessage");
    assert_eq!((sent.len(), sent[1].text()), (2, "bold"));
    assert_eq!(sent[1].params["entities"], serde_json::json!([]));
    assert_eq!(sent[1].params["reply_markup"], sent[0].params["reply_markup"]);
    assert_eq!(sent[1].params["reply_markup"]["inline_keyboard"][0][0]["text"], "Go");
    // The adapter also resends a rejected edit without styles, and replaces a message that is rejected twice with a
    // notice.
    let mut edit = row(2, ADA, Reply::text("**new**"));
    edit.state.messages = vec![cordboard_chat::MessageId("1".to_owned())];
    bot.api.fail("editMessageText", Fault::Error(400, CANT_PARSE));
    bot.outbox.post(Post::Final(edit));
    bot.outbox.drained().await;
    let edits = bot.api.calls("editMessageText");
    assert_eq!((edits.len(), &edits[1].params["entities"]), (2, &serde_json::json!([])));
    for _ in 0..2 {
        bot.api.fail("sendMessage", Fault::Error(400, CANT_PARSE));
    }
    post(&bot, 3, ADA, "*refused*");
    bot.outbox.drained().await;
    assert_eq!(bot.api.chat(ADA), ["new", "This message could not be shown."]);
}

const CANT_PARSE: &str = "Bad Request: can't parse entities: unsupported entity at byte offset 0";

#[tokio::test]
async fn a_message_deleted_by_the_user_is_sent_again() {
    let bot = TestBot::new().await;
    let mut gone = row(1, ADA, Reply::text("still said"));
    gone.state.messages = vec![cordboard_chat::MessageId("77".to_owned())];
    bot.outbox.post(Post::Final(gone));
    bot.outbox.drained().await;
    assert_eq!(bot.api.chat(ADA), ["still said"]);
}

#[tokio::test]
async fn a_failing_store_confirms_nothing_and_logs_once() {
    let bot = TestBot::new().await;
    bot.inbox.break_down(3);
    let id = bot.api.says(ADA, "kept by Telegram");
    let _poll = bot.poll();
    assert_eq!(bot.until_stored(1).await.len(), 1);
    bot.api.until_calls("getUpdates", 5).await;
    let offsets: Vec<_> = bot.api.calls("getUpdates").iter().map(|call| call.params["offset"].as_i64()).collect();
    assert_eq!(offsets[..5], [None, None, None, None, Some(id + 1)]);
    assert_eq!(bot.log.count("failed to store messages"), 1);
    let shown = "Not stored yet; trying again: store a new message: no space left on device";
    assert_eq!(bot.api.chat(ADA), [shown], "once, however often it fails");
    bot.inbox.break_down(2);
    bot.api.says(ADA, "and again");
    bot.until_stored(2).await;
    assert_eq!(bot.api.chat(ADA), [shown, shown], "the store worked in between");
}

#[tokio::test]
async fn a_failing_sync_confirms_nothing_but_delays_no_message() {
    let bot = TestBot::new().await;
    bot.inbox.fail_syncs(2);
    let id = bot.api.says(ADA, "handled at once");
    let _poll = bot.poll();
    bot.api.until_calls("getUpdates", 4).await;
    let offsets: Vec<_> = bot.api.calls("getUpdates").iter().map(|call| call.params["offset"].as_i64()).collect();
    assert_eq!(offsets[..4], [None, None, None, Some(id + 1)]);
    assert_eq!(bot.inbox.updates().len(), 1);
    assert_eq!(bot.log.count("failed to store messages"), 1);
    assert_eq!(bot.api.chat(ADA), [""; 0], "the message is stored, so the user needs no notice");
}

#[tokio::test]
async fn an_unreachable_server_is_retried_without_showing_the_token() {
    let bot = TestBot::new().await;
    // The port stays bound but has no listener: connections are refused, and no other process can use the port.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = bound.local_addr().unwrap();
    let mut settings = Settings::new(bot.token_file.clone(), &format!("http://{port}"));
    settings.first_retry = Duration::from_millis(1);
    let inbox = std::sync::Arc::clone(&bot.inbox);
    let telegram = Telegram::open(settings, inbox).unwrap();
    let shown = async {
        while bot.log.count("Telegram is unavailable") == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // Wait long enough for further attempts to show up.
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    tokio::select! {
        ended = telegram.poll(receiver_settings(Duration::from_secs(600))) => panic!("polling must not end: {ended:?}"),
        shown = tokio::time::timeout(DEADLINE, shown) => shown.expect("the outage is logged"),
    }
    assert_eq!(bot.log.count("Telegram is unavailable"), 1, "{}", bot.log.text());
    let error = telegram.send(&place(ADA), &outgoing("x")).await.unwrap_err();
    assert!(matches!(&error, ChatError::Unavailable { why } if why.contains(&port.to_string())), "{error}");
    let all = format!("{error} {error:?} {}", bot.log.text());
    assert!(!all.contains(SECRET) && !all.contains(TOKEN), "{all}");
}

#[tokio::test]
async fn a_response_that_contains_the_token_is_scrubbed() {
    let bot = TestBot::new().await;
    bot.api.fail("sendMessage", Fault::Error(418, "no route for /bot42:AbC-dEf_ghijklmnop/sendMessage"));
    bot.api.fail("sendMessage", Fault::Error(403, "no route for /bot42:AbC-dEf_ghijklmnop/sendMessage"));
    post(&bot, 1, ADA, "x");
    bot.outbox.drained().await;
    assert_eq!(bot.log.count("<token>"), 1, "{}", bot.log.text());
    assert_eq!(bot.outbox.next_unreachable().await.why, "no route for /bot<token>/sendMessage");
    assert!(!bot.log.text().contains(SECRET));
}

#[tokio::test]
async fn the_fake_bot_api_refuses_invalid_calls() {
    let complaints = |method: &str, params: serde_json::Value| {
        crate::botapi::schema::Schema::load().complaints(method, &params).len()
    };
    let long = "👋".repeat(2049);
    assert_eq!(complaints("sendmessage", serde_json::json!({"chat_id": 1, "text": long})), 1);
    assert_eq!(complaints("sendmessage", serde_json::json!({"chat_id": 1})), 2, "no text");
    assert!(complaints("sendmessage", serde_json::json!({"chat_id": 1, "text": "x", "no_such": 1})) > 0);
    let cut = serde_json::json!([{"type": "bold", "offset": 1, "length": 1}]);
    assert_eq!(complaints("sendmessage", serde_json::json!({"chat_id": 1, "text": "👋", "entities": cut})), 1);
    assert_eq!(complaints("nosuchmethod", serde_json::json!({})), 1);
}
