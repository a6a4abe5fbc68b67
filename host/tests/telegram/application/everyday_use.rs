//! Tests everyday use of the bot: sessions, answers, buttons and the menu.

use std::{collections::HashSet, time::SystemTime};

use cordboard_core::types::{SessionRecord, Timestamp, UserId};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{App, MEMBER, OWNER, component};
use crate::botapi::{BotApi, Fault};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_answer_notifies_once_when_finished() {
    let app = App::new().await;
    assert_eq!(app.ask(OWNER, "hello?", "No active").await, "No active session. Use /new to start one.");
    assert_eq!(app.ask(OWNER, "/new alpha", "alpha").await, "Session 'alpha' created.");
    let rings = app.api.rings(OWNER).len();
    let all = "line 1\nline 2\nline 3\nline 4";
    app.ask_agent(OWNER, "slow 4", all).await;
    assert_eq!(app.api.rings(OWNER)[rings..], [all]);
    // The answer is so long that the test sees it being streamed even on a slow machine.
    let typing = app.api.calls("sendChatAction").len();
    app.stream(OWNER, "slow 1000").await;
    app.api.until_calls("sendChatAction", typing + 1).await;
    app.ask(OWNER, "/stop", "Stopped.").await;
    app.ask(OWNER, "hello, agent", "You said: hello, agent").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_looks_like_markdown_is_shown_literally() {
    let app = App::new().await;
    let shown = app.ask(OWNER, "/session __x__", "doesn't exist").await;
    assert_eq!(shown, "Session '__x__' doesn't exist. Use /new to create it.");
    let sent = app.api.calls("sendMessage");
    assert_eq!(sent.last().unwrap().params["entities"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_a_background_session_has_its_name() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask_agent(OWNER, "hello", "You said: hello").await;
    // Pause the agent, so that it answers only after beta has become the active session.
    app.signal_agent("alpha", Signal::STOP);
    app.ask(OWNER, "slow 4", "Thinking…").await;
    app.ask(OWNER, "/new beta", "Session 'beta' created.").await;
    app.signal_agent("alpha", Signal::CONT);
    let answers = || app.api.chat(OWNER).into_iter().filter(|text| text.contains("line 1")).collect::<Vec<_>>();
    let is_whole = || answers() == ["[alpha] line 1\nline 2\nline 3\nline 4"];
    app.until("the whole answer of alpha", || is_whole().then_some(())).await;
    app.ask_agent(OWNER, "hello again", "You said: hello again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resumed_session_answers_in_one_message() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask_agent(OWNER, "hello", "You said: hello").await;
    app.ask(OWNER, "/suspend", "Session 'alpha' suspended.").await;
    app.ask_agent(OWNER, "again", "Resuming session...\n\nYou said: again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_during_a_turn_notifies_once() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let rings = app.api.rings(OWNER).len();
    app.ask(OWNER, "crash", "the demo agent crashed").await;
    app.ask(OWNER, "and now?", "You said: and now?").await;
    // `ask` may have found the text in the live message, which is silent, so wait for the final message.
    let rang = || app.api.rings(OWNER).split_off(rings);
    let is_last = || rang().last().is_some_and(|text| text == "You said: and now?").then_some(());
    app.until("the notification of the second turn", is_last).await;
    assert!(rang().len() == 2 && rang()[0].starts_with("I am about to"), "{:?}", rang());
}

/// Returns the menu of the owner's private chat.
fn menu(api: &BotApi) -> Vec<String> {
    menu_in(api, &json!({"type": "chat", "chat_id": OWNER}))
}

fn menu_in(api: &BotApi, scope: &Value) -> Vec<String> {
    let mut calls = api.calls("setMyCommands").into_iter().filter(|call| call.params["scope"] == *scope);
    let commands =
        calls.next_back().map(|call| call.params["commands"].as_array().unwrap().clone()).unwrap_or_default();
    commands.iter().map(|command| command["command"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_agent_is_shown_as_working_until_stopped() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let typing = app.api.calls("sendChatAction").len();
    app.ask(OWNER, "hang", "Thinking…").await;
    app.api.until_calls("sendChatAction", typing + 2).await;
    // The live message keeps showing the elapsed time even though the agent sends nothing.
    let spans = || {
        let edits = app.api.calls("editMessageText").into_iter();
        edits.map(|call| call.text().to_owned()).filter(|text| text.starts_with("Thinking… ")).collect::<HashSet<_>>()
    };
    app.until("two edits that show the time", || (spans().len() >= 2).then_some(())).await;
    // The demo agent ignores interrupts while hanging, so the host stops its process after a timeout.
    app.api.says(OWNER, "/stop");
    app.api.until("the end of the turn", |api| !api.chat(OWNER).iter().any(|text| text.starts_with("Thinking…"))).await;
    app.ask(OWNER, "again", "You said: again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_answer_notifies_once() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "slow 1000", "line 2").await;
    let rings = app.api.rings(OWNER).len();
    app.ask(OWNER, "/stop", "Stopped.").await;
    app.until("the end of the turn", || (app.session("alpha")["phase"] == "idle").then_some(())).await;
    app.ask(OWNER, "and now?", "You said: and now?").await;
    // `ask` may have found the text in the live message, which is silent, so wait for the final message.
    let rang = || app.api.rings(OWNER)[rings..] == ["Stopped.", "You said: and now?"];
    app.until("one notification for each message", || rang().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_menu_lists_the_active_commands() {
    let mut app = App::new().await;
    app.ask(OWNER, "/stop", "No active session").await;
    let has = |name: &'static str| move |api: &BotApi| menu(api).iter().any(|command| command == name);
    app.api.until("the first menu", has("new")).await;
    for command in ["new", "session", "sessions", "timeout", "model", "stop", "persona", "help", "plugins", "access"] {
        assert!(has(command)(&app.api), "/{command} is missing: {:?}", menu(&app.api));
    }
    assert!(!has("echo")(&app.api));
    app.save_plugin("echo", &component("bad/echo.wasm"));
    app.api.until("the menu with /echo", has("echo")).await;
    assert_eq!(app.ask(OWNER, "/echo hello", "hello").await, "v1: hello");
    std::fs::remove_file(app.path("plugins/echo.wasm")).unwrap();
    app.api.until("the menu without /echo", |api| !has("echo")(api)).await;
    app.ask(OWNER, "/echo hello", "Unknown command /echo.").await;
    // After a restart, the most used commands come first.
    assert_eq!(app.terminate().await, Some(0));
    app.start();
    app.api.until("the ordered menu", |api| menu(api).first().is_some_and(|name| name == "stop")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn menus_show_only_the_commands_of_the_role() {
    let app = App::new().await;
    let everyone = json!({"type": "default"});
    app.api.until("the first menu", |api| !menu_in(api, &everyone).is_empty()).await;
    let hidden = ["plugins", "access"].map(str::to_owned);
    assert!(!menu_in(&app.api, &everyone).iter().any(|name| hidden.contains(name)));
    assert!(menu(&app.api).is_empty(), "the owner has not written yet");
    app.ask(MEMBER, "/help", "/new").await;
    app.ask(OWNER, "/help", "/access").await;
    app.api.until("the owner's menu", |api| hidden.iter().all(|name| menu(api).contains(name))).await;
    let of_member = json!({"type": "chat", "chat_id": MEMBER});
    assert!(menu_in(&app.api, &of_member).is_empty(), "a member has the menu of everyone");
    app.configure(&format!("owner = {OWNER}\nadmins = [{MEMBER}]"));
    app.api.until("the admin's menu", |api| menu_in(api, &of_member).contains(&"plugins".to_owned())).await;
    assert!(!menu_in(&app.api, &of_member).contains(&"access".to_owned()));
    app.configure(&format!("owner = {OWNER}"));
    let is_deleted = |api: &BotApi| api.calls("deleteMyCommands").iter().any(|call| call.params["scope"] == of_member);
    app.api.until("the end of the admin's menu", is_deleted).await;
}

/// Stores sessions before the host starts.
async fn seed(app: &App, names: impl Iterator<Item = String>, archived: bool) {
    let (store, _) = cordboard_store::open(&app.path("state")).unwrap();
    for (number, name) in (1u64..).zip(names) {
        let owner = UserId(format!("telegram:{OWNER}"));
        let now = Timestamp(1_000 * number);
        let folder = app.path("state/folders").join(&name);
        let mut record = SessionRecord::new(name.parse().unwrap(), owner, folder, "demo", now);
        record.archived = archived;
        store.create_session(&record).await.unwrap();
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_runs_its_command_and_updates_the_page() {
    let mut app = App::prepared().await;
    seed(&app, (1..=23).map(|number| format!("s{number:02}")), false).await;
    app.start();
    let first = app.ask(OWNER, "/sessions", "s23").await;
    assert!(first.ends_with("…and 3 more: /sessions 2"), "{first}");
    for (_, _, data) in app.api.buttons(OWNER) {
        assert!((1..=64).contains(&data.len()) && !data.contains("sessions"), "{data}");
    }
    let next = app.api.next_id();
    let (press, message) = app.api.press(OWNER, OWNER, "More");
    app.api.until("the second page", |api| api.current_text(OWNER, message).contains("s03")).await;
    assert!(!app.api.current_text(OWNER, message).contains("s04"));
    let (_, message) = app.api.press(OWNER, OWNER, "Back");
    app.api.until("the first page again", |api| api.current_text(OWNER, message) == first).await;
    assert_eq!(app.api.next_id(), next, "nothing new was sent");
    let answered =
        |api: &BotApi| api.calls("answerCallbackQuery").iter().any(|call| call.params["callback_query_id"] == press);
    app.api.until("the answer to the press", answered).await;
    // A button sent before a restart still works.
    assert_eq!(app.terminate().await, Some(0));
    app.start();
    let (_, message) = app.api.press(OWNER, OWNER, "More");
    app.api.until("the second page", |api| api.current_text(OWNER, message).contains("s03")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_restores_an_archived_session() {
    let mut app = App::prepared().await;
    seed(&app, ["old-one", "old-two"].map(str::to_owned).into_iter(), true).await;
    app.start();
    app.ask(OWNER, "/restore", "Archived sessions").await;
    let first = app.api.next_id();
    app.api.press(OWNER, OWNER, "old-one");
    assert_eq!(app.wait_for(OWNER, first, "old-one").await, "Session 'old-one' restored.");
    assert!(app.ask(OWNER, "/sessions", "old-one").await.starts_with("⚪"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_message_gets_a_reply_without_reactions() {
    let app = App::new().await;
    app.ask(OWNER, "/new a", "Session 'a' created.").await;
    app.ask(OWNER, "slow 1000", "line 2").await;
    app.api.fail("setMessageReaction", Fault::Error(400, "Bad Request: REACTION_INVALID"));
    assert_eq!(app.ask(OWNER, "and then", "is queued").await, "Session 'a' is busy. Your message is queued.");
    let calls = app.api.calls("sendMessage");
    let line = calls.iter().find(|call| call.text().contains("Your message is queued")).unwrap();
    assert_eq!(line.params["disable_notification"], true);
    app.ask(OWNER, "/stop all", "Stopped.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_message_gets_a_silent_reaction() {
    let app = App::new().await;
    app.ask(OWNER, "/new a", "Session 'a' created.").await;
    app.ask(OWNER, "slow 1000", "line 2").await;
    let rings = app.api.calls("sendMessage").len();
    app.api.says(OWNER, "and then");
    app.api.says(OWNER, "and at last");
    app.api.until_calls("setMessageReaction", 2).await;
    assert_eq!(app.api.calls("sendMessage").len(), rings);
    app.ask(OWNER, "/stop all", "Stopped.").await;
    assert_eq!(app.api.calls("setMessageReaction").len(), 2, "a message that is answered at once is not marked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activity_in_the_future_counts_as_the_start() {
    let mut app = App::prepared().await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let tomorrow = Timestamp(u64::try_from(now.as_millis()).unwrap() + 86_400_000);
    let (store, _) = cordboard_store::open(&app.path("state")).unwrap();
    let (owner, folder) = (UserId(format!("telegram:{OWNER}")), app.path("state/folders/ahead"));
    store.create_session(&SessionRecord::new("ahead".parse().unwrap(), owner, folder, "demo", tomorrow)).await.unwrap();
    store.close().await;
    app.start();
    app.ask(OWNER, "/sessions", "ahead").await;
    let active = || app.session("ahead")["last_active"].as_u64().unwrap();
    let first = active();
    assert!(first < tomorrow.0);
    // A second listing shows the same time, so the time was stored and isn't just the current time.
    assert_eq!(active(), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_created_and_selected_by_buttons_alone() {
    let app = App::new().await;
    app.ask(OWNER, "/start", "This is Cordboard.").await;
    let press = async |label: &str, wanted: &str| {
        let first = app.api.next_id();
        app.api.press(OWNER, OWNER, label);
        app.wait_for(OWNER, first, wanted).await
    };
    press("New session", "Usage: /new").await;
    press("New session s1", "Session 's1' created.").await;
    app.ask(OWNER, "/new", "Usage: /new").await;
    press("planner", "Session 's2' created with persona 'planner'.").await;
    app.ask(OWNER, "/sessions", "s1").await;
    press("s1", "Switched to session 's1'.").await;
    // A link printed by `cordboard sessions` opens a session.
    let row = app.session("s2");
    let (_, payload) = row["link"].as_str().unwrap().split_once("?start=").unwrap();
    app.ask(OWNER, &format!("/start {payload}"), "Switched to session 's2' (persona 'planner').").await;
    app.ask(OWNER, "/start r_7_s1", "Its agent asks question #7.").await;
    app.ask(OWNER, "/start s_gone", "Session 'gone' doesn't exist.").await;
    app.ask(OWNER, "/start x", "This link is not valid.").await;
}
