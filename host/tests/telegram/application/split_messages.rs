//! Tests messages that Telegram delivers in parts, and edits to waiting messages.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use super::{App, OWNER};
use crate::botapi::{Fault, message};

fn update(kind: &str, id: i64, more: Value) -> Value {
    let mut of = message(OWNER, OWNER, more);
    of["message_id"] = id.into();
    json!({kind: of})
}

fn push(app: &App, kind: &str, id: i64, more: Value) {
    app.api.push(update(kind, id, more));
}

/// Delivers an album with these captions in a single batch. If the album arrived in two batches, a slow host might
/// treat it as complete after the first.
fn album(app: &App, album: &str, captions: &[(i64, Option<&str>)]) {
    let photo = |(id, caption): &(i64, Option<&str>)| {
        let file = json!([{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]);
        let mut more = json!({"photo": file, "media_group_id": album});
        if let Some(caption) = *caption {
            more["caption"] = caption.into();
        }
        update("message", *id, more)
    };
    app.api.push_all(captions.iter().map(photo).collect());
}

/// Returns how many messages in the owner's chat contain `words`.
fn count(app: &App, words: &str) -> usize {
    app.api.chat(OWNER).iter().filter(|text| text.contains(words)).count()
}

/// Delivers a text that the client has split into three messages.
fn paste(app: &App) {
    let parts = [(101, "x".repeat(4096)), (102, "y".repeat(4096)), (103, "the end".to_owned())];
    app.api.push_all(parts.map(|(id, text)| update("message", id, json!({"text": text}))).to_vec());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paste_split_by_the_client_is_one_turn() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    paste(&app);
    app.wait_for(OWNER, 0, "the end").await;
    app.until_turns("alpha", 1).await;
    app.ask(OWNER, "and then?", "You said: and then?").await;
    app.until_turns("alpha", 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_replaces_a_waiting_text_or_sends_a_correction() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    push(&app, "message", 101, json!({"text": "slow 1000"}));
    app.wait_for(OWNER, 0, "line 1").await;
    push(&app, "message", 102, json!({"text": "delete everything"}));
    app.until("the message is queued", || (app.session("alpha")["queued"] == 1).then_some(())).await;
    let edit =
        |id: i64, text: &str, date: i64| push(&app, "edited_message", id, json!({"text": text, "edit_date": date}));
    let stored = async |text: &str| {
        let is_stored = || {
            let inbox = cordboard_store::read_only(&app.path("state")).unwrap().inbox;
            inbox.iter().any(|row| row.update.what.text().contains(text)).then_some(())
        };
        app.until(&format!("the stored text '{text}'"), is_stored).await;
    };
    edit(101, "slow 2000", 1_790_000_001);
    app.until("the correction is queued", || (app.session("alpha")["queued"] == 2).then_some(())).await;
    // Another edit updates the queued correction, and repeating the same edit has no effect.
    edit(101, "slow 3000", 1_790_000_002);
    stored("slow 3000").await;
    edit(101, "slow 3000", 1_790_000_003);
    edit(102, "delete nothing", 1_790_000_004);
    stored("delete nothing").await;
    app.ask(OWNER, "/stop", "Stopped.").await;
    app.wait_for(OWNER, 0, "You said: delete nothing").await;
    app.wait_for(OWNER, 0, "[The user has edited an earlier message. It now reads:]\n\nslow 3000").await;
    app.until_turns("alpha", 3).await;
    // The agent has already answered this message, so the host sends it a correction, but only once.
    edit(102, "delete nothing at all", 1_790_000_005);
    edit(102, "delete nothing at all", 1_790_000_006);
    app.wait_for(OWNER, 0, "[The user has edited an earlier message. It now reads:]\n\ndelete nothing at all").await;
    app.ask(OWNER, "the last one", "You said: the last one").await;
    app.until_turns("alpha", 5).await;
    assert_eq!((count(&app, "everything"), count(&app, "at all"), count(&app, "slow 2000")), (0, 1, 0));
}

/// An agent that answers its first prompt, at a cost of four dollars, and never finishes answering any other.
const COSTLY: &str = r#"#!/bin/sh
say() { printf '%s\n' "$1"; }
result=
while read -r line; do
  case "$line" in
    *'"initialize"'*) say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}' ;;
    *'"type":"user"'*)
      uuid=${line#*'"uuid":"'}; uuid=${uuid%%'"'*}
      say '{"type":"user","isReplay":true,"uuid":"'$uuid'","message":{"content":[]}}'
      say '{"type":"assistant","session_id":"c1","message":{"id":"m-'$uuid'","content":[{"type":"text","text":"answer"}]}}'
      [ "$result" ] || say '{"type":"result","subtype":"success","session_id":"c1","user_message_uuids":["'$uuid'"],"total_cost_usd":4}'
      result=sent ;;
  esac
done
"#;

/// Configures a filter that replaces some messages' text and notifies their author.
const FILTER: &str = "[plugins]\nfilters = [\"filter\"]\n[plugins.filter]\ngrants = [\"attachments\", \"sessions\"]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_is_refused_when_the_budget_is_spent() {
    let app = App::new().await;
    app.save_plugin("filter", include_bytes!("../../fixtures/0.2.4/filter.wasm"));
    let script = app.path("costly");
    fs::write(&script, COSTLY).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let configure = async |limit: u32, changes: usize| {
        let agents =
            format!("[agents]\ndefault = \"costly\"\n[agents.costly]\nkind = \"claude\"\ncommand = {script:?}");
        app.configure(&format!("owner = {OWNER}\n{agents}\n[limits]\ncost_per_day = {limit}\n{FILTER}"));
        let changed = || (app.log().matches("configuration changed").count() == changes).then_some(());
        app.until("the new configuration", changed).await;
    };
    configure(100, 1).await;
    app.wait_for(OWNER, 0, "Plugin 'filter' is active").await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "pass", "answer").await;
    app.until_turns("alpha", 1).await;
    let first = app.api.next_id();
    push(&app, "message", 101, json!({"text": "slow 100000"}));
    app.wait_for(OWNER, first, "answer").await;
    configure(3, 2).await;
    push(&app, "edited_message", 101, json!({"text": "replace", "edit_date": 1_790_000_001}));
    let refusal = app.wait_for(OWNER, first, "Not accepted").await;
    assert!(
        refusal.contains("$4.00 today, and the limit is $3.00 a day") && refusal.ends_with("“replace”"),
        "{refusal}"
    );
    assert_eq!(app.session("alpha")["queued"], 0);
    assert_eq!(count(&app, "A notice"), 0, "the filter's notice is shown only with a correction that was sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_is_answered_once_and_each_caption_is_seen() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    album(&app, "A", &[(101, None), (102, Some("the first")), (103, Some("the second"))]);
    app.wait_for(OWNER, 0, "[3 images]\nYou said: the first\nthe second").await;
    app.until_turns("alpha", 1).await;
    album(&app, "B", &[(104, None), (105, Some("/new beta")), (106, None)]);
    app.wait_for(OWNER, 0, "Session 'beta' created.").await;
    album(&app, "C", &[(107, None), (108, None)]);
    app.wait_for(OWNER, 0, "[2 images]\nYou said: [album]").await;
}

/// Takes 20 seconds, because the hanging call must time out first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_ends_an_answer_that_is_not_sent_yet() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.fail("sendMessage", Fault::Hang);
    paste(&app);
    let stored = || {
        let posts = cordboard_store::read_only(&app.path("state")).unwrap().outbox;
        posts.iter().any(|post| post.reply.text.contains("the end")).then_some(())
    };
    app.until("the stored answer", stored).await;
    app.ask(OWNER, "/stop", "Stopped.").await;
    app.ask(OWNER, "and then?", "You said: and then?").await;
    assert_eq!(count(&app, "the end"), 0, "{:#?}", app.api.chat(OWNER));
}
