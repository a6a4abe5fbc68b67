//! Who is served, and what each of them sees.

use std::path::Path;

use super::{App, MEMBER, OWNER, STRANGER};

/// Whether a file below the folder holds the text.
pub(super) fn stored(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| !path.ends_with("cache")).any(|path| {
        let bytes = if path.is_dir() { return stored(&path, text) } else { std::fs::read(&path).unwrap_or_default() };
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_not_heard_and_not_stored() {
    let app = App::new().await;
    app.api.says(STRANGER, "/new strangers-session");
    app.api.says(STRANGER, "a strangers-text");
    app.api.says(OWNER, "/new owners-session");
    app.told(OWNER, 0, "Session 'owners-session' created.").await;
    app.ask(OWNER, "/restore", "No archived sessions.").await;
    app.api.press_data((STRANGER, OWNER), 1, "0123456789abcdef");
    let list = app.ask(OWNER, "/sessions", "owners-session").await;
    assert!(!list.contains("strangers"), "{list}");
    assert!(app.api.chat(STRANGER).is_empty());
    let methods = ["sendMessage", "sendChatAction", "editMessageText"];
    let calls = methods.iter().flat_map(|method| app.api.calls(method));
    assert!(calls.filter(|call| call.params["chat_id"] == STRANGER).count() == 0);
    let state = app.path("state");
    assert!(stored(&state, "owners-session"), "this is how a stored text would be found");
    assert!(!stored(&state, "strangers-"));
    assert!(!app.log().contains("strangers-"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_sees_and_steers_his_own_sessions_alone() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    assert_eq!(app.ask(MEMBER, "/sessions", "No").await, "No sessions. Use /new to create one.");
    let unknown = "Session 'alpha' doesn't exist. Use /new to create it.";
    assert_eq!(app.ask(MEMBER, "/session alpha", "alpha").await, unknown);
    assert_eq!(app.ask(MEMBER, "/archive alpha", "alpha").await, unknown);
    app.ask(MEMBER, "/new beta", "Session 'beta' created.").await;
    let own = app.ask(MEMBER, "/sessions", "beta").await;
    assert!(!own.contains("alpha"), "{own}");
    let all = app.ask(OWNER, "/sessions", "beta").await;
    assert!(all.contains("alpha"), "{all}");
    // A button that the member sees in a forwarded message runs with the member's rights.
    app.ask(OWNER, "/archive alpha", "archived").await;
    app.ask(OWNER, "/restore", "Archived sessions").await;
    let (_, _, data) = app.api.buttons(OWNER).pop().unwrap();
    let before = app.api.chat(MEMBER).len();
    app.api.press_data((MEMBER, MEMBER), 1, &data);
    assert_eq!(app.told(MEMBER, before, "alpha").await, unknown);
    assert_eq!(app.session("alpha")["phase"], "archived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_let_in_is_changed_while_the_host_runs() {
    let app = App::new().await;
    app.ask(MEMBER, "/new beta", "Session 'beta' created.").await;
    app.configure(&format!("owner = {OWNER}\nadmins = [{STRANGER}]"));
    let applied = || app.log().contains("configuration changed").then_some(());
    app.until("the new configuration", applied).await;
    let before = app.api.chat(MEMBER).len();
    app.api.says(MEMBER, "/sessions");
    assert!(app.ask(STRANGER, "/sessions", "beta").await.contains("beta"), "an admin sees all");
    app.ask(STRANGER, "/restore", "No archived sessions.").await;
    assert_eq!(app.api.chat(MEMBER).len(), before);
}
