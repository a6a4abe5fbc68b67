//! Tests session topics, and posts that can't be delivered because their topic was deleted.

use cordboard_core::types::{SessionTopic, TopicAppearance, TopicIcon, TopicState};

use super::*;

fn topic(state: TopicState, place: Place) -> SessionTopic {
    let shown = TopicAppearance { name: "alpha".to_owned(), icon: TopicIcon::Idle };
    SessionTopic { session: name("alpha"), place, state, shown, command: InboxId(7) }
}

#[tokio::test]
async fn a_topic_is_stored_with_its_session_and_opened_with_its_place() {
    let state = State::new();
    let (store, _) = state.open();
    store.create_session_for_topic(&record("alpha"), &topic(TopicState::NotRequested, place("1"))).await.unwrap();
    let again = store.create_session_for_topic(&record("alpha"), &topic(TopicState::Open, place("2"))).await;
    assert_eq!(again.unwrap_err(), StoreError::Exists(name("alpha")));
    let contents = state.after(store).await;
    assert_eq!(contents.topics, [topic(TopicState::NotRequested, place("1"))], "a refused session changes no topic");
    let (store, _) = state.open();
    let there = Place { topic: Some("5".to_owned()), ..place("1") };
    let ada = UserId("telegram:42".to_owned());
    store.open_topic(&topic(TopicState::Open, there.clone()), &name("alpha"), &ada).await.unwrap();
    assert_eq!(store.chat_members(&there).await.unwrap(), [ada]);
    let contents = state.after(store).await;
    assert_eq!(contents.topics, [topic(TopicState::Open, there.clone())]);
    assert_eq!(contents.active, [(ActiveScope::everybody(&there), name("alpha"))]);
    let (store, _) = state.open();
    store.save_topic(&topic(TopicState::Closed, there.clone())).await.unwrap();
    store.delete_topic_record(&topic(TopicState::Closed, there)).await.unwrap();
    assert_eq!(state.after(store).await.topics, []);
}

#[tokio::test]
async fn undeliverable_posts_are_listed_and_can_be_revived() {
    let state = State::new();
    let (store, _) = state.open();
    let rows = store.finish(Vec::new(), vec![post("one"), post("two")]).await.unwrap();
    store.mark_undeliverable(rows[0].id, "no topic").await.unwrap();
    let contents = state.after(store).await;
    assert_eq!(contents.outbox, rows[1..], "an undeliverable post is not sent again");
    assert_eq!(contents.undeliverable[0].state.undeliverable.as_deref(), Some("no topic"));
    let (store, _) = state.open();
    assert_eq!(store.resend_undeliverable(&place("2")).await.unwrap(), []);
    assert_eq!(store.resend_undeliverable(&place("1")).await.unwrap(), rows[..1]);
    assert_eq!(state.after(store).await.outbox, rows);
}

#[tokio::test]
async fn only_the_newest_undeliverable_posts_are_kept() {
    let state = State::new();
    let (store, _) = state.open();
    let posts = (0..103).map(|number| post(&number.to_string())).collect();
    let rows = store.finish(Vec::new(), posts).await.unwrap();
    for row in &rows[1..] {
        store.mark_undeliverable(row.id, "no topic").await.unwrap();
    }
    let contents = state.after(store).await;
    assert_eq!(contents.outbox, rows[..1]);
    let kept: Vec<_> = contents.undeliverable.iter().map(|row| row.id).collect();
    assert_eq!(kept, rows[3..].iter().map(|row| row.id).collect::<Vec<_>>());
}
