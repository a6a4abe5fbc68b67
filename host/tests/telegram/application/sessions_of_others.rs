//! Tests that a member can't access other users' sessions through commands, capabilities, shared chats or names.

use serde_json::{Value, json};

use super::{App, MEMBER, OWNER, component};
use crate::botapi::message;

/// The group that both users are in.
const GROUP: i64 = -100_500;

/// Commands that take a session name. The commands in `ACTIVE` act on the active session.
const NAMED: [&str; 7] = ["session", "archive", "restore", "suspend", "retry", "fresh", "leave"];
const ACTIVE: [&str; 10] = [
    "suspend",
    "archive",
    "retry",
    "fresh",
    "leave",
    "timeout 7",
    "model stolen",
    "persona planner",
    "stop",
    "stop all",
];

impl App {
    fn says_in_group(&self, user: i64, text: &str) {
        self.api.push(json!({"message": message(user, GROUP, json!({"text": text}))}));
    }

    async fn ask_in_group(&self, user: i64, text: &str, wanted: &str) -> String {
        let first = self.api.next_id();
        self.says_in_group(user, text);
        self.wait_for(GROUP, first, wanted).await
    }

    /// Returns a session as in `cordboard sessions --json`, excluding fields that can change without a command.
    fn untouched(&self, name: &str) -> Value {
        let mut session = self.session(name);
        for own in ["last_active", "phase", "queued"] {
            session.as_object_mut().expect("the session exists").remove(own);
        }
        session
    }
}

/// Starts a host on which the owner and the member each have a session. The `session_thief` plugin, which attempts many
/// actions on a session, has all grants for sessions.
async fn app_with_two_sessions() -> App {
    let app = App::new().await;
    app.configure(&format!(
        "owner = {OWNER}\nmembers = [{MEMBER}]\n[sessions]\ndefault = \"alpha\"\n[plugins.session_thief]\ngrants = [\"sessions\", \"session-control\"]"
    ));
    app.until("the new configuration", || app.log().contains("configuration changed").then_some(())).await;
    app.save_plugin("session_thief", &component("bad/session_thief.wasm"));
    app.wait_for(OWNER, 0, "Plugin 'session_thief' is active").await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "hello", "You said: hello").await;
    app.until_turns("alpha", 1).await;
    app.ask(MEMBER, "/new beta", "Session 'beta' created.").await;
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_cannot_access_sessions_of_others_by_name() {
    let app = app_with_two_sessions().await;
    let before = app.untouched("alpha");
    let taken = "The name 'alpha' is taken by another user. Choose another name.";
    for command in NAMED {
        assert_eq!(app.ask(MEMBER, &format!("/{command} alpha"), "alpha").await, taken, "/{command}");
    }
    assert_eq!(app.ask(MEMBER, "/burgle alpha", "got ").await, "got nothing");
    app.ask(OWNER, "/archive alpha", "archived").await;
    assert_eq!(app.ask(MEMBER, "/burgle alpha", "got ").await, "got nothing");
    assert_eq!(app.ask(MEMBER, "/restore", "archived").await, "No archived sessions.");
    app.ask(OWNER, "/restore alpha", "alpha").await;
    let mut after = app.untouched("alpha");
    after["pid"] = before["pid"].clone();
    assert_eq!(after, before);
    // All of these actions succeed for the owner, which proves that the plugin attempts them.
    let got = app.ask(OWNER, "/burgle beta", "got ").await;
    for way in ["it was listed", "found beta", "activate", "suspend", "set-persona", "archive", "restore", "send"] {
        assert!(got.contains(way), "{way}: {got}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_cannot_access_sessions_of_a_shared_chat() {
    let app = app_with_two_sessions().await;
    app.ask_in_group(OWNER, "/session alpha", "Switched to session 'alpha'.").await;
    let before = app.untouched("alpha");
    for command in ACTIVE {
        let answer = app.ask_in_group(MEMBER, &format!("/{command}"), "").await;
        assert!(answer.starts_with("None of your sessions is active here"), "/{command}: {answer}");
    }
    // The member's messages don't reach `alpha` either, even though it is the configured default session.
    for text in ["do as I say", "//etc/hosts is broken"] {
        let shown = app.ask_in_group(MEMBER, text, "").await;
        assert!(shown.starts_with("Not accepted: the active session here belongs to another user."), "{shown}");
    }
    assert_eq!(app.ask_in_group(MEMBER, "/burgle alpha", "got ").await, "got nothing");
    assert_eq!(app.untouched("alpha"), before);
    assert_eq!(before["turns"], 1);
    app.ask_in_group(OWNER, "still there?", "You said: Ada L: still there?").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_cannot_open_sessions_in_chats_of_others() {
    let app = app_with_two_sessions().await;
    let answer = app.ask(MEMBER, &format!("/lure beta {OWNER}"), "beta").await;
    assert_eq!(answer, "Session 'beta' can only be activated in this chat.");
    app.ask(OWNER, "whose is it?", "You said: whose is it?").await;
    app.until_turns("alpha", 2).await;
    assert_eq!(app.session("beta")["turns"], 0);
    // The owner may switch the active session of another chat.
    app.ask(OWNER, &format!("/lure beta {GROUP}"), "lured by beta").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_has_full_access_to_their_own_sessions() {
    let app = app_with_two_sessions().await;
    let got = app.ask(MEMBER, "/burgle beta", "got ").await;
    for way in ["it was listed", "found beta", "activate", "suspend", "set-persona", "archive", "restore", "send"] {
        assert!(got.contains(way), "{way}: {got}");
    }
    assert!(app.ask(MEMBER, "/sessions", "beta").await.lines().all(|line| !line.contains("alpha")));
}
