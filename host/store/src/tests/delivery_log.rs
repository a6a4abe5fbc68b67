//! Tests the outbox report.

use cordboard_core::{
    scrub,
    types::{Attachment, Content, DeliveryIssue, DeliveryOutcome},
};

use super::*;

const REFUSED: &str = "Bad Request: can't parse entities";

fn issue(outcome: DeliveryOutcome, why: &str) -> DeliveryIssue {
    DeliveryIssue::new(outcome, why)
}

#[tokio::test]
async fn waiting_posts_have_their_age_progress_and_reachability() {
    let state = State::new();
    let (store, _) = state.open();
    assert_eq!(outbox_report(state.path()).unwrap(), OutboxReport::default());
    let blocked = NewPost::new(place("2"), Reply::text("\u{202e}for 2"));
    let rows = store.finish(vec![], vec![post("first line\nsecond"), blocked]).await.unwrap();
    let delivery = Delivery { messages: vec![message("9"), message("10")], shown: 2, parts: 5, ..Delivery::default() };
    store.save_progress(rows[0].id, delivery.clone()).await.unwrap();
    store.set_unreachable(&place("2"), "Forbidden: bot was blocked\nby the user").await.unwrap();
    let report = outbox_report(state.path()).unwrap();
    let why = Some("Forbidden: bot was blocked by the user".to_owned());
    let shown: Vec<_> =
        report.waiting.iter().map(|post| (post.place.clone(), post.reach.clone(), &*post.beginning)).collect();
    let of_place_2 = (place("2"), PlaceReach::Unreachable { why }, "for 2");
    assert_eq!(shown, [(place("1"), PlaceReach::Reachable, "first line…"), of_place_2]);
    assert_eq!((&report.waiting[0].delivery, &report.waiting[1].delivery), (&delivery, &Delivery::default()));
    assert!(report.waiting.iter().all(|post| post.stored > Some(Timestamp(1_600_000_000_000))));
    store.set_reachable(&place("2")).await.unwrap();
    assert_eq!(outbox_report(state.path()).unwrap().waiting[1].reach, PlaceReach::Reachable);
}

#[tokio::test]
async fn issues_of_a_completed_post_are_logged_with_it() {
    let state = State::new();
    let (store, _) = state.open();
    let file =
        Attachment { name: "report.pdf".to_owned(), media_type: String::new(), content: Content::Text(String::new()) };
    let with_file = Reply { attachments: vec![file], ..Reply::text("") };
    let posts = vec![post("fine"), post("styled"), NewPost::new(place("2"), with_file)];
    let rows = store.finish(vec![], posts).await.unwrap();
    let issues = vec![issue(DeliveryOutcome::SentWithoutStyles, REFUSED), issue(DeliveryOutcome::Dropped, "stopped")];
    store.complete_post(rows[0].id, Vec::new(), Vec::new()).await.unwrap();
    store.complete_post(rows[1].id, Vec::new(), issues.clone()).await.unwrap();
    // Completing the same post again, for example after a failed commit, logs nothing.
    store.complete_post(rows[1].id, Vec::new(), issues.clone()).await.unwrap();
    store.complete_post(rows[2].id, Vec::new(), vec![issue(DeliveryOutcome::NotShown, "x\u{1b}y\nz")]).await.unwrap();
    let report = outbox_report(state.path()).unwrap();
    assert_eq!(report.waiting, []);
    let logged: Vec<_> =
        report.log.iter().map(|entry| (entry.place.clone(), entry.issue.clone(), &*entry.beginning)).collect();
    let of_file = (place("2"), issue(DeliveryOutcome::NotShown, "xy z"), "report.pdf");
    let of_styled = issues.into_iter().map(|issue| (place("1"), issue, "styled"));
    assert_eq!(logged, of_styled.chain([of_file]).collect::<Vec<_>>());
    assert!(report.log.iter().all(|entry| entry.at > Timestamp(1_600_000_000_000)));
}

#[tokio::test]
async fn the_delivery_log_is_bounded_and_drops_its_oldest_entries() {
    let state = State::new();
    let (store, _) = state.open();
    let rows = store.finish(vec![], (0..203).map(|number| post(&number.to_string())).collect()).await.unwrap();
    for row in rows {
        store.complete_post(row.id, Vec::new(), vec![issue(DeliveryOutcome::NotShown, REFUSED)]).await.unwrap();
    }
    let log = outbox_report(state.path()).unwrap().log;
    assert_eq!((log.len(), &*log[0].beginning, &*log[199].beginning), (200, "3", "202"));
}

#[tokio::test]
async fn no_text_of_the_report_contains_a_secret() {
    const SECRET: &str = "sk-outbox-8261-Z";
    scrub::remember("(secret outbox)", SECRET);
    let state = State::new();
    let (store, _) = state.open();
    // The text is cut in the middle of the second secret.
    let text = format!("{SECRET} {} {SECRET}", "x".repeat(30));
    let rows = store.finish(vec![], vec![post(&text), post(&text)]).await.unwrap();
    store.complete_post(rows[0].id, Vec::new(), vec![issue(DeliveryOutcome::NotShown, SECRET)]).await.unwrap();
    store.set_unreachable(&place("1"), SECRET).await.unwrap();
    store.mark_undeliverable(rows[1].id, SECRET).await.unwrap();
    let report = format!("{:?}", outbox_report(state.path()).unwrap());
    assert!(!report.contains("sk-outbox"), "{report}");
    assert_eq!(report.matches("(secret outbox)").count(), 5, "{report}");
}

#[test]
fn the_outbox_of_an_unused_state_directory_is_an_error() {
    let state = State::new();
    let error = outbox_report(state.path()).expect_err("nothing was stored").to_string();
    assert!(error.starts_with("read the outbox of state directory "), "{error}");
    assert!(error.contains("no host has used it"), "{error}");
}
