//! Tests who has access to the bot, and which sessions each user sees.

mod chat_changes;
mod single_chats;

use std::path::Path;

use cordboard_core::{
    types::{Caller, Place, Role, Timestamp, UserId},
    updates_and_posts::{Origin, Update, UpdateKind},
};
use serde_json::{Value, json};

use super::{App, MEMBER, OWNER, STRANGER, component};

/// Returns whether a file below the folder contains the text. Ignores the cache of compiled plugins.
pub(super) fn stored(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| !path.ends_with("cache")).any(|path| {
        let bytes = if path.is_dir() { return stored(&path, text) } else { std::fs::read(&path).unwrap_or_default() };
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_strangers_are_not_stored() {
    let app = App::new().await;
    app.api.says(STRANGER, "/new strangers-session");
    app.api.says(STRANGER, "a strangers-text");
    app.api.says(OWNER, "/new owners-session");
    app.wait_for(OWNER, 0, "Session 'owners-session' created.").await;
    app.ask(OWNER, "/restore", "No archived sessions.").await;
    app.api.press_data((STRANGER, OWNER), 1, "0123456789abcdef");
    let list = app.ask(OWNER, "/sessions", "owners-session").await;
    assert!(!list.contains("strangers"), "{list}");
    assert!(app.api.chat(STRANGER).is_empty());
    let methods = ["sendMessage", "sendChatAction", "editMessageText"];
    let calls = methods.iter().flat_map(|method| app.api.calls(method));
    assert!(calls.filter(|call| call.params["chat_id"] == STRANGER).count() == 0);
    let state = app.path("state");
    assert!(stored(&state, "owners-session"), "the search finds a stored text");
    assert!(!stored(&state, "strangers-"));
    assert!(!app.log().contains("strangers-"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_sees_and_controls_only_their_own_sessions() {
    let app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    assert_eq!(app.ask(MEMBER, "/sessions", "No").await, "No sessions. Use /new to create one.");
    // `/new alpha` would fail in the same way, so the answer must not suggest it.
    let taken = "The name 'alpha' is taken by another user. Choose another name.";
    assert_eq!(app.ask(MEMBER, "/session alpha", "alpha").await, taken);
    assert_eq!(app.ask(MEMBER, "/archive alpha", "alpha").await, taken);
    app.ask(MEMBER, "/new beta", "Session 'beta' created.").await;
    let own = app.ask(MEMBER, "/sessions", "beta").await;
    assert!(!own.contains("alpha"), "{own}");
    let all = app.ask(OWNER, "/sessions", "beta").await;
    assert!(all.contains("alpha"), "{all}");
    // If the member presses a button in a forwarded message, the button's command runs with the member's permissions.
    app.ask(OWNER, "/archive alpha", "archived").await;
    app.ask(OWNER, "/restore", "Archived sessions").await;
    let (_, _, data) = app.api.buttons(OWNER).pop().unwrap();
    let first = app.api.next_id();
    app.api.press_data((MEMBER, MEMBER), 1, &data);
    assert_eq!(app.wait_for(MEMBER, first, "alpha").await, taken);
    // The agent may still be stopping.
    app.until("the archived session", || (app.session("alpha")["phase"] == "archived").then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_changes_apply_while_the_host_runs() {
    let app = App::new().await;
    app.ask(MEMBER, "/new beta", "Session 'beta' created.").await;
    app.configure(&format!("owner = {OWNER}\nadmins = [{STRANGER}]"));
    let applied = || app.log().contains("configuration changed").then_some(());
    app.until("the new configuration", applied).await;
    let first = app.api.next_id();
    app.api.says(MEMBER, "/sessions");
    assert!(app.ask(STRANGER, "/sessions", "beta").await.contains("beta"), "an admin sees all");
    app.ask(STRANGER, "/restore", "No archived sessions.").await;
    assert!(app.api.since(MEMBER, first).is_empty());
}

impl App {
    /// Saves the configuration and waits until it is applied.
    async fn grant(&self, access: &str) {
        let changes = || self.log().matches("configuration changed").count();
        let before = changes();
        self.configure(access);
        self.until("the new configuration", || (changes() > before).then_some(())).await;
    }

    /// Gives the member a message that has buttons, and a session that has a running turn and a queued message.
    async fn busy_member(&self) {
        self.ask(MEMBER, "/new beta", "Session 'beta' created.").await;
        self.ask(MEMBER, "/persona", "Persona: ").await;
        assert!(!self.api.buttons(MEMBER).is_empty());
        self.stream(MEMBER, "slow 1000").await;
        self.api.says(MEMBER, "a queued message");
        self.until("the message is queued", || (self.session("beta")["queued"] == 1).then_some(())).await;
    }

    /// Returns, for each method, the number of calls that have shown something to the member.
    fn shown_to_member(&self) -> [usize; 3] {
        let to_member = |method: &str| {
            let calls = self.api.calls(method).into_iter();
            calls.filter(|call| call.params["chat_id"] == MEMBER).count()
        };
        ["sendMessage", "editMessageText", "sendChatAction"].map(to_member)
    }

    /// Checks that nothing was shown to the member since `before`, apart from calls already in progress: one edit of
    /// the live message and one typing action.
    fn assert_nothing_shown(&self, before: [usize; 3]) {
        let [sent, edits, typing] = self.shown_to_member();
        let on_its_way = |now: usize, before: usize| now - before <= 1;
        let nothing_new = sent == before[0] && on_its_way(edits, before[1]) && on_its_way(typing, before[2]);
        assert!(nothing_new, "{before:?}, then {:?}", self.shown_to_member());
    }

    /// Waits until no message in the removed member's chat has buttons, and the unfinished answer is deleted. Other
    /// messages keep their texts.
    async fn until_nothing_open_for_member(&self) {
        self.until("the end of the member's buttons", || self.api.buttons(MEMBER).is_empty().then_some(())).await;
        let is_gone = || self.api.chat(MEMBER).iter().all(|text| !text.contains("line 1")).then_some(());
        self.until("the end of the unfinished answer", is_gone).await;
        assert!(self.api.chat(MEMBER).iter().any(|text| text.starts_with("Persona: ")));
    }

    async fn until_idle(&self, session: &str) {
        let rest = || {
            let session = self.session(session);
            (session["queued"] == 0 && session["phase"] != "busy" && session["phase"] != "starting").then_some(())
        };
        self.until("the session is idle", rest).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_removed_user_are_withdrawn() {
    let app = App::new().await;
    app.busy_member().await;
    app.grant(&format!("owner = {OWNER}")).await;
    let before = app.shown_to_member();
    app.until_nothing_open_for_member().await;
    app.until_idle("beta").await;
    assert_eq!(app.session("beta")["turns"], 1, "the queued message was never sent");
    // The owner can still use the session and its agent.
    app.ask(OWNER, "/session beta", "Switched to session 'beta'.").await;
    app.ask(OWNER, "whose are you?", "You said: whose are you?").await;
    app.ask(OWNER, "/leave", "No interrupted message to drop.").await;
    app.assert_nothing_shown(before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_removed_during_downtime_is_not_answered() {
    let mut app = App::new().await;
    app.busy_member().await;
    app.kill();
    let before = app.shown_to_member();
    app.configure(&format!("owner = {OWNER}"));
    app.start();
    app.ask(OWNER, "/session beta", "Switched to session 'beta'.").await;
    app.ask(OWNER, "whose are you?", "You said: whose are you?").await;
    app.until_turns("beta", 1).await;
    app.until_nothing_open_for_member().await;
    app.ask(OWNER, "/leave", "No interrupted message to drop.").await;
    app.assert_nothing_shown(before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_removed_during_downtime_leaves_no_frame() {
    const GROUP: i64 = -100_701;
    let mut app = App::new().await;
    app.ask(MEMBER, "/new beta", "Session 'beta' created.").await;
    app.ask(MEMBER, "hang", "Thinking…").await;
    let says = |text: &str| {
        app.api.push(json!({"message": crate::botapi::message(MEMBER, GROUP, json!({"text": text}))}));
    };
    says("/new gamma");
    app.wait_for(GROUP, 0, "Session 'gamma' created.").await;
    says("slow 1000");
    app.wait_for(GROUP, 0, "line 2").await;
    // The host stores the id of a live message before it edits the message.
    for chat in [MEMBER, GROUP] {
        let is_edited = || app.api.calls("editMessageText").iter().any(|call| call.params["chat_id"] == chat);
        app.until("the stored live message", || is_edited().then_some(())).await;
    }
    app.kill();
    app.configure(&format!("owner = {OWNER}"));
    app.start();
    let shows = |chat: i64, what: &str| app.api.chat(chat).iter().any(|text| text.contains(what));
    let are_gone = || (!shows(MEMBER, "Thinking") && !shows(GROUP, "line 1")).then_some(());
    app.until("the end of both live messages", are_gone).await;
    for session in ["beta", "gamma"] {
        app.ask(OWNER, &format!("/session {session}"), "Switched").await;
        app.ask(OWNER, "/retry", "Nothing").await;
    }
    let asks = |chat: i64| shows(chat, "was not sent again");
    assert!(!asks(MEMBER) && !asks(GROUP), "{:?} {:?}", app.api.chat(MEMBER), app.api.chat(GROUP));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demoted_admin_prompts_only_their_own_sessions() {
    let app = App::new().await;
    app.grant(&format!("owner = {OWNER}\nadmins = [{MEMBER}]")).await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask(OWNER, "slow 1000", "line 2").await;
    app.ask(MEMBER, "/session alpha", "Switched to session 'alpha'.").await;
    app.api.says(MEMBER, "as an admin");
    app.until("the message is queued", || (app.session("alpha")["queued"] == 1).then_some(())).await;
    let first = app.api.next_id();
    app.configure(&format!("owner = {OWNER}\nmembers = [{MEMBER}]"));
    let shown = app.wait_for(MEMBER, first, "alpha").await;
    assert_eq!(shown, "Your message to session 'alpha' was dropped: you no longer have access to that session.");
    app.ask(OWNER, "/stop", "Stopped.").await;
    app.until_idle("alpha").await;
    assert_eq!(app.session("alpha")["turns"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_user_has_no_active_session_in_a_group() {
    const GROUP: i64 = -100_700;
    let app = App::new().await;
    let says = |user: i64, text: &str| {
        app.api.push(json!({"message": crate::botapi::message(user, GROUP, json!({"text": text}))}));
    };
    let shows = async |wanted: &str| {
        // Compare the whole message, because each text would be prefixed with its session's name if several sessions
        // printed text here.
        app.until(wanted, || app.api.chat(GROUP).iter().any(|text| text == wanted).then_some(())).await;
    };
    says(MEMBER, "/new members");
    shows("Session 'members' created.").await;
    says(OWNER, "/new owners");
    shows("Session 'owners' created.").await;
    app.grant(&format!("owner = {OWNER}")).await;
    says(OWNER, "alone now");
    shows("You said: Ada L: alone now").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_command_of_a_removed_user_is_dropped() {
    let mut app = App::prepared().await;
    app.configure(&format!("owner = {OWNER}"));
    let new = |user: i64, name: &str| Update {
        key: user.to_string(),
        caller: Caller { id: UserId(format!("telegram:{user}")), name: "Ada L".to_owned(), role: Role::Member },
        place: Place::new("telegram", &user.to_string()),
        what: UpdateKind::Text(format!("/new {name}")),
        at: Timestamp(1_790_000_000_000),
        locale: None,
        origin: Origin::default(),
    };
    // Store both commands, as if a host had been killed before executing them.
    let (store, _) = cordboard_store::open(&app.path("state")).unwrap();
    store.accept(vec![new(MEMBER, "members"), new(OWNER, "owners")], None).await.unwrap();
    store.close().await;
    app.start();
    app.wait_for(OWNER, 0, "Session 'owners' created.").await;
    let all_done = || cordboard_store::read_only(&app.path("state")).unwrap().inbox.is_empty().then_some(());
    app.until("the end of both commands", all_done).await;
    assert_eq!(app.session("members"), Value::Null);
    app.assert_nothing_shown([0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_without_access_get_no_messages() {
    let mut app = App::prepared().await;
    app.configure(&format!("owner = {OWNER}\n[plugins.any_output]\ngrants = [\"chat\"]"));
    app.start();
    app.api.until_calls("getUpdates", 1).await;
    app.save_plugin("any_output", &component("bad/any_output.wasm"));
    app.wait_for(OWNER, 0, "Plugin 'any_output' is active").await;
    app.ask(OWNER, &format!("/any_output post telegram {STRANGER} psst"), "this call can't post to telegram:").await;
    app.ask(OWNER, &format!("/any_output post telegram {OWNER} hello me"), "hello me").await;
    assert!(app.api.chat(STRANGER).is_empty());
}
