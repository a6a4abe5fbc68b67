//! Tests that a turn triggers one notification, at its end, and that its answer appears below the messages that arrived
//! during the turn.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_live_answer_notifies_once_and_its_frame_is_deleted() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    for text in ["One", "One two", "One two three"] {
        outbox.post(live("a", "t", text));
        sleep(ms(1500)).await;
    }
    assert!(fake.rings().is_empty());
    outbox.post(Post::Final(answer(1, "a", "t", "One two three")));
    outbox.drained().await;
    assert_eq!(fake.rings(), ["One two three"]);
    assert_eq!(fake.calls()[3..], ["a send One two three", "a delete m1"]);
}

/// Streams a turn for 6 seconds and ends it, in a chat where turns that take at least `ring_after` trigger a
/// notification. Returns the calls made at the end, and the notifications.
async fn end_of_streamed(ring_after: Duration) -> (Vec<String>, Vec<String>) {
    let fake = Fake::new();
    *fake.ring_after.lock().unwrap() = ring_after;
    let (outbox, _) = start(&fake);
    outbox.post(live("a", "t", "One"));
    sleep(ms(6000)).await;
    outbox.post(Post::Final(answer(1, "a", "t", "One two")));
    outbox.drained().await;
    (fake.calls()[1..].to_vec(), fake.rings())
}

#[tokio::test(start_paused = true)]
async fn only_a_turn_that_took_long_notifies_after_streaming() {
    let short = end_of_streamed(ms(6100)).await;
    assert_eq!(short, (vec!["a edit m1 One two".to_owned()], vec![]));
    let (calls, rings) = end_of_streamed(ms(5900)).await;
    assert_eq!(calls, ["a send One two", "a delete m1"]);
    assert_eq!(rings, ["One two"]);
}

#[tokio::test(start_paused = true)]
async fn a_buried_answer_notifies_after_a_short_turn() {
    let fake = Fake::new();
    *fake.ring_after.lock().unwrap() = ms(20_000);
    let (outbox, _) = start(&fake);
    outbox.post(live("a", "t", "One"));
    sleep(ms(3000)).await;
    outbox.on_user_message(&place("a"));
    outbox.post(Post::Final(answer(1, "a", "t", "One two")));
    outbox.drained().await;
    assert_eq!(fake.rings(), ["One two"]);
}

#[tokio::test(start_paused = true)]
async fn a_short_turn_is_one_message() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    outbox.post(live("a", "t", "Half"));
    sleep(ms(900)).await;
    outbox.post(Post::Final(answer(1, "a", "t", "Half and whole")));
    outbox.drained().await;
    sleep(ms(3000)).await;
    assert_eq!(fake.calls(), ["a send Half and whole"]);
    assert_eq!(fake.rings(), ["Half and whole"]);
}

const LONG: &str = "12345678\n\nabcdefgh\n\nzyxwvuts";

#[tokio::test(start_paused = true)]
async fn only_the_last_part_of_a_long_answer_notifies() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, notes) = start(&fake);
    outbox.post(live("a", "t", LONG));
    sleep(ms(5000)).await;
    outbox.post(Post::Final(answer(1, "a", "t", LONG)));
    outbox.drained().await;
    let edits = ["a edit m1 12345678", "a edit m2 abcdefgh"];
    assert_eq!(fake.calls()[3..5], edits, "the front-end reports that the message is up to date");
    assert_eq!(fake.calls()[5..], ["a send zyxwvuts", "a delete m3"]);
    assert_eq!(fake.rings(), ["zyxwvuts"]);
    assert_eq!(notes.all().last().unwrap(), "1 sent");
}

/// Streams a long turn, and runs `bury`, which may show a message below the turn's messages. Returns the calls at the
/// end of the turn.
async fn end_of_buried(bury: impl FnOnce(&Outbox)) -> Vec<String> {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, _) = start(&fake);
    outbox.post(live("a", "t", "12345678\n\nabc"));
    sleep(ms(3000)).await;
    bury(&outbox);
    outbox.drained().await;
    let before = fake.calls().len();
    outbox.post(Post::Final(answer(9, "a", "t", "12345678\n\nabcdefgh")));
    outbox.drained().await;
    assert_eq!(fake.rings().last().unwrap(), "abcdefgh");
    fake.calls()[before..].to_vec()
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_sent_below_messages_after_its_frames() {
    let anew = ["a send 12345678", "a send abcdefgh", "a delete m2", "a delete m1"];
    assert_eq!(end_of_buried(|outbox| outbox.on_user_message(&place("a"))).await, anew);
    assert_eq!(end_of_buried(|outbox| outbox.post(Post::Final(row(1, "a", "note")))).await, anew);
    let elsewhere = ["a edit m1 12345678", "a send abcdefgh", "a delete m2"];
    assert_eq!(end_of_buried(|outbox| outbox.on_user_message(&place("b"))).await, elsewhere);
}

#[tokio::test(start_paused = true)]
async fn the_first_parts_of_a_long_answer_are_not_sent_again() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, _) = start(&fake);
    let parts = |last: &str| ["part 1", "part 2", "part 3", "part 4", last].join("\n\n");
    outbox.post(live("a", "t", &parts("par")));
    sleep(ms(8000)).await;
    outbox.on_user_message(&place("a"));
    let before = fake.calls().len();
    outbox.post(Post::Final(answer(9, "a", "t", &parts("part 5"))));
    outbox.drained().await;
    assert_eq!(fake.calls()[before..], ["a send part 5", "a delete m5"]);
    outbox.post(live("a", "u", &parts("part 5")));
    sleep(ms(8000)).await;
    outbox.on_user_message(&place("a"));
    let before = fake.calls().len();
    outbox.post(Post::Final(answer(10, "a", "u", &parts("part 5").replace('2', "two"))));
    outbox.drained().await;
    let anew = ["a send part two", "a send part 3", "a send part 4", "a send part 5"];
    assert_eq!(fake.calls()[before..before + 4], anew);
    assert_eq!(fake.calls()[before + 4..].len(), 4, "those that they replace are deleted");
}

#[tokio::test(start_paused = true)]
async fn a_partly_sent_answer_continues_below_after_a_crash() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, _) = start(&fake);
    outbox.post(Post::Final(begun(answer(1, "a", "t", LONG), &["new", "x", "y"], 1)));
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send abcdefgh", "a send zyxwvuts", "a delete y", "a delete x"]);
    assert_eq!(fake.rings(), ["zyxwvuts"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_an_edit_if_edits_append() {
    let fake = Fake::with(LiveLine::Status, usize::MAX);
    let (outbox, _) = start(&fake);
    outbox.post(live("a", "t", "One"));
    sleep(ms(10)).await;
    outbox.on_user_message(&place("a"));
    outbox.post(Post::Final(answer(1, "a", "t", "One two")));
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send One", "a edit m1 One two"]);
}
