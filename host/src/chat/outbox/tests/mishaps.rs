//! Agents that die before they took a prompt, and front-ends with a bug.

use super::*;

fn thinking(chat: &str, of: &str) -> Post {
    let screen = Frame { messages: Vec::new(), live: Some("Thinking…".to_owned()) };
    Post::Live { place: place(chat), turn: turn(of), screen }
}

/// 1. A prompt is sent to its agent, which dies over it. 2. Nothing is said of it, however long. 3. It is sent once more, and answered.
#[tokio::test(start_paused = true)]
async fn a_turn_that_waits_again_shows_nothing_until_it_is_worked_on_once_more() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    let back = || Post::Back { place: place("a"), turn: turn("t") };
    outbox.post(thinking("a", "t"));
    sleep(ms(10)).await;
    outbox.post_all(vec![thinking("a", "t"), back()]);
    sleep(ms(20_000)).await;
    assert_eq!(fake.calls(), ["a send Thinking…", "a delete m1"]);
    assert_eq!(fake.seconds("a working"), [0, 0], "{:?}", fake.all());
    assert_eq!(notes.all(), ["t in m1", "m1 is gone"]);
    assert_eq!(fake.all().iter().filter(|(_, call)| call == "a working None").count(), 1);
    outbox.post_all(vec![back(), thinking("a", "t")]);
    sleep(ms(5000)).await;
    outbox.post(Post::Final(answer(1, "a", "t", "done")));
    outbox.drained().await;
    assert_eq!(fake.calls()[2..], ["a send Thinking…", "a edit m2 done"]);
    sleep(Duration::from_secs(60)).await;
    outbox.post(back());
    sleep(Duration::from_secs(60)).await;
    assert!(outbox.shared.state().boxes.is_empty(), "one that rests keeps no worker");
}

#[tokio::test(start_paused = true)]
async fn a_place_outlives_its_worker_and_a_post_that_no_worker_survives_is_left() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    outbox.post(Post::Final(row(1, "a", fake::BUG)));
    outbox.post(Post::Final(row(2, "a", "after")));
    outbox.post(Post::Final(row(3, "b", "elsewhere")));
    outbox.drained().await;
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all
    };
    assert_eq!(sorted(fake.calls()), ["a send after", "b send elsewhere"]);
    assert_eq!(sorted(notes.all()), ["2 sent", "3 sent"], "the first stays stored");
    sleep(Duration::from_secs(60)).await;
    assert!(outbox.shared.state().boxes.is_empty());
}
