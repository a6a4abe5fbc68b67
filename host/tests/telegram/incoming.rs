//! What comes in: who is heard, what is stored, and when it is confirmed.

use cordboard::chat::{ButtonLine, MessageId, What};
use cordboard_core::types::{Moment, Place, Role, UserId};
use serde_json::{Value, json};

use crate::{
    botapi::message,
    rig::{ADA, Rig, place},
};

const GROUP: i64 = -100_123;

fn texts(updates: &[cordboard::chat::Update]) -> Vec<String> {
    let text = |update: &'_ cordboard::chat::Update| match &update.what {
        What::Text(text) => Some(text.clone()),
        What::Press { .. } | What::NotText { .. } => None,
    };
    updates.iter().filter_map(text).collect()
}

#[tokio::test]
async fn a_text_is_stored_before_it_is_confirmed() {
    let rig = Rig::new().await;
    let id = rig.api.says(ADA, "hello 👋");
    let _poll = rig.poll();
    let stored = rig.until_stored(1).await;
    let update = &stored[0];
    assert_eq!(update.key, id.to_string());
    assert_eq!(update.what, What::Text("hello 👋".to_owned()));
    assert_eq!(update.place, place(ADA));
    let caller = (&update.caller.id, update.caller.name.as_str(), update.caller.role);
    assert_eq!(caller, (&UserId(format!("telegram:{ADA}")), "Ada L", Role::Member));
    assert_eq!((update.at, update.locale.as_deref()), (Moment(1_790_000_000_000), Some("de")));
    rig.api.until_calls("getUpdates", 2).await;
    assert_eq!(rig.api.calls("getUpdates")[0].params.get("offset"), None);
    assert_eq!(rig.api.calls("getUpdates")[1].params["offset"], id + 1);
    assert_eq!(rig.inbox.last_offset(), Some(id + 1));
}

#[tokio::test]
async fn nobody_is_heard_whom_the_operator_did_not_name() {
    let rig = Rig::new().await;
    rig.api.says(666, "let me in");
    rig.api.says(666, "please");
    let anonymous = json!({"text": "as the group", "sender_chat": {"id": GROUP, "type": "supergroup", "title": "g"}});
    rig.api.push(json!({"message": message(ADA, GROUP, anonymous)}));
    rig.api.push(json!({"edited_message": message(ADA, ADA, json!({"text": "edited"}))}));
    rig.api.push(json!({"channel_post": message(ADA, GROUP, json!({"text": "a channel"}))}));
    let mut bot = message(ADA, ADA, json!({"text": "a bot"}));
    bot["from"]["is_bot"] = true.into();
    rig.api.push(json!({"message": bot}));
    rig.api.says(ADA, "it's me");
    let _poll = rig.poll();
    assert_eq!(texts(&rig.until_stored(1).await), ["it's me"]);
    assert_eq!(rig.log.count("user=666"), 1, "the operator is told once whom to add");
}

#[tokio::test]
async fn a_batch_that_concerns_nobody_is_confirmed_all_the_same() {
    let rig = Rig::new().await;
    let id = rig.api.says(666, "let me in");
    let _poll = rig.poll();
    rig.api
        .until("the confirmation", |api| api.calls("getUpdates").iter().any(|call| call.params["offset"] == id + 1))
        .await;
    assert_eq!(rig.inbox.last_offset(), None, "and costs no commit");
}

#[tokio::test]
async fn commands_lose_our_name_and_those_of_other_bots_are_not_heard() {
    let rig = Rig::new().await;
    for text in ["/new@cord_bot alpha", "/New@Cord_Bot\nbeta", "/new@other_bot gamma", "/etc/hosts@x is broken", "a@b"]
    {
        rig.api.push(json!({"message": message(ADA, GROUP, json!({"text": text}))}));
    }
    let _poll = rig.poll();
    let stored = rig.until_stored(4).await;
    assert_eq!(texts(&stored), ["/new alpha", "/New\nbeta", "/etc/hosts@x is broken", "a@b"]);
    assert_eq!(stored[0].place, place(GROUP));
}

