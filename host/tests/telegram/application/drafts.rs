//! Tests answers that stream as drafts, and the drafts' stop buttons.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{App, MEMBER, OWNER, STRANGER};
use crate::botapi::{Call, Fault, message};

const GROUP: i64 = -100;

async fn with_drafts() -> App {
    let mut app = App::prepared().await;
    app.configure_stream("draft", &format!("owner = {OWNER}\nmembers = [{MEMBER}]"));
    app.start();
    app.api.until_calls("getUpdates", 1).await;
    app
}

/// Waits for a draft that contains `text`, and returns its id.
async fn draft(app: &App, text: &str) -> Value {
    let find = || app.api.calls("sendMessageDraft").into_iter().find(|call| call.text().contains(text));
    app.until(&format!("a draft with '{text}'"), find).await.params["draft_id"].clone()
}

fn press_stop(app: &App, chat: i64, draft: &Value) {
    let chat = json!({"id": chat, "type": "private", "first_name": "Ada"});
    app.api.push(json!({"stopped_message_generation": {"chat": chat, "draft_id": draft}}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_streams_in_one_draft_and_is_sent_once() {
    let app = with_drafts().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let rings = app.api.rings(OWNER).len();
    app.ask_agent(OWNER, "slow 6", &(1..=6).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n")).await;
    assert_eq!(app.api.rings(OWNER).len(), rings + 1);
    let drafts = app.api.calls("sendMessageDraft");
    assert!(drafts.iter().any(|call| call.text().starts_with("line 1\nline 2")), "{drafts:#?}");
    assert!(drafts.iter().all(|call| call.params["draft_id"] == drafts[0].params["draft_id"]), "{drafts:#?}");
    assert!(drafts.iter().all(|call| call.params["can_stop"] == true), "{drafts:#?}");
    assert!(app.api.calls("editMessageText").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stop_button_stops_the_turn_of_its_draft() {
    let app = with_drafts().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.says(OWNER, "slow 100000");
    let alpha = draft(&app, "line 2").await;
    app.ask(OWNER, "/new beta", "Session 'beta' created.").await;
    let first = app.api.next_id();
    app.api.says(OWNER, "slow 100001");
    // A chat can show only one draft, so the second turn is shown as a message.
    app.wait_for(OWNER, first, "line 2").await;
    let first = app.api.next_id();
    press_stop(&app, STRANGER, &alpha);
    press_stop(&app, OWNER, &json!(77));
    press_stop(&app, OWNER, &alpha);
    app.wait_for(OWNER, first, "[alpha] line 1").await;
    app.wait_for(OWNER, first, "Stopped").await;
    assert_eq!(app.session("beta")["phase"], "busy");
    // The turn has ended, so its button does nothing.
    press_stop(&app, OWNER, &alpha);
    app.ask(OWNER, "/sessions", "beta").await;
    assert_eq!(app.session("beta")["phase"], "busy");
    app.ask(OWNER, "/stop", "Stopped").await;
    assert!(app.api.chat(STRANGER).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_has_no_drafts() {
    let app = with_drafts().await;
    let says = |text: &str| app.api.push(json!({"message": message(OWNER, GROUP, json!({"text": text}))}));
    says("/new alpha");
    app.wait_for(GROUP, 0, "Session 'alpha' created.").await;
    says("slow 100000");
    app.wait_for(GROUP, 0, "line 1").await;
    says("/stop");
    app.wait_for(GROUP, 0, "Stopped").await;
    assert!(app.api.calls("sendMessageDraft").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_drafts_gets_edits() {
    let app = with_drafts().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.fail("sendMessageDraft", Fault::Error(404, "Not Found: method not found"));
    app.api.says(OWNER, "slow 100000");
    let is_edit = |call: &Call| call.text().starts_with("line 1\nline 2");
    app.until("an edit", || app.api.calls("editMessageText").iter().any(is_edit).then_some(())).await;
    assert_eq!(app.api.calls("sendMessageDraft").len(), 1);
    app.ask(OWNER, "/stop", "Stopped").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_of_the_agent_is_below_the_text_before_it() {
    let app = with_drafts().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let first = app.api.next_id();
    app.api.says(OWNER, "run git push");
    app.wait_for(OWNER, first, "asks for permission").await;
    // While the agent waits for the user, only the activity indicator is refreshed, every four seconds.
    let frames = || ["sendMessageDraft", "editMessageText"].map(|method| app.api.calls(method).len());
    let (before, refreshed) = (frames(), app.api.calls("sendChatAction").len());
    app.api.until_calls("sendChatAction", refreshed + 3).await;
    assert_eq!(frames(), before);
    app.ask(OWNER, "/allow", "Answered: Allow once.").await;
    app.wait_for(OWNER, first, "You allowed it").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_no_part_of_a_draft_remains() {
    let mut app = with_drafts().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.says(OWNER, "slow 100000");
    draft(&app, "line 2").await;
    app.signal_agent("alpha", Signal::STOP);
    app.kill();
    let first = app.api.next_id();
    app.start();
    app.wait_for(OWNER, first, "slow 100000").await;
    assert!(app.api.chat(OWNER).iter().all(|text| !text.contains("line 1")), "{:?}", app.api.chat(OWNER));
    assert!(app.api.calls("editMessageText").is_empty());
}
