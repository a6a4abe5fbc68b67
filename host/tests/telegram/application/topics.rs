//! Tests the topics that the bot creates for sessions.

use serde_json::{Value, json};

use super::{App, MEMBER, OWNER};
use crate::botapi::{Call, Fault, message};

const GROUP: i64 = -100_200;

/// Starts a host that creates topics in private chats and in a group that has topics.
async fn app() -> App {
    start(App::prepared().await, "create").await
}

/// Starts a host with this value of `[telegram] topics`.
async fn start(mut app: App, topics: &str) -> App {
    app.api.add_forum(GROUP);
    app.api.turn_on_topic_mode();
    let keys = format!("stream = \"edit\"\ntopics = \"{topics}\"");
    app.configure_telegram(&keys, &format!("owner = {OWNER}\nmembers = [{MEMBER}]"));
    app.start();
    app.api.until_calls("getUpdates", 1).await;
    app
}

/// Sends a text in a topic, or outside of all topics, as Telegram delivers it. `created` is the message that created
/// the topic; in a forum topic, every message replies to it.
fn says(app: &App, chat: i64, topic: Option<i64>, text: &str) {
    let mut more = json!({"text": text});
    if let Some(topic) = topic {
        let created = json!({"message_id": topic, "forum_topic_created": {"name": "t", "icon_color": 1}});
        more["message_thread_id"] = topic.into();
        more["is_topic_message"] = true.into();
        more["reply_to_message"] = message(42, chat, created);
    }
    app.api.push(json!({"message": message(OWNER, chat, more)}));
}

/// Sends a text, waits for a new message in the same topic that contains `wanted`, and returns its text.
async fn ask(app: &App, seat: (i64, Option<i64>), text: &str, wanted: &str) -> String {
    let first = app.api.next_id();
    says(app, seat.0, seat.1, text);
    seen(app, seat, first, wanted).await
}

async fn seen(app: &App, seat: (i64, Option<i64>), first: i64, wanted: &str) -> String {
    let find = || app.api.topic(seat, first).into_iter().find(|text| text.contains(wanted));
    app.until(&format!("'{wanted}' in {seat:?}"), find).await
}

