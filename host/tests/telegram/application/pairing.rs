//! Tests pairing: only the person who sends the code from the log becomes the owner.

use serde_json::{Value, json};

use super::{App, MEMBER, OWNER, STRANGER, access::stored};
use crate::botapi::{Fault, message};

const GROUP: i64 = -100_900;

impl App {
    /// Starts a host without an owner, with `access` as the `[access]` table. Returns the code from the log.
    async fn start_unpaired(access: &str) -> (Self, String) {
        let mut app = Self::prepared().await;
        app.configure(access);
        app.start();
        let code = app.until("the code", || app.code()).await;
        (app, code)
    }

    fn code(&self) -> Option<String> {
        let log = self.log();
        let (_, rest) = log.split_once("command=\"/pair ")?;
        Some(rest.split_once('"')?.0.to_owned())
    }

    async fn until_logged(&self, what: &str) {
        self.until(what, || self.log().contains(what).then_some(())).await;
    }

    fn people(&self) -> Vec<(i64, String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let person = |one: Value| (one["id"].as_i64().unwrap(), text(&one["role"]), text(&one["source"]));
        self.list("access").into_iter().map(person).collect()
    }

    fn is_owner(&self, user: i64) -> bool {
        self.people() == [(user, "owner".to_owned(), "chat".to_owned())]
    }

