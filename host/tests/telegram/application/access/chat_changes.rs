//! Tests access changes made in the chat with `/access`.

use serde_json::{Value, json};

use super::super::{App, MEMBER, OWNER, STRANGER};
use crate::botapi::message;

const GROUP: i64 = -100_901;

/// Sends `/access add` in the group as the owner, replying to a message with these fields.
fn add_by_reply(app: &App, replied: Value) {
    let reply = json!({"text": "/access add", "reply_to_message": replied});
    app.api.push(json!({"message": message(OWNER, GROUP, reply)}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_added_in_the_chat_has_access_at_once() {
    let mut app = App::new().await;
    app.api.says(STRANGER, "/help");
    assert_eq!(app.ask(OWNER, "/access add 7", "7").await, "7 is a member now.");
    app.ask(STRANGER, "/new strange", "Session 'strange' created.").await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(STRANGER, "/session alpha", "The name 'alpha' is taken").await;
    assert_eq!(app.ask(OWNER, "/access add 7 admin", "7").await, "7 is an admin now.");
    app.ask(STRANGER, "/session alpha", "Switched to session 'alpha'.").await;
    app.kill();
    app.start();
    app.ask(STRANGER, "/sessions", "alpha").await;
    let row = json!({"id": 7, "name": "Ada L", "role": "admin", "source": "chat", "overridden": false});
    assert!(app.list("access").contains(&row), "{:?}", app.list("access"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removing_a_person_withdraws_messages_and_buttons() {
    let app = App::new().await;
    app.grant(&format!("owner = {OWNER}")).await;
    app.ask(OWNER, &format!("/access add {MEMBER}"), "43 is a member now.").await;
    app.busy_member().await;
    app.ask(OWNER, "/access", "added in the chat").await;
    app.api.press(OWNER, OWNER, "Remove Ada L");
    app.wait_for(OWNER, 0, "Remove Ada L 43, member?").await;
    app.api.press(OWNER, OWNER, "Remove");
    app.wait_for(OWNER, 0, "43 no longer has access.").await;
    let before = app.shown_to_member();
    app.until_nothing_open_for_member().await;
    app.until_idle("beta").await;
    assert_eq!(app.session("beta")["turns"], 1, "the queued message was never sent");
    app.api.says(MEMBER, "/help");
    app.ask(OWNER, "/session beta", "Switched to session 'beta'.").await;
    app.ask(OWNER, "whose are you?", "You said: whose are you?").await;
    app.assert_nothing_shown(before);
    assert!(app.log().contains("access removed in the chat"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_changes_access() {
    const ADMIN: i64 = 44;
    let app = App::new().await;
    app.grant(&format!("owner = {OWNER}\nadmins = [{ADMIN}]\nmembers = [{MEMBER}]")).await;
    app.ask(OWNER, &format!("/access add {STRANGER}"), "7 is a member now.").await;
    app.ask(OWNER, "/access", "added in the chat").await;
    let (_, _, remove) = app.api.buttons(OWNER).pop().unwrap();
    for user in [ADMIN, MEMBER] {
        for command in ["/access", "/access add 45", "/access remove 7", &format!("/access add {user} owner")] {
            assert_eq!(app.ask(user, command, "access").await, "/access is for the owner only.");
        }
        // A button's command runs with the rights of the person who presses the button, even in a forwarded message.
        let first = app.api.next_id();
        app.api.press_data((user, user), 1, &remove);
        assert_eq!(app.wait_for(user, first, "access").await, "/access is for the owner only.");
    }
    let people = app.list("access");
    assert_eq!(people.len(), 4, "{people:?}");
    for (command, key) in [("/access remove 43", "members"), ("/access add 44 member", "admins")] {
        let refused = app.ask(OWNER, command, "configuration").await;
        assert!(refused.contains(&format!("Edit `{key}` in `[access]`")), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_gives_access_to_the_sender_only() {
    let app = App::new().await;
    let person = |id: i64| json!({"id": id, "is_bot": false, "first_name": "Eve"});
    let answer = async |replied: Value, wanted: &str| {
        let first = app.api.next_id();
        add_by_reply(&app, replied);
        app.wait_for(GROUP, first, wanted).await
    };
    // If a person without access forwards someone else's message, the message's author is the person who forwarded it.
    let origin = json!({"type": "user", "date": 1, "sender_user": person(99)});
    let forwarded = message(STRANGER, GROUP, json!({"text": "look", "forward_origin": origin, "message_id": 3}));
    assert_eq!(answer(forwarded, "member").await, "Ada L (7) is a member now.");
    let mut of_bot = message(98, GROUP, json!({"text": "beep", "message_id": 4}));
    of_bot["from"]["is_bot"] = true.into();
    assert_eq!(answer(of_bot, "Bots").await, "Bots can't get access. Reply to a message of a person.");
    let group = json!({"id": GROUP, "type": "supergroup", "title": "g"});
    let anonymous = message(1_087_968_824, GROUP, json!({"text": "psst", "sender_chat": group, "message_id": 5}));
    answer(anonymous, "its author is unknown").await;
    // None of these identifies a person: a message that isn't a reply, a reply to a message in another chat, and a
    // message in a topic.
    let external = json!({"origin": {"type": "user", "date": 1, "sender_user": person(97)}, "message_id": 6});
    let topic = message(96, GROUP, json!({"message_id": 8, "forum_topic_created": {"name": "t", "icon_color": 1}}));
    for more in [json!({}), json!({"external_reply": external}), json!({"reply_to_message": topic})] {
        let mut sent = message(OWNER, GROUP, json!({"text": "/access add"}));
        sent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let first = app.api.next_id();
        app.api.push(json!({"message": sent}));
        app.wait_for(GROUP, first, "Name the person's numeric id").await;
    }
    let mine = message(OWNER, GROUP, json!({"text": "mine", "message_id": 9}));
    answer(mine, "The owner can't be changed in the chat.").await;
    let given: Vec<Value> = app.list("access").into_iter().filter(|one| one["source"] == "chat").collect();
    assert_eq!(given.len(), 1, "{given:?}");
}
