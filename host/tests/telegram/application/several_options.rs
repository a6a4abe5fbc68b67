//! Tests that buttons can choose several options of an agent's question.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{App, OWNER};

/// An agent that answers each prompt with a question with three options, and ends the turn with the user's choice.
const ASKER: &str = r#"#!/bin/sh
say() { printf '%s\n' "$1"; }
option() { printf '{"label":"%s","description":""}' "$1"; }
while read -r line; do
  case "$line" in
    *'"initialize"'*) say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}' ;;
    *'"control_response"'*)
      text=${line#*'"Which?":"'}
      say '{"type":"result","subtype":"success","result":"chosen: '"${text%%'"'*}"'","user_message_uuids":["'$id'"]}' ;;
    *'"type":"user"'*)
      id=${line#*'"uuid":"'}; id=${id%%'"'*}
      say '{"type":"user","isReplay":true,"uuid":"'$id'","message":{"content":[]}}'
      question='{"question":"Which?","header":"Which","multiSelect":true,"options":['$(option Red),$(option Green),$(option Blue)']}'
      say '{"type":"control_request","request_id":"q-'$id'","request":{"subtype":"can_use_tool","tool_name":"AskUserQuestion","tool_use_id":"t","input":{"questions":['"$question"']}}}' ;;
  esac
done
"#;

/// Returns the labels of the buttons in the owner's chat.
fn labels(app: &App) -> Vec<String> {
    app.api.buttons(OWNER).into_iter().map(|(_, label, _)| label).collect()
}

async fn until_labels(app: &App, expected: &[&str]) {
    app.until(&format!("{expected:?}"), || (labels(app) == expected).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buttons_choose_several_options() {
    let mut app = App::prepared().await;
    let script = app.path("asker");
    fs::write(&script, ASKER).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let agents = format!("[agents]\ndefault = \"asker\"\n[agents.asker]\nkind = \"claude\"\ncommand = {script:?}");
    app.configure(&format!("owner = {OWNER}\n{agents}"));
    app.start();
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "ask me", "Which?").await;
    until_labels(&app, &["☐ Red", "☐ Green", "☐ Blue", "Something else"]).await;
    let (question, _, stale) = app.api.buttons(OWNER).swap_remove(1);
    let text = app.api.current_text(OWNER, question);
    app.api.press(OWNER, OWNER, "☐ Blue");
    until_labels(&app, &["☐ Red", "☐ Green", "☑ Blue", "Something else", "Done"]).await;
    // A user can press a second button before the first edit arrives, so buttons that an edit replaced still work.
    app.api.press_data((OWNER, OWNER), question, &stale);
    until_labels(&app, &["☐ Red", "☑ Green", "☑ Blue", "Something else", "Done"]).await;
    app.api.press(OWNER, OWNER, "☐ Red");
    until_labels(&app, &["☑ Red", "☑ Green", "☑ Blue", "Something else", "Done"]).await;
    app.api.press(OWNER, OWNER, "☑ Green");
    until_labels(&app, &["☑ Red", "☐ Green", "☑ Blue", "Something else", "Done"]).await;
    assert_eq!(app.api.current_text(OWNER, question), text, "only the buttons change");
    app.api.press(OWNER, OWNER, "Done");
    app.wait_for(OWNER, question, "chosen: Red, Blue").await;
    until_labels(&app, &[]).await;
    let closed = app.api.current_text(OWNER, question);
    assert!(closed.starts_with(&text) && closed.ends_with(": Red, Blue."), "{closed}");
    let next = app.api.next_id();
    app.api.press_data((OWNER, OWNER), question, &stale);
    app.wait_for(OWNER, next, "has no effect").await;
    assert_eq!(app.api.current_text(OWNER, question), closed);
}