    /// Checks that the code appears only in the two fields of its log line and not in the state directory.
    fn assert_code_not_stored(&self, code: &str) {
        assert_eq!(self.log().matches(code).count(), 2);
        assert!(!stored(&self.path("state"), code));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_person_with_the_code_becomes_the_owner() {
    let (mut app, code) = App::start_unpaired("").await;
    assert!(app.log().contains(&format!("link=\"https://t.me/cord_bot?start=p_{code}\"")), "{}", app.log());
    app.api.says(STRANGER, "/pair 0000000000");
    app.until_logged("wrong pairing code").await;
    let lower = format!("/pair {}-{}", &code[..5].to_lowercase(), &code[5..]);
    let welcome = app.ask(OWNER, &lower, "owner of this bot").await;
    assert!(welcome.starts_with("You are now the owner"), "{welcome}");
    assert!(app.is_owner(OWNER));
    let list = app.ask(OWNER, "/access", "owner").await;
    assert!(list.starts_with("• Ada L 42: owner (added in the chat)"), "{list}");
    app.api.says(STRANGER, &format!("/pair {code}"));
    app.api.says(OWNER, &format!("/pair {code}"));
    let unknown = app.ask(OWNER, "/pair ABCDE", "Unknown command").await;
    assert!(unknown.starts_with("Unknown command /pair."), "{unknown}");
    assert!(app.api.chat(STRANGER).is_empty());
    app.assert_code_not_stored(&code);
    assert_eq!(app.terminate().await, Some(0));
    app.start();
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    assert_eq!(app.log().matches("the bot has no owner").count(), 1);
    assert!(app.is_owner(OWNER));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_makes_a_member_the_owner() {
    let (app, code) = App::start_unpaired(&format!("members = [{MEMBER}]")).await;
    let denied = app.ask(MEMBER, "/access", "/access").await;
    assert_eq!(denied, "/access is for the owner only.");
    app.ask(MEMBER, &format!("/start p_{code}"), "You are now the owner").await;
    app.ask(MEMBER, "/access", "owner (added in the chat)").await;
    let invalid = app.ask(MEMBER, "/start p_ABC", "link").await;
    assert_eq!(invalid, "This link is not valid. Use /sessions to list your sessions.");
    app.assert_code_not_stored(&code);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_people_with_the_same_code_becomes_the_owner() {
    let (app, code) = App::start_unpaired("").await;
    let pair = |user: i64| json!({"message": message(user, user, json!({"text": format!("/pair {code}")}))});
    app.api.push_all(vec![pair(OWNER), pair(STRANGER)]);
    app.wait_for(OWNER, 0, "You are now the owner").await;
    app.api.says(STRANGER, "/help");
    app.ask(OWNER, "/help", "/access").await;
    assert!(app.is_owner(OWNER));
    assert!(app.api.chat(STRANGER).is_empty());
    app.assert_code_not_stored(&code);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_wrong_codes_of_any_users_end_pairing() {
    let (app, code) = App::start_unpaired("").await;
    for user in [STRANGER, MEMBER, STRANGER, MEMBER, STRANGER] {
        app.api.says(user, "/pair ABCDEFGHJK");
    }
    app.until_logged("too many wrong pairing codes").await;
    app.api.says(OWNER, &format!("/pair {code}"));
    // Once a later press is answered, the host has handled the message.
    app.api.press_data((STRANGER, STRANGER), 1, "0123456789abcdef");
    app.api.until_calls("answerCallbackQuery", 1).await;
    assert_eq!(app.people(), []);
    for user in [STRANGER, MEMBER, OWNER] {
        assert!(app.api.chat(user).is_empty(), "a wrong code has no answer");
    }
    assert!(!app.log().contains("ABCDEFGHJK"));
    app.assert_code_not_stored(&code);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_new_private_message_pairs() {
    let (app, code) = App::start_unpaired(&format!("admins = [{MEMBER}]")).await;
    let text = format!("/pair {code}");
    let origin = json!({"type": "user", "date": 1, "sender_user": {"id": OWNER, "is_bot": false, "first_name": "O"}});
    let sent = |user: i64, chat: i64, more: Value| {
        let mut all = json!({"text": text});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message(user, chat, all)
    };
    app.api.push(json!({"message": sent(STRANGER, STRANGER, json!({"forward_origin": origin}))}));
    app.api.push(json!({"message": sent(MEMBER, GROUP, json!({}))}));
    app.api.push(json!({"edited_message": sent(MEMBER, MEMBER, json!({"edit_date": 1_790_000_001}))}));
    let group = json!({"id": GROUP, "type": "supergroup", "title": "g"});
    app.api.push(json!({"message": sent(STRANGER, STRANGER, json!({"sender_chat": group}))}));
    let mut of_bot = sent(STRANGER, STRANGER, json!({}));
    of_bot["from"]["is_bot"] = true.into();
    app.api.push(json!({"message": of_bot}));
    app.ask(MEMBER, "/access", "/access is for the owner only.").await;
    assert_eq!(app.people(), [(MEMBER, "admin".to_owned(), "configuration".to_owned())]);
    app.assert_code_not_stored(&code);
    app.ask(OWNER, &text, "You are now the owner").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_before_the_welcome_keeps_the_owner() {
    let (mut app, code) = App::start_unpaired("").await;
    app.api.fail("sendMessage", Fault::Hang);
    app.api.says(OWNER, &format!("/pair {code}"));
    app.api.until_calls("sendMessage", 1).await;
    app.kill();
    app.start();
    app.wait_for(OWNER, 0, "You are now the owner").await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    assert!(app.is_owner(OWNER));
    let shown = app.api.chat(OWNER);
    assert!(!shown.iter().any(|text| text.contains("Unknown command")), "the repeated update is ignored: {shown:?}");
    app.assert_code_not_stored(&code);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configured_owner_overrides_the_paired_one() {
    let (app, code) = App::start_unpaired("").await;
    app.ask(OWNER, &format!("/pair {code}"), "You are now the owner").await;
    let changed = async |access: &str| {
        let before = app.log().matches("configuration changed").count();
        app.configure(access);
        app.until("the new configuration", || {
            (app.log().matches("configuration changed").count() > before).then_some(())
        })
        .await;
    };
    changed(&format!("owner = {MEMBER}")).await;
    let first = app.api.next_id();
    app.api.says(OWNER, "/help");
    let list = app.ask(MEMBER, "/access", "configuration").await;
    assert!(list.contains("42: owner (added in the chat, overridden by the configuration)"), "{list}");
    assert!(app.api.since(OWNER, first).is_empty(), "the paired owner has no access");
    let refused = app.ask(MEMBER, &format!("/access remove {MEMBER}"), "owner").await;
    assert_eq!(refused, "The owner can't be changed in the chat. Set `owner` in `[access]` of the configuration.");
    changed("").await;
    let first = app.api.next_id();
    app.api.says(MEMBER, "/help");
    app.ask(OWNER, "/access", "Ada L 42: owner (added in the chat)").await;
    assert!(app.api.since(MEMBER, first).is_empty(), "the removed owner has no access");
}
