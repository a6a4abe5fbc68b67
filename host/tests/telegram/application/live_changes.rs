//! Tests plugin and settings changes while a host is running.

use std::fs;

use crate::botapi::Fault;

use super::{App, OWNER, component, reworded};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_and_a_command_change_while_an_answer_streams() {
    let app = App::new().await;
    app.save_plugin("echo", &component("bad/echo.wasm"));
    app.wait_for(OWNER, 0, "Plugin 'echo' is active").await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    let (pid, first) = (app.pid("alpha"), app.api.next_id());
    app.api.says(OWNER, "slow 8");
    app.wait_for(OWNER, first, "line 2").await;
    let generation = |name: &str| app.plugin(name)["generation"].as_u64().unwrap();
    let (view, echo) = (generation("views"), generation("echo"));
    app.save_plugin("views", &reworded(component("views.wasm"), "Thinking", "Brooding"));
    app.save_plugin("echo", &component("bad/echo_v2.wasm"));
    app.wait_for(OWNER, first, "Plugin 'views' is active").await;
    app.wait_for(OWNER, first, "Plugin 'echo' is active").await;
    assert_eq!(app.ask(OWNER, "/echo now", "now").await, "v2: now");
    assert_eq!((generation("views"), generation("echo")), (view + 1, echo + 1));
    let answer: String = (1..=8).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n");
    let whole = || app.api.since(OWNER, first).contains(&answer);
    // The host may send the finished answer as a new message, and deletes the live message only afterwards.
    let parts = || app.api.chat(OWNER).iter().filter(|text| text.contains("line 1")).count();
    app.until("the whole answer in one message", || (whole() && parts() == 1).then_some(())).await;
    assert_eq!(app.pid("alpha"), pid, "the same agent");
    app.ask(OWNER, "hang", "Brooding…").await;
    app.ask(OWNER, "/stop", "Stopped").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_plugin_is_reported_only_to_the_owner() {
    let app = App::new().await;
    app.save_plugin("echo", &component("bad/echo.wasm"));
    app.wait_for(OWNER, 0, "Plugin 'echo' is active").await;
    app.save_plugin("echo", b"no component at all");
    let shown = app.wait_for(OWNER, 0, "was rejected").await;
    assert!(shown.starts_with("Plugin 'echo' was rejected: "), "{shown}");
    assert!(shown.ends_with("Generation 1 stays active."), "{shown}");
    assert_eq!(app.ask(OWNER, "/echo still", "still").await, "v1: still");
    assert!(app.api.calls("sendMessage").iter().all(|call| call.params["chat_id"] == OWNER));
}

/// Replaces a text in the configuration.
fn change(app: &App, old: &str, new: &str) {
    let text = fs::read_to_string(app.path("config.toml")).unwrap();
    assert!(text.contains(old), "{text}");
    fs::write(app.path("new.tmp"), text.replace(old, new)).unwrap();
    fs::rename(app.path("new.tmp"), app.path("config.toml")).unwrap();
}

async fn until_changed(app: &App) {
    let changed = || app.log().contains("configuration changed").then_some(());
    app.until("the new configuration", changed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_edit_pause_applies_to_the_next_answer() {
    let mut app = App::prepared().await;
    change(&app, "\"100ms\"", "\"60s\"");
    app.start();
    app.api.until_calls("getUpdates", 1).await;
    change(&app, "\"60s\"", "\"100ms\"");
    until_changed(&app).await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.says(OWNER, "slow 1000");
    // With the old pause, these edits would outlast the test's time limit.
    app.api.until_calls("editMessageText", 4).await;
    app.ask(OWNER, "/stop", "Stopped.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_give_up_ends_a_refused_poll() {
    let mut app = App::new().await;
    change(&app, "edit_pause", "give_up = \"1s\"\nedit_pause");
    until_changed(&app).await;
    for _ in 0..1000 {
        app.api.fail("getUpdates", Fault::Error(401, "Unauthorized"));
    }
    // Complete the pending poll, so that the next one fails.
    app.api.rival();
    assert_eq!(app.ended().await, Some(1));
    assert!(app.log().contains("sign in to Telegram"), "{}", app.log());
}
