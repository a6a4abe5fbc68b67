//! Tests that a plugin's button can run only that plugin's commands and can't answer an approval request.

use super::{App, OWNER, component};

/// Grants `chat` to two plugins, so that they need no approval.
fn grant_chat(app: &App) {
    let grants = |name: &str| format!("[plugins.{name}]\ngrants = [\"chat\"]");
    app.configure(&format!("owner = {OWNER}\n{}\n{}", grants("any_output"), grants("other")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_host_buttons_can_answer_for_the_owner() {
    let mut app = App::prepared().await;
    grant_chat(&app);
    app.start();
    app.api.until_calls("getUpdates", 1).await;
    app.save_plugin("needs_approval", &component("bad/needs_approval.wasm"));
    let question = app.wait_for(OWNER, 0, "requests capabilities that it was not granted").await;
    let digest = question.split(", version ").nth(1).and_then(|rest| rest.get(..12)).unwrap();
    app.save_plugin("any_output", &component("bad/any_output.wasm"));
    app.wait_for(OWNER, 0, "Plugin 'any_output' is active").await;
    app.ask(OWNER, &format!("/any_output button /plugins grant needs_approval {digest}"), "Well?").await;
    let labels: Vec<String> = app.api.buttons(OWNER).into_iter().map(|(_, label, _)| label).collect();
    assert_eq!(labels, ["Grant and activate", "Refuse", "Own"]);
    assert!(app.log().contains("omitted a button"));
    app.api.press(OWNER, OWNER, "Grant and activate");
    app.wait_for(OWNER, 0, "Plugin 'needs_approval' is granted session-control, and is active").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_does_not_run_a_command_of_another_plugin() {
    let mut app = App::prepared().await;
    grant_chat(&app);
    app.start();
    app.api.until_calls("getUpdates", 1).await;
    app.save_plugin("any_output", &component("bad/any_output.wasm"));
    app.wait_for(OWNER, 0, "Plugin 'any_output' is active").await;
    app.ask(OWNER, "/any_output button /any_output again", "Well?").await;
    let first = app.api.next_id();
    app.api.press(OWNER, OWNER, "Own");
    app.wait_for(OWNER, first, "did own").await;
    std::fs::remove_file(app.path("plugins/any_output.wasm")).unwrap();
    app.until("the plugin is removed", || app.plugin("any_output").is_null().then_some(())).await;
    app.save_plugin("other", &component("bad/any_output.wasm"));
    app.wait_for(OWNER, 0, "Plugin 'other' is active").await;
    app.ask(OWNER, "/any_output own", "did own").await;
    let first = app.api.next_id();
    app.api.press(OWNER, OWNER, "Own");
    let shown = app.wait_for(OWNER, first, "/any_output").await;
    assert!(shown.starts_with("This button no longer works: it belongs to plugin 'any_output'"), "{shown}");
}
