//! Tests that posts for a deleted topic are undeliverable, and that topic edits have the lowest priority.

use cordboard_core::types::TopicEdit;

use super::*;
use crate::Quota;

fn deleted() -> ChatError {
    ChatError::Deleted { why: "no topic".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn posts_for_a_deleted_topic_are_undeliverable_and_reported_once() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    (0..2).for_each(|_| fake.fail("a", deleted()));
    outbox.post(Post::Final(row(1, "a", "one")));
    outbox.post(Post::Final(row(2, "a", "two")));
    let lost = Unreachable { place: place("a"), why: "no topic".to_owned(), kind: UnreachableKind::Deleted };
    assert_eq!(outbox.next_unreachable().await, lost);
    outbox.drained().await;
    assert_eq!(notes.all(), ["1 is undeliverable: no topic", "2 is undeliverable: no topic"]);
    assert_eq!(fake.calls(), ["a send one !", "a send two !"], "each is tried once");
    assert!(outbox.shared.state().unreachable.is_empty());
    outbox.post(Post::Final(row(3, "a", "three")));
    outbox.drained().await;
    assert_eq!(fake.calls()[2..], ["a send three"], "the topic may exist again");
}

#[tokio::test(start_paused = true)]
async fn a_message_in_a_topic_revives_its_undeliverable_posts() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    outbox.restore(vec![place("a")], Vec::new());
    notes.undeliverable.lock().unwrap().push(row(1, "a", "one"));
    outbox.on_user_message(&place("b"));
    sleep(ms(500)).await;
    assert!(fake.calls().is_empty());
    outbox.on_user_message(&place("a"));
    sleep(ms(500)).await;
    assert_eq!((fake.calls(), notes.all()), (vec!["a send one".to_owned()], vec!["1 sent".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_a_topic_waits_for_the_posts_of_its_chat() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    let topic = Place { topic: Some("5".to_owned()), ..place("a") };
    fake.fail("a", ChatError::RateLimited { after: ms(1000), why: "busy".to_owned() });
    outbox.post(Post::Final(row(1, "a", "one")));
    sleep(ms(10)).await;
    assert_eq!(outbox.edit_topic(&topic, &TopicEdit::Close).await, None);
    outbox.drained().await;
    assert_eq!(outbox.edit_topic(&topic, &TopicEdit::Close).await, Some(Ok(())));
    *fake.quota.lock().unwrap() = Some(Quota { calls: 1, within: ms(60_000) });
    assert_eq!(outbox.edit_topic(&topic, &TopicEdit::Close).await, None, "the quota is for answers");
    assert_eq!(fake.calls(), ["a send one !", "a send one", "a Close"]);
}
