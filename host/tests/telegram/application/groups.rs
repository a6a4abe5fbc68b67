//! Tests groups and topics: each group and topic is a separate place, and only users listed in `[access]` have access.

use serde_json::{Value, json};

use super::{App, MEMBER, OWNER, STRANGER};
use crate::botapi::{Call, message};

const GROUP: i64 = -100_200;

/// A user's position in the group: in a topic, or outside of all topics.
#[derive(Clone, Copy)]
struct Seat {
    user: i64,
    topic: Option<i64>,
}

const GENERAL: Seat = Seat { user: OWNER, topic: None };
const FIRST: Seat = Seat { user: OWNER, topic: Some(5) };
const SECOND: Seat = Seat { user: OWNER, topic: Some(6) };

impl Seat {
    fn says(self, app: &App, text: &str) {
        let more = match self.topic {
            Some(topic) => json!({"text": text, "message_thread_id": topic, "is_topic_message": true}),
            None => json!({"text": text}),
        };
        app.api.push(json!({"message": message(self.user, GROUP, more)}));
    }

    /// Returns the calls that sent messages to this topic, excluding edits.
    fn received(self, app: &App) -> Vec<Call> {
        let topic = self.topic.map_or(Value::Null, Value::from);
        let sent = app.api.calls("sendMessage").into_iter();
        sent.filter(|call| call.params["chat_id"] == GROUP && call.params["message_thread_id"] == topic).collect()
    }

