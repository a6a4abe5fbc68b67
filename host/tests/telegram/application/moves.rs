//! A group that becomes a supergroup gets a new id and stays the same place.

use serde_json::json;

use super::{App, OWNER};
use crate::botapi::message;

const GROUP: i64 = -55;
const SUPER: i64 = -100_055;

fn says(app: &App, chat: i64, text: &str) {
    app.api.push(json!({"message": message(OWNER, chat, json!({"text": text}))}));
}

async fn asks(app: &App, chat: i64, text: &str, wanted: &str) {
    let before = app.api.chat(chat).len();
    says(app, chat, text);
    let find = || app.api.chat(chat).into_iter().skip(before).find(|text| text.contains(wanted));
    app.until(&format!("'{wanted}' in {chat}"), find).await;
}

fn upgrade(app: &App) {
    app.api.migrate(GROUP, SUPER);
    // The service messages may arrive in either order; one of them is enough.
    app.api.push(json!({"message": message(OWNER, SUPER, json!({"migrate_from_chat_id": GROUP}))}));
    app.api.push(json!({"message": message(OWNER, GROUP, json!({"migrate_to_chat_id": SUPER}))}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_takes_its_session_and_its_running_turn_along() {
    let mut app = App::new().await;
    asks(&app, GROUP, "/new alpha", "Session 'alpha' created.").await;
    asks(&app, GROUP, "remember the milk", "the milk").await;
    asks(&app, GROUP, "slow 1000", "line 1").await;
    upgrade(&app);
    asks(&app, SUPER, "/stop", "Stopped.").await;
    asks(&app, SUPER, "recall", "the milk").await;
    assert_eq!(app.terminate().await, Some(0));
    app.start();
    asks(&app, SUPER, "recall", "the milk").await;
    assert_eq!(app.session("alpha")["turns"], 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_send_tells_that_a_group_has_moved() {
    let app = App::new().await;
    asks(&app, GROUP, "/new alpha", "Session 'alpha' created.").await;
    app.api.migrate(GROUP, SUPER);
    says(&app, GROUP, "the last one there");
    app.until("the answer in the new chat", || {
        app.api.chat(SUPER).into_iter().find(|text| text.contains("the last one there"))
    })
    .await;
    asks(&app, SUPER, "the first one here", "the first one here").await;
    app.until_turns("alpha", 2).await;
}
