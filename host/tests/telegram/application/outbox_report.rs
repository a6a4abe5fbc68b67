//! Tests `cordboard outbox` with and without a running host.

use serde_json::{Value, json};

use super::{App, MEMBER, OWNER};
use crate::botapi::Fault;

/// Returns one chat's rows without their times.
fn rows(app: &App, chat: i64) -> Vec<Value> {
    let place = format!("telegram:{chat}");
    let of_chat = app.list("outbox").into_iter().filter(|row| row["place"] == place);
    of_chat
        .map(|mut row| {
            let at = row.as_object_mut().unwrap().remove("at");
            assert!(at.and_then(|at| at.as_u64()) > Some(1_600_000_000_000), "{row}");
            row
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_outbox_lists_unsent_messages_and_failed_deliveries() {
    let mut app = App::new().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.until("the end of the delivery", || app.list("outbox").is_empty().then_some(())).await;
    app.api.fail("sendMessage", Fault::Error(400, "Bad Request: can't parse entities"));
    app.ask(OWNER, "/sessions", "alpha").await;
    let logged = || Some(rows(&app, OWNER)).filter(|rows| rows.iter().any(|row| row["state"] == "sent without styles"));
    let logged = app.until("the end of the delivery", logged).await;
    assert_eq!(logged.len(), 1, "{logged:?}");
    assert!(logged[0]["why"].as_str().unwrap().contains("can't parse entities"), "{logged:?}");

    app.api.block(MEMBER);
    app.api.says(MEMBER, "/new beta");
    let unreachable = || rows(&app, MEMBER).into_iter().find(|row| row["state"] == "unreachable");
    let waiting = app.until("the unsent reply", unreachable).await;
    let why = waiting["why"].as_str().unwrap();
    assert!(why.contains("bot was blocked by the user"), "{why}");
    assert_eq!(
        waiting["text"].as_str().map(|text| text.starts_with("Session 'beta' created")),
        Some(true),
        "{waiting}"
    );
    assert_eq!((&waiting["sent"], &waiting["messages"]), (&json!(null), &json!(null)));

    assert_eq!(app.terminate().await, Some(0));
    assert_eq!((rows(&app, OWNER), rows(&app, MEMBER)), (logged, vec![waiting]), "the same without a host");
    let table = app.command("outbox").output().unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.starts_with("PLACE "), "{table}");
    assert!(table.contains("sent without styles") && table.contains("unreachable"), "{table}");
}