    async fn asks(self, app: &App, text: &str, wanted: &str) -> String {
        let first = app.api.next_id();
        self.says(app, text);
        // The host may send a live message first and then edit it until it shows the answer, so search the current
        // texts.
        let find = || app.api.topic((GROUP, self.topic), first).into_iter().find(|text| text.contains(wanted));
        app.until(&format!("'{wanted}' in topic {:?}", self.topic), find).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_and_each_topic_are_separate_places() {
    let app = App::new().await;
    GENERAL.asks(&app, "/new general", "Session 'general' created.").await;
    let none = "No active session. Use /new to start one.";
    assert_eq!(app.ask(OWNER, "hello", "No active").await, none, "the private chat is another place");
    assert_eq!(FIRST.asks(&app, "hello", "No active").await, none, "each topic is another place");
    FIRST.asks(&app, "/new@cord_bot first", "Session 'first' created.").await;
    SECOND.asks(&app, "/session general", "Switched to session 'general'.").await;
    FIRST.asks(&app, "to the first", "You said: Ada L: to the first").await;
    GENERAL.asks(&app, "to the general one", "You said: Ada L: to the general one").await;
    // The session is active in two places, and the answer goes to the place where its prompt was sent.
    SECOND.asks(&app, "from the second", "You said: Ada L: from the second").await;
    app.until_turns("first", 1).await;
    app.until_turns("general", 2).await;
    for (seat, session) in [(FIRST, "first"), (SECOND, "general")] {
        let before = app.api.calls("sendChatAction").len();
        // The turn is so long that the test sees the busy phase even on a slow machine.
        seat.says(&app, "slow 1000");
        // Wait for the turn, because an earlier turn's chat action in this topic may still be pending.
        app.until("the turn", || (app.session(session)["phase"] == "busy").then_some(())).await;
        let topic = seat.topic.map(Value::from);
        let types = || {
            let mut calls = app.api.calls("sendChatAction").into_iter().skip(before);
            calls.find(|call| call.params.get("message_thread_id") == topic.as_ref()).map(drop)
        };
        app.until("the typing in a topic", types).await;
        seat.asks(&app, "/stop", "Stopped.").await;
    }
    assert_eq!(app.api.chat(OWNER), [none], "the private chat shows nothing from the group");
}

/// Checks that a member can open a session in the owner's place without changing the owner's active session.
async fn check_that_users_keep_their_own_session(owner: Seat) {
    let app = App::new().await;
    let member = Seat { user: MEMBER, ..owner };
    owner.asks(&app, "/new owners", "Session 'owners' created.").await;
    let shown = member.asks(&app, "hello", "Not accepted").await;
    assert!(shown.contains("belongs to another user") && !shown.contains("No active session"), "{shown}");
    assert_eq!(
        member.asks(&app, "/new owners", "owners").await,
        "The name 'owners' is taken by another user. Choose another name."
    );
    member.asks(&app, "/new members", "Session 'members' created.").await;
    owner.asks(&app, "for the owner's", "You said: Ada L: for the owner's").await;
    member.asks(&app, "for the member's", "You said: Ada L: for the member's").await;
    for session in ["owners", "members"] {
        app.until_turns(session, 1).await;
    }
    let texts = app.api.topic((GROUP, owner.topic), 0);
    assert!(texts.iter().any(|text| text.starts_with("[owners] You said:")), "the session is named: {texts:?}");
    owner.asks(&app, "/sessions", "→ 🟢 owners").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_cannot_switch_the_session_of_others() {
    check_that_users_keep_their_own_session(GENERAL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_cannot_switch_the_session_of_a_topic() {
    check_that_users_keep_their_own_session(FIRST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_switched_for_all_who_can_see_its_session() {
    let app = App::new().await;
    let member = Seat { user: MEMBER, ..FIRST };
    member.asks(&app, "/new members", "Session 'members' created.").await;
    FIRST.asks(&app, "to the member's", "You said: Ada L: to the member's").await;
    FIRST.asks(&app, "/new owners", "Session 'owners' created.").await;
    member.asks(&app, "hello", "belongs to another user").await;
    FIRST.asks(&app, "to mine", "You said: Ada L: to mine").await;
    app.until_turns("owners", 1).await;
    app.until_turns("members", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_message_of_an_answer_replies_to_its_question() {
    let app = App::new().await;
    let says = |id: i64, text: &str| {
        app.api.push(json!({"message": message(OWNER, GROUP, json!({"text": text, "message_id": id}))}));
    };
    let shown = |wanted: &'static str| {
        let app = &app;
        async move { app.until(wanted, || app.api.chat(GROUP).into_iter().find(|text| text.contains(wanted))).await }
    };
    says(101, "/new alpha");
    shown("Session 'alpha' created.").await;
    says(102, "hello");
    shown("You said: Ada L: hello").await;
    says(103, "slow 3");
    shown("line 3").await;
    app.until_turns("alpha", 2).await;
    let sent = app.api.calls("sendMessage");
    // The host may send a streamed answer again as a new message, so that the user is notified.
    let mut of: Vec<_> = sent.iter().map(|call| call.params["reply_parameters"]["message_id"].as_i64()).collect();
    of.dedup();
    assert_eq!(of, [Some(101), Some(102), Some(103)]);
    app.ask(OWNER, "/new beta", "Session 'beta' created.").await;
    let in_private = app.api.calls("sendMessage").into_iter().find(|call| call.params["chat_id"] == OWNER).unwrap();
    assert_eq!(in_private.params.get("reply_parameters"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_without_access_are_ignored_in_groups() {
    let app = App::new().await;
    let stranger = Seat { user: STRANGER, ..GENERAL };
    GENERAL.asks(&app, "/new general", "Session 'general' created.").await;
    stranger.says(&app, "/new strangers-session");
    stranger.says(&app, "a strangers-text");
    Seat { topic: Some(5), ..stranger }.says(&app, "a strangers-topic");
    app.api.press_data((STRANGER, GROUP), 1, "0123456789abcdef");
    let before = GENERAL.received(&app).len();
    // Once the host answers this message, it has processed all earlier updates.
    GENERAL.asks(&app, "hello", "You said: Ada L: hello").await;
    let texts: Vec<String> = GENERAL.received(&app)[before..].iter().map(|call| call.text().to_owned()).collect();
    // A live message may have a line below the agent's text.
    let of_hello = |text: &String| text.starts_with("You said: Ada L: hello") || text.starts_with("Thinking");
    assert!(texts.iter().all(of_hello), "{texts:?}");
    assert!(FIRST.received(&app).is_empty());
    app.until_turns("general", 1).await;
    assert_eq!(app.session("strangers-session"), Value::Null);
    assert!(!super::access::stored(&app.path("state"), "strangers-"));
    assert!(!app.log().contains("strangers-"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_for_a_closed_group_are_kept_and_reported() {
    let app = App::new().await;
    app.api.block(GROUP);
    GENERAL.says(&app, "/new general");
    let shown = app.wait_for(OWNER, 0, "can't write to").await;
    assert!(shown.contains(&GROUP.to_string()) && shown.contains("bot was blocked"), "{shown}");
    app.api.unblock(GROUP);
    GENERAL.asks(&app, "/timeout 5", "set to 5 minutes").await;
    let here = app.api.topic((GROUP, None), 0);
    assert_eq!(here.iter().filter(|text| text.contains("Session 'general' created.")).count(), 1, "{here:?}");
    assert_eq!(app.api.chat(OWNER).len(), 1, "there is one notice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_those_who_may_decide_can_press() {
    let app = App::new().await;
    GENERAL.asks(&app, "/new alpha", "Session 'alpha' created.").await;
    GENERAL.asks(&app, "run ls", "asks for permission:").await;
    for (user, why) in [
        (MEMBER, "Only the person who created this session and the admins can decide this."),
        (STRANGER, "You don't have access to this bot. Ask its owner for access."),
    ] {
        let (press, _) = app.api.press(user, GROUP, "Allow once");
        let is_answer = |call: &Call| call.params["callback_query_id"] == press.as_str();
        let find = || app.api.calls("answerCallbackQuery").into_iter().find(is_answer);
        let params = app.until("the answer to a press", find).await.params;
        assert_eq!((&params["text"], &params["show_alert"]), (&json!(why), &json!(true)));
    }
    assert!(app.api.buttons(GROUP).iter().any(|(_, label, _)| label == "Allow once"), "the question is open");
    let first = app.api.next_id();
    app.api.press(OWNER, GROUP, "Allow once");
    let find = || app.api.topic((GROUP, None), first).into_iter().find(|text| text.contains("You allowed it."));
    app.until("the decision of the owner", find).await;
}
