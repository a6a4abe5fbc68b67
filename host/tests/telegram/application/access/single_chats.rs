//! Tests users who were given access to a single group by `/access add here`.

use serde_json::{Value, json};

use super::super::{App, MEMBER, OWNER, STRANGER};
use crate::botapi::message;

const GROUP: i64 = -100_902;
const OTHER_GROUP: i64 = -100_903;

fn says_in(app: &App, (user, chat): (i64, i64), more: Value) {
    app.api.push(json!({"message": message(user, chat, more)}));
}

/// Sends a text in a chat, and returns the first new message that contains `wanted`.
async fn ask_in(app: &App, seat: (i64, i64), text: &str, wanted: &str) -> String {
    let first = app.api.next_id();
    says_in(app, seat, json!({"text": text}));
    app.wait_for(seat.1, first, wanted).await
}

/// Gives the stranger access to the group, by replying to one of the stranger's messages.
async fn add_by_reply(app: &App) {
    let replied = message(STRANGER, GROUP, json!({"text": "may I?", "message_id": 3}));
    let first = app.api.next_id();
    says_in(app, (OWNER, GROUP), json!({"text": "/access add here", "reply_to_message": replied}));
    let answer = app.wait_for(GROUP, first, "member").await;
    assert_eq!(answer, "Ada L (7) is a member in this chat now.");
}

/// Checks that the bot ignores the stranger's message in a chat and answers only a later message from the owner.
async fn assert_ignored(app: &App, chat: i64) {
    let (first, methods) = (app.api.next_id(), ["sendMessage", "sendChatAction", "sendMessageDraft"]);
    let to_stranger =
        |method: &str| app.api.calls(method).iter().filter(|call| call.params["chat_id"] == STRANGER).count();
    let before = methods.map(to_stranger);
    says_in(app, (STRANGER, chat), json!({"text": "/new ignored"}));
    app.ask(OWNER, "/restore", "No archived sessions.").await;
    assert_eq!(app.session("ignored"), Value::Null);
    assert_eq!(app.api.since(chat, first), [""; 0]);
    assert_eq!(methods.map(to_stranger), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_of_one_group_uses_the_bot_there_only() {
    let mut app = App::new().await;
    add_by_reply(&app).await;
    ask_in(&app, (STRANGER, GROUP), "/new strange", "Session 'strange' created.").await;
    ask_in(&app, (STRANGER, GROUP), "hello", "You said: Ada L: hello").await;
    let topic = json!({"text": "/new in-topic", "message_thread_id": 5, "is_topic_message": true});
    says_in(&app, (STRANGER, GROUP), topic);
    app.wait_for(GROUP, 0, "Session 'in-topic' created.").await;
    // The member sees only their own sessions, and can't run commands for admins or the owner.
    ask_in(&app, (OWNER, GROUP), "/new owners", "Session 'owners' created.").await;
    let list = ask_in(&app, (STRANGER, GROUP), "/sessions", "strange").await;
    assert!(!list.contains("owners"), "{list}");
    ask_in(&app, (STRANGER, GROUP), "/session owners", "The name 'owners' is taken").await;
    ask_in(&app, (STRANGER, GROUP), "/access add 8 here", "/access is for the owner only.").await;
    for chat in [STRANGER, OTHER_GROUP] {
        assert_ignored(&app, chat).await;
    }
    app.kill();
    app.start();
    ask_in(&app, (STRANGER, GROUP), "again", "You said: Ada L: again").await;
    for chat in [STRANGER, OTHER_GROUP] {
        assert_ignored(&app, chat).await;
    }
    let row = json!({
        "id": STRANGER, "name": "Ada L", "role": "member", "source": "chat", "chat": format!("telegram:{GROUP}"),
        "overridden": false,
    });
    assert!(app.list("access").contains(&row), "{:?}", app.list("access"));
    let list = app.ask(OWNER, "/access", "only in").await;
    assert!(list.contains(&format!("7: member only in telegram:{GROUP} (added in the chat)")), "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removing_a_member_of_one_group_interrupts_the_turn() {
    let app = App::new().await;
    add_by_reply(&app).await;
    ask_in(&app, (STRANGER, GROUP), "/new strange", "Session 'strange' created.").await;
    ask_in(&app, (STRANGER, GROUP), "slow 1000", "line 2").await;
    says_in(&app, (STRANGER, GROUP), json!({"text": "a queued message"}));
    app.until("the message is queued", || (app.session("strange")["queued"] == 1).then_some(())).await;
    // After access to this group is removed, access to another group doesn't help.
    ask_in(&app, (OWNER, OTHER_GROUP), "/access add 7 here", "member in this chat").await;
    let answer = ask_in(&app, (OWNER, GROUP), "/access remove 7 here", "access").await;
    assert_eq!(answer, "Ada L (7) no longer has access in this chat.");
    app.until_idle("strange").await;
    let is_gone = || app.api.chat(GROUP).iter().all(|text| !text.contains("line 1")).then_some(());
    app.until("the end of the unfinished answer", is_gone).await;
    assert_eq!(app.session("strange")["turns"], 1, "the queued message was never sent");
    assert_ignored(&app, GROUP).await;
    ask_in(&app, (STRANGER, OTHER_GROUP), "/sessions", "strange").await;
    app.ask(OWNER, "/access remove 7", "Ada L (7) no longer has access.").await;
    assert_ignored(&app, OTHER_GROUP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_work_for_a_member_of_one_group_only_there() {
    let app = App::new().await;
    add_by_reply(&app).await;
    ask_in(&app, (STRANGER, GROUP), "/new strange", "Session 'strange' created.").await;
    ask_in(&app, (STRANGER, GROUP), "/persona", "Persona: ").await;
    let (id, _, data) = app.api.buttons(GROUP).pop().unwrap();
    let refused = |press: &str| {
        let answers = app.api.calls("answerCallbackQuery").into_iter();
        answers.filter(|call| call.params["callback_query_id"] == press).any(|call| call.text().contains("have access"))
    };
    // The bot refuses presses by users without access, and presses below a forwarded message in chats where the member
    // has no access.
    for seat in [(8, GROUP), (STRANGER, STRANGER), (STRANGER, OTHER_GROUP)] {
        let press = app.api.press_data(seat, id, &data);
        app.until("the refusal of the press", || refused(&press).then_some(())).await;
    }
    let first = app.api.next_id();
    let press = app.api.press_data((STRANGER, GROUP), id, &data);
    let answered = || app.api.calls("answerCallbackQuery").iter().any(|call| call.params["callback_query_id"] == press);
    app.until("the answer to the press", || answered().then_some(())).await;
    assert!(!refused(&press));
    assert!(app.api.since(STRANGER, 0).is_empty() && app.api.since(OTHER_GROUP, first).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_to_one_chat_needs_a_group_and_the_owner() {
    let app = App::new().await;
    let answer = app.ask(OWNER, "/access add 7 here", "group").await;
    assert_eq!(answer, "`here` works only in a group. Send the command in the group.");
    let answer = ask_in(&app, (OWNER, GROUP), "/access add 7 admin here", "members").await;
    assert_eq!(answer, "In a single chat, people can only be members. Without `here`, the role applies in all chats.");
    let answer = ask_in(&app, (OWNER, GROUP), &format!("/access remove {MEMBER} here"), "access").await;
    assert_eq!(answer, "43 has access to all chats, not only to this one. /access remove 43 removes it.");
    ask_in(&app, (MEMBER, GROUP), "/access add 7 here", "/access is for the owner only.").await;
    assert_ignored(&app, GROUP).await;
}
