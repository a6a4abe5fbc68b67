//! Tests that a group remains the same place when it becomes a supergroup with a new id.

use std::time::{SystemTime, UNIX_EPOCH};

use cordboard_core::types::Timestamp;
use cordboard_store::Limit;
use serde_json::json;

use super::{App, OWNER, component};
use crate::botapi::message;

const GROUP: i64 = -55;
const SUPER: i64 = -100_055;

fn says(app: &App, chat: i64, text: &str) {
    app.api.push(json!({"message": message(OWNER, chat, json!({"text": text}))}));
}

async fn asks(app: &App, chat: i64, text: &str, wanted: &str) {
    let first = app.api.next_id();
    says(app, chat, text);
    app.wait_for(chat, first, wanted).await;
}

/// The ways in which the bot learns the group's new id.
#[derive(Clone, Copy)]
enum MigrationNotice {
    /// From the service message in the old chat only.
    OldChat,
    /// From the service message in the new chat only.
    NewChat,
    /// Only from the error that a call with the old id returns.
    Refusal,
}

fn upgrade(app: &App, notice: MigrationNotice) {
    app.api.migrate(GROUP, SUPER);
    let old = json!({"message": message(OWNER, GROUP, json!({"migrate_to_chat_id": SUPER}))});
    let new = json!({"message": message(OWNER, SUPER, json!({"migrate_from_chat_id": GROUP}))});
    match notice {
        MigrationNotice::OldChat => _ = app.api.push(old),
        MigrationNotice::NewChat => _ = app.api.push(new),
        MigrationNotice::Refusal => {}
    }
}

/// The plugin whose job posts the reminders.
const REMIND: &str = "remind";

/// Starts a host that has two plugins, which store the group's place. The `remind` plugin has an overdue job but is
/// disabled, so that the test can decide when the job runs.
async fn with_stored_places() -> App {
    let mut app = App::prepared().await;
    let notify = "[plugins.notify]\ngrants = [\"chat\"]\n[plugins.notify.config]\nafter = \"1s\"";
    app.configure(&format!("owner = {OWNER}\n{notify}\n[plugins.remind]\ngrants = [\"chat\"]"));
    for name in ["notify", REMIND] {
        app.save_plugin(name, &component(&format!("extra/{name}.wasm")));
    }
    app.start();
    asks(&app, GROUP, "/new alpha", "Session 'alpha' created.").await;
    asks(&app, GROUP, "/notify here", "are reported here.").await;
    asks(&app, GROUP, "/persona", "Persona: none").await;
    asks(&app, GROUP, "/remind 2h bread", "I will remind you in 2 hours.").await;
    asks(&app, GROUP, "/remind 1m tea", "I will remind you in 1 minute.").await;
    asks(&app, GROUP, "/plugins disable remind", "Plugin 'remind' is disabled").await;
    assert_eq!(app.terminate().await, Some(0));
    let_an_hour_pass(&app).await;
    let polls = app.api.calls("getUpdates").len();
    app.start();
    app.api.until_calls("getUpdates", polls + 1).await;
    app
}

/// Changes the store as if the reminders had been set an hour ago and the host had been down since.
async fn let_an_hour_pass(app: &App) {
    const HOUR: u64 = 3_600_000;
    let (store, _) = cordboard_store::open(&app.path("state")).unwrap();
    let limit = Limit { key: String::new(), bytes: u64::MAX };
    for key in store.state_keys(REMIND, "").await.unwrap() {
        // A key begins with the due time in milliseconds, padded with zeros to a fixed width.
        let (at, number) = key.split_once('-').unwrap();
        let earlier = format!("{:016}-{number}", at.parse::<u64>().unwrap() - HOUR);
        let value = store.state_get(REMIND, &key).await.unwrap().unwrap();
        store.state_set(REMIND, &earlier, value, limit.clone()).await.unwrap();
        store.state_delete(REMIND, &key).await.unwrap();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    store.begin_job(REMIND, "look", Timestamp(u64::try_from(now).unwrap() - HOUR)).await.unwrap();
    store.close().await;
}

/// Checks that posts to the stored places arrive in the supergroup, and that buttons work in both chats.
async fn the_new_chat_has_all(app: &App) {
    app.ask(OWNER, "/new private", "Session 'private' created.").await;
    app.api.says(OWNER, "slow 3");
    app.wait_for(SUPER, 0, "private has finished after").await;
    asks(app, SUPER, "/notify", "Reports are posted here.").await;
    app.ask(OWNER, "/plugins enable remind", "Plugin 'remind' is enabled").await;
    app.wait_for(SUPER, 0, "\u{23f0} tea").await;
    asks(app, SUPER, "/remind", "bread").await;
    // Messages sent before the migration stay in the old chat and can't be edited.
    app.api.press(OWNER, GROUP, "planner");
    app.wait_for(SUPER, 0, "Persona set to 'planner' for session 'alpha'.").await;
    asks(app, SUPER, "/persona", "Persona: planner").await;
    let (_, shown) = app.api.press(OWNER, SUPER, "research");
    let decided = || {
        let text = app.api.current_text(SUPER, shown);
        (text.contains("\n\nDecided by Ada, ") && text.ends_with(": research.")).then_some(())
    };
    app.until("the outcome instead of the buttons", decided).await;
    asks(app, SUPER, "hello", "You said: Ada L: hello").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plugin_state_of_a_group_follows_its_new_id() {
    let app = with_stored_places().await;
    upgrade(&app, MigrationNotice::OldChat);
    asks(&app, SUPER, "/notify", "Reports are posted here.").await;
    the_new_chat_has_all(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plugin_state_follows_a_migrated_group_over_restarts() {
    let mut app = with_stored_places().await;
    assert_eq!(app.terminate().await, Some(0));
    upgrade(&app, MigrationNotice::NewChat);
    app.start();
    asks(&app, SUPER, "/notify", "Reports are posted here.").await;
    // The poll that receives this text confirms the service message, so the restarted host doesn't receive the
    // service message again.
    app.ask(OWNER, "/notify", "Reports are posted").await;
    app.kill();
    app.start();
    asks(&app, SUPER, "/notify", "Reports are posted here.").await;
    the_new_chat_has_all(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_plugin_post_reveals_the_new_group_id() {
    let app = with_stored_places().await;
    upgrade(&app, MigrationNotice::Refusal);
    the_new_chat_has_all(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migrated_group_keeps_its_session_and_turn() {
    let mut app = App::new().await;
    asks(&app, GROUP, "/new alpha", "Session 'alpha' created.").await;
    asks(&app, GROUP, "remember the milk", "the milk").await;
    asks(&app, GROUP, "slow 1000", "line 1").await;
    upgrade(&app, MigrationNotice::NewChat);
    asks(&app, SUPER, "/stop", "Stopped.").await;
    asks(&app, SUPER, "recall", "the milk").await;
    assert_eq!(app.terminate().await, Some(0));
    app.start();
    asks(&app, SUPER, "recall", "the milk").await;
    app.until_turns("alpha", 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_send_reveals_the_new_group_id() {
    let app = App::new().await;
    asks(&app, GROUP, "/new alpha", "Session 'alpha' created.").await;
    app.api.migrate(GROUP, SUPER);
    says(&app, GROUP, "the last one there");
    app.wait_for(SUPER, 0, "the last one there").await;
    asks(&app, SUPER, "the first one here", "the first one here").await;
    app.until_turns("alpha", 2).await;
}