#[tokio::test]
async fn a_topic_is_a_place_of_its_own_and_a_reply_is_not() {
    let rig = Rig::new().await;
    let topic = json!({"text": "in a topic", "message_thread_id": 5, "is_topic_message": true});
    rig.api.push(json!({"message": message(ADA, GROUP, topic)}));
    rig.api.push(json!({"message": message(ADA, GROUP, json!({"text": "a reply", "message_thread_id": 6}))}));
    let _poll = rig.poll();
    let stored = rig.until_stored(2).await;
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
async fn what_is_no_text_is_told_by_its_kind_with_its_caption() {
    let rig = Rig::new().await;
    rig.api.push(photo(json!({"caption": "look"})));
    let file = json!({"document": {"file_id": "f", "file_unique_id": "u", "file_name": "a.txt", "file_size": 3}});
    rig.api.push(json!({"message": message(ADA, ADA, file)}));
    let voice = json!({"voice": {"file_id": "f", "file_unique_id": "u", "duration": 3, "file_size": 3}});
    rig.api.push(json!({"message": message(ADA, ADA, voice)}));
    rig.api.push(json!({"message": message(ADA, ADA, json!({"new_chat_title": "a service message"}))}));
    rig.api.push(json!({"of_the_future": {"id": 1}}));
    rig.api.push(json!({"message": {"broken": true}}));
    rig.api.says(ADA, "the end");
    let _poll = rig.poll();
    let stored = rig.until_stored(4).await;
    let not_text = |kind: &str, caption: Option<&str>| What::NotText {
        kind: kind.to_owned(),
        caption: caption.map(str::to_owned),
    };
    assert_eq!(stored[0].what, not_text("photo", Some("look")));
    assert_eq!(stored[1].what, not_text("file", None));
    // A voice without its optional type is more than teloxide reads; it must not get lost in silence.
    assert_eq!(stored[2].what, not_text("message", None));
    assert_eq!(stored[3].what, What::Text("the end".to_owned()));
}

#[tokio::test]
async fn an_album_is_told_once() {
    let rig = Rig::new().await;
    rig.api.push(photo(json!({"media_group_id": "1", "caption": "three of them"})));
    rig.api.push(photo(json!({"media_group_id": "1"})));
    rig.api.push(photo(json!({"media_group_id": "1"})));
    rig.api.push(photo(json!({"media_group_id": "2"})));
    rig.api.says(ADA, "the end");
    let _poll = rig.poll();
    assert_eq!(rig.until_stored(3).await.len(), 3);
}

fn press(user: i64, data: &str) -> Value {
    let of = message(42, ADA, json!({"text": "with a button", "message_id": 31}));
    json!({"callback_query": {
        "id": format!("q-{data}"), "chat_instance": "c", "data": data, "message": of,
        "from": {"id": user, "is_bot": false, "first_name": "Ada"},
    }})
}

#[tokio::test]
async fn a_press_is_the_command_of_its_button_and_is_always_answered() {
    let rig = Rig::new().await;
    let line = ButtonLine { command: "/retry alpha".to_owned(), of: None };
    let token = cordboard::chat::Inbox::button(&*rig.inbox, &line).await.unwrap();
    rig.api.push(press(ADA, &token));
    rig.api.push(press(ADA, "forgotten"));
    rig.api.push(press(666, &token));
    let _poll = rig.poll();
    let stored = rig.until_stored(1).await;
    let message = Some(MessageId("31".to_owned()));
    assert_eq!(stored[0].what, What::Press { line, message });
    assert_eq!(stored[0].place, place(ADA));
    rig.api.until_calls("answerCallbackQuery", 3).await;
    let answers = rig.api.calls("answerCallbackQuery");
    let text = |id: &str| {
        let of: Vec<_> = answers.iter().filter(|call| call.params["callback_query_id"] == id).collect();
        of[0].params["text"].as_str().map(str::to_owned)
    };
    assert_eq!(text("q-forgotten").as_deref(), Some("This button no longer works."));
    assert_eq!(text(&format!("q-{token}")), None);
    assert_eq!(rig.inbox.updates().len(), 1, "a stranger presses nothing");
}

#[tokio::test]
async fn what_was_stored_before_a_restart_is_not_taken_again() {
    let rig = Rig::new().await;
    let first = rig.api.says(ADA, "stored before");
    rig.api.says(ADA, "new");
    rig.inbox.set_offset(first + 1);
    let _poll = rig.poll();
    assert_eq!(texts(&rig.until_stored(1).await), ["new"]);
}

#[tokio::test]
async fn numbers_that_began_anew_below_the_stored_offset_are_heard() {
    let rig = Rig::new().await;
    rig.inbox.set_offset(900_000_000);
    rig.api.says(ADA, "after a quiet week");
    let _poll = rig.poll();
    assert_eq!(texts(&rig.until_stored(1).await), ["after a quiet week"]);
}