/// Creates a session in the chat, and returns the id of its topic.
async fn topic_creation(app: &App, chat: i64, name: &str) -> i64 {
    ask(app, (chat, None), &format!("/new {name}"), &format!("Session '{name}' created. It has its own topic")).await;
    let topics = app.api.topics(chat);
    topics.iter().find(|(_, topic)| topic.name == name).expect("a topic").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_session_gets_a_topic_in_a_group_and_in_private() {
    let app = app().await;
    for (chat, name) in [(GROUP, "alpha"), (OWNER, "beta")] {
        let topic = topic_creation(&app, chat, name).await;
        let first = seen(&app, (chat, Some(topic)), 0, "This topic belongs to session").await;
        assert!(first.contains(&format!("'{name}'")), "{first}");
        ask(&app, (chat, Some(topic)), "hello", "hello").await;
        app.until_turns(name, 1).await;
        ask(&app, (chat, None), "hello", "No active session").await;
    }
    let reply = app.api.topic((GROUP, None), 0).remove(0);
    assert!(reply.ends_with("It has its own topic: alpha."), "{reply}");
    let calls = app.api.calls("sendMessage");
    let link = calls.iter().find(|call| call.text() == reply).unwrap().params["entities"][0]["url"].clone();
    assert_eq!(link, format!("https://t.me/c/200/{}", app.api.topics(GROUP)[0].0));
    assert!(app.api.topic((OWNER, None), 0)[0].ends_with("It has its own topic, “beta”."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_created_in_a_topic_gets_no_other_topic() {
    let app = app().await;
    for chat in [GROUP, OWNER] {
        let name = format!("in{}", chat.unsigned_abs());
        ask(&app, (chat, Some(5)), &format!("/new {name}"), "created.").await;
        ask(&app, (chat, Some(5)), "hello", "hello").await;
        app.until_turns(&name, 1).await;
        ask(&app, (chat, None), "hello", "No active session").await;
    }
    assert_eq!(app.api.calls("createForumTopic").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_gets_its_own_topic() {
    let app = app().await;
    let original = topic_creation(&app, GROUP, "alpha").await;
    ask(&app, (GROUP, Some(original)), "hello", "hello").await;
    app.until_turns("alpha", 1).await;
    let reply = ask(&app, (GROUP, Some(original)), "/fork beta", "Session 'beta' continues the conversation").await;
    assert_eq!(
        reply,
        "Session 'beta' continues the conversation of 'alpha' in the same folder. It has its own topic: beta."
    );
    let topics = app.api.topics(GROUP);
    let fork = topics.iter().find(|(_, topic)| topic.name == "beta").expect("a topic").0;
    seen(&app, (GROUP, Some(fork)), 0, "This topic belongs to session 'beta'").await;
    ask(&app, (GROUP, Some(fork)), "to the fork", "to the fork").await;
    app.until_turns("beta", 1).await;
    ask(&app, (GROUP, Some(original)), "to the original", "to the original").await;
    app.until_turns("alpha", 2).await;
    // The host creates no topic for a new session in a session's topic, or for a fork in a topic that a user created.
    ask(&app, (GROUP, Some(original)), "/new gamma", "Session 'gamma' created.").await;
    ask(&app, (GROUP, Some(9000)), "/session alpha", "Switched to session 'alpha'.").await;
    ask(&app, (GROUP, Some(9000)), "/fork delta", "in the same folder. Use /session alpha to go back.").await;
    ask(&app, (GROUP, None), "/session alpha", "Switched to session 'alpha'.").await;
    ask(&app, (GROUP, None), "/fork epsilon", "It has its own topic").await;
    let mut names: Vec<String> = app.api.topics(GROUP).into_iter().map(|(_, topic)| topic.name).collect();
    names.sort();
    assert_eq!(names, ["alpha", "beta", "epsilon"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_during_the_topic_of_a_fork_creates_no_second_fork() {
    let mut app = app().await;
    let topic = topic_creation(&app, GROUP, "alpha").await;
    ask(&app, (GROUP, Some(topic)), "hello", "hello").await;
    app.until_turns("alpha", 1).await;
    app.api.fail("createForumTopic", Fault::Hang);
    says(&app, GROUP, Some(topic), "/fork beta");
    app.api.until_calls("createForumTopic", 2).await;
    app.kill();
    app.start();
    let shown = seen(&app, (GROUP, Some(topic)), 0, "Session 'beta' continues the conversation of 'alpha'").await;
    assert!(shown.contains("If the topic exists, send /session beta there."), "{shown}");
    assert_eq!(app.api.calls("createForumTopic").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_setting_no_topic_is_created() {
    let app = App::prepared().await;
    let app = start(app, "off").await;
    ask(&app, (GROUP, None), "/new alpha", "Session 'alpha' created.").await;
    ask(&app, (GROUP, None), "hello", "hello").await;
    app.until_turns("alpha", 1).await;
    assert_eq!(app.api.calls("createForumTopic").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_topic_leaves_the_session_in_the_chat() {
    let app = app().await;
    app.api.withdraw_topic_right(GROUP);
    let shown = ask(&app, (GROUP, None), "/new alpha", "Session 'alpha' created.").await;
    assert!(shown.contains("not enough rights to create a topic"), "{shown}");
    assert!(shown.contains("make the bot an administrator with the right to manage topics"), "{shown}");
    ask(&app, (GROUP, None), "hello", "hello").await;
    app.until_turns("alpha", 1).await;
    let shown = ask(&app, (-100_300, None), "/new beta", "Session 'beta' created.").await;
    assert!(shown.contains("the chat is not a forum"), "{shown}");
    // A rate limit on creating topics doesn't delay the answer.
    app.api.fail("createForumTopic", Fault::Flood(600));
    let shown = ask(&app, (OWNER, None), "/new gamma", "Session 'gamma' created.").await;
    assert!(shown.contains("Too Many Requests"), "{shown}");
    app.api.fail("createForumTopic", Fault::Lost);
    let shown = ask(&app, (OWNER, None), "/new delta", "Session 'delta' created.").await;
    assert!(shown.contains("If the topic exists, send /session delta there."), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_during_the_creation_creates_no_second_topic() {
    let mut app = app().await;
    app.api.fail("createForumTopic", Fault::Hang);
    says(&app, GROUP, None, "/new alpha");
    app.api.until_calls("createForumTopic", 1).await;
    app.kill();
    app.start();
    let shown = seen(&app, (GROUP, None), 0, "Session 'alpha' created.").await;
    assert!(shown.contains("If the topic exists, send /session alpha there."), "{shown}");
    ask(&app, (GROUP, None), "hello", "hello").await;
    ask(&app, (GROUP, Some(5)), "/session alpha", "Switched to session 'alpha'.").await;
    app.until_turns("alpha", 1).await;
    assert_eq!(app.api.calls("createForumTopic").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_after_the_creation_loses_neither_topic_nor_reply() {
    let mut app = app().await;
    app.api.fail("sendMessage", Fault::Hang);
    let sent = app.api.calls("sendMessage").len();
    says(&app, GROUP, None, "/new alpha");
    app.api.until_calls("sendMessage", sent + 1).await;
    app.kill();
    app.start();
    let (topic, _) = app.api.topics(GROUP).remove(0);
    seen(&app, (GROUP, None), 0, "Session 'alpha' created. It has its own topic").await;
    seen(&app, (GROUP, Some(topic)), 0, "This topic belongs to session 'alpha'").await;
    ask(&app, (GROUP, Some(topic)), "hello", "hello").await;
    app.until_turns("alpha", 1).await;
    assert_eq!(app.api.calls("createForumTopic").len(), 1);
}

fn topic_of(app: &App, chat: i64, id: i64) -> crate::botapi::Topic {
    app.api.topics(chat).into_iter().find(|(of, _)| *of == id).expect("a topic").1
}

async fn until_topic(app: &App, (chat, id): (i64, i64), what: &str, holds: impl Fn(&crate::botapi::Topic) -> bool) {
    app.until(what, || holds(&topic_of(app, chat, id)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_follows_its_session() {
    let app = app().await;
    let topic = topic_creation(&app, OWNER, "alpha").await;
    let seat = (OWNER, Some(topic));
    until_topic(&app, (OWNER, topic), "the idle icon", |topic| topic.icon == "icon-idle").await;
    ask(&app, seat, "run ls", "asks for permission:").await;
    until_topic(&app, (OWNER, topic), "the waiting icon", |topic| topic.icon == "icon-waiting").await;
    app.api.press(OWNER, OWNER, "Allow once");
    app.until_turns("alpha", 1).await;
    ask(&app, seat, "/rename beta", "is now called 'beta'").await;
    until_topic(&app, (OWNER, topic), "the new name", |topic| topic.name == "beta").await;
    ask(&app, seat, "/archive", "Session 'beta' archived.").await;
    until_topic(&app, (OWNER, topic), "the end", |topic| topic.is_closed).await;
    ask(&app, (OWNER, None), "/restore beta", "Session 'beta' restored.").await;
    until_topic(&app, (OWNER, topic), "the reopened topic", |topic| !topic.is_closed).await;
    // A rate limit on edits doesn't delay messages.
    let edits = app.api.calls("editForumTopic").len();
    app.api.fail("editForumTopic", Fault::Flood(600));
    ask(&app, seat, "/session beta", "Switched to session 'beta'.").await;
    ask(&app, seat, "/rename gamma", "is now called 'gamma'").await;
    app.api.until_calls("editForumTopic", edits + 1).await;
    ask(&app, seat, "hello", "hello").await;
    app.until_turns("gamma", 2).await;
}

/// Reports that a user has changed a topic, as Telegram does.
fn reports(app: &App, chat: i64, topic: i64, what: Value) {
    let mut more = json!({"message_thread_id": topic, "is_topic_message": true});
    more.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
    // The user doesn't have access to the bot, but may manage topics in the group.
    app.api.push(json!({"message": message(77, chat, more)}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_a_person_has_changed_is_left_alone() {
    let app = app().await;
    let (renamed, closed) = (topic_creation(&app, GROUP, "alpha").await, topic_creation(&app, GROUP, "beta").await);
    reports(&app, GROUP, renamed, json!({"forum_topic_edited": {"name": "mine"}}));
    reports(&app, GROUP, closed, json!({"forum_topic_closed": {}}));
    let state = |topic: i64| {
        let topics = cordboard_store::read_only(&app.path("state")).unwrap().topics;
        let of = |one: &cordboard_core::types::SessionTopic| one.place.topic == Some(topic.to_string());
        topics.into_iter().find(of).unwrap().state
    };
    let left_alone = cordboard_core::types::TopicState::Unmanaged;
    for topic in [renamed, closed] {
        app.until("the topic is left alone", || (state(topic) == left_alone).then_some(())).await;
    }
    let before = app.api.calls("editForumTopic").len();
    ask(&app, (GROUP, Some(renamed)), "/rename gamma", "is now called 'gamma'").await;
    ask(&app, (GROUP, Some(closed)), "/archive", "archived.").await;
    // If the host edited the topic, it would do so within half a second.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(app.api.calls("editForumTopic").len(), before);
    assert_eq!(app.api.calls("closeForumTopic").len(), 0);
    assert!(app.api.chat(OWNER).is_empty(), "no notice is sent: {:?}", app.api.chat(OWNER));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_topic_keeps_its_session() {
    let mut app = app().await;
    let topic = topic_creation(&app, GROUP, "alpha").await;
    let seat = (GROUP, Some(topic));
    ask(&app, seat, "hello", "hello").await;
    app.until_turns("alpha", 1).await;
    app.api.delete_topic(GROUP, topic);
    says(&app, GROUP, seat.1, "lost words");
    let notice = app.wait_for(OWNER, 0, "no longer exists").await;
    assert!(notice.contains("/session alpha") && notice.contains("message thread not found"), "{notice}");
    app.until_turns("alpha", 2).await;
    let lost = |app: &App| {
        let output = app.command("outbox").output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let listed = || lost(&app).contains("lost words").then_some(());
    app.until("the lost answer in the list", listed).await;
    assert!(lost(&app).contains("undeliverable"), "{}", lost(&app));
    ask(&app, (GROUP, None), "/session alpha", "Switched to session 'alpha'.").await;
    ask(&app, (GROUP, None), "still here?", "still here?").await;
    app.until_turns("alpha", 3).await;
    app.kill();
    app.start();
    app.ask(OWNER, "/sessions", "alpha").await;
    let is_notice = |call: &Call| call.text().contains("no longer exists");
    assert_eq!(app.api.calls("sendMessage").into_iter().filter(is_notice).count(), 1, "the owner gets one notice");
    assert!(lost(&app).contains("lost words"), "the answer stays in the list");
    app.until_turns("alpha", 3).await;
}
