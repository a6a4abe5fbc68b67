//! Tests turns that are shown as drafts.

use cordboard_core::{
    types::{Request, SessionName},
    updates_and_posts::ButtonAction,
};

use super::*;
use crate::Streaming;

fn with_drafts() -> Arc<Fake> {
    let fake = Fake::new();
    *fake.streaming.lock().unwrap() = Streaming::Drafts;
    fake
}

fn frame(of: &str, text: &str, line: Option<&str>) -> Post {
    let messages = Some(text).filter(|text| !text.is_empty()).map(Reply::text).into_iter().collect();
    let frame = TurnFrame { messages, live: line.map(str::to_owned) };
    Post::Frame { place: place("a"), turn: turn(of), frame, stop: Some(ButtonAction::default()) }
}

fn request(id: i64, text: &str) -> OutboxRow {
    let session: SessionName = "alpha".parse().unwrap();
    let reply = Reply::text(text).about(&session, Request::Start { session: session.clone(), failure: 1 });
    OutboxRow { reply, ..row(id, "a", text) }
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_one_draft_and_one_new_message_that_notifies() {
    let fake = with_drafts();
    let (outbox, notes) = start(&fake);
    for text in ["", "one", "**one** two"] {
        outbox.post(frame("t", text, Some("_works_")));
        sleep(ms(1500)).await;
    }
    outbox.post(Post::Final(answer(1, "a", "t", "one two three")));
    outbox.drained().await;
    let expected =
        ["a draft t works *", "a draft t one||works *", "a draft t one two||works *", "a send one two three"];
    assert_eq!(fake.calls(), expected);
    assert_eq!(fake.rings(), ["one two three"]);
    assert_eq!(notes.all(), ["1 sent"], "no message of the turn is stored");
}

#[tokio::test(start_paused = true)]
async fn a_draft_shows_the_end_of_a_long_text() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    *fake.streaming.lock().unwrap() = Streaming::Drafts;
    let (outbox, _) = start(&fake);
    outbox.post(frame("t", "12345678\n\nabcdefg", None));
    sleep(FRAME).await;
    outbox.post(frame("t", "12345678 abcdefgh", None));
    sleep(FRAME).await;
    assert_eq!(fake.calls(), ["a draft t abcdefg", "a draft t abcdefgh"]);
}

#[tokio::test(start_paused = true)]
async fn a_chat_shows_one_draft_at_a_time() {
    let fake = with_drafts();
    let (outbox, _) = start(&fake);
    outbox.post(frame("t", "one", None));
    sleep(FRAME).await;
    outbox.post(frame("u", "two", None));
    sleep(ms(2100)).await;
    outbox.post(frame("t", "one more", None));
    sleep(ms(2100)).await;
    assert_eq!(fake.calls(), ["a draft t one", "a send two", "a draft t one", "a draft t one more"]);
}

#[tokio::test(start_paused = true)]
async fn a_short_turn_that_was_a_draft_notifies_only_after_ring_after() {
    for (ring_after, expected) in [(ms(60_000), vec![]), (ms(1000), vec!["done".to_owned()])] {
        let fake = with_drafts();
        *fake.ring_after.lock().unwrap() = ring_after;
        let (outbox, _) = start(&fake);
        outbox.post(frame("t", "text", None));
        sleep(ms(2000)).await;
        outbox.post(Post::Final(answer(1, "a", "t", "done")));
        outbox.drained().await;
        assert_eq!(
            (fake.calls(), fake.rings()),
            (vec!["a draft t text".to_owned(), "a send done".to_owned()], expected)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_on_drafts_does_not_delay_the_answer() {
    let fake = with_drafts();
    let (outbox, _) = start(&fake);
    fake.fail("a", ChatError::RateLimited { after: ms(40_000), why: "slow down".to_owned() });
    outbox.post(frame("t", "text", None));
    sleep(ms(2000)).await;
    outbox.post(Post::Final(answer(1, "a", "t", "done")));
    outbox.drained().await;
    assert_eq!(fake.seconds("a send done"), [2]);
}

#[tokio::test(start_paused = true)]
async fn the_text_stays_above_a_request_that_arrives_with_the_next_frame() {
    let fake = with_drafts();
    let (outbox, _) = start(&fake);
    outbox.post(frame("t", "I need a tool.", None));
    sleep(FRAME).await;
    fake.slow(ms(500));
    outbox.post(frame("t", "I need a tool, please.", None));
    sleep(ms(1100)).await;
    let waiting = TurnFrame { messages: vec![Reply::text("I need a tool, please.")], live: None };
    outbox.post_all(vec![
        Post::Final(request(1, "May I?")),
        Post::Frame { place: place("a"), turn: turn("t"), frame: waiting, stop: None },
    ]);
    outbox.drained().await;
    let calls = fake.calls();
    let position = |what: &str| calls.iter().position(|call| call.starts_with(what));
    assert!(position("a send I need a tool, please.") < position("a send May I?"), "{calls:?}");
    assert!(position("a send I need a tool, please.").is_some(), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_frame_with_buttons_is_a_message() {
    let fake = with_drafts();
    let (outbox, _) = start(&fake);
    let frame = TurnFrame { messages: vec![Reply::text("text").button("More", "/more")], live: None };
    let stop = Some(ButtonAction::default());
    outbox.post(Post::Frame { place: place("a"), turn: turn("t"), frame, stop });
    sleep(FRAME).await;
    assert_eq!(fake.calls(), ["a send text [+]"]);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_draft_is_shown_again_before_it_vanishes() {
    let fake = with_drafts();
    let (outbox, _) = start(&fake);
    for _ in 0..10 {
        outbox.post(frame("t", "text", None));
        sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(fake.seconds("a draft"), [1, 24, 44]);
}

#[tokio::test(start_paused = true)]
async fn a_message_removes_the_draft_and_the_next_frame_shows_it_again() {
    let fake = with_drafts();
    let (outbox, _) = start(&fake);
    outbox.post(frame("t", "text", None));
    sleep(FRAME).await;
    outbox.post(Post::Final(row(1, "a", "reply")));
    sleep(FRAME).await;
    outbox.post(frame("t", "text", None));
    sleep(FRAME).await;
    assert_eq!(fake.calls(), ["a draft t text", "a send reply", "a draft t text"]);
}

#[tokio::test(start_paused = true)]
async fn after_three_failures_in_a_row_the_turn_is_a_message() {
    let fake = with_drafts();
    let (outbox, _) = start(&fake);
    for error in [refused(), refused(), down()] {
        fake.fail("a", error);
    }
    for n in 0..9 {
        outbox.post(frame("t", &format!("**text** {n}"), None));
        sleep(ms(1500)).await;
    }
    outbox.post(frame("u", "next turn", None));
    sleep(ms(1500)).await;
    outbox.post(Post::Final(answer(1, "a", "t", "all")));
    outbox.drained().await;
    let calls = fake.calls();
    assert_eq!(calls[..4], ["a draft t text 0 * !", "a draft t text 1 !", "a draft t text 2 !", "a send text 2 *"]);
    assert!(calls[4..].iter().filter(|call| call.contains(" t ")).count() == 0, "{calls:?}");
    assert!(calls.contains(&"a draft u next turn".to_owned()), "the next turn tries again: {calls:?}");
    assert_eq!(fake.rings().len() + calls.iter().filter(|call| call.starts_with("a edit m1 all")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_success_resets_the_count_of_failures() {
    let fake = with_drafts();
    let (outbox, _) = start(&fake);
    for round in 0..3 {
        for _ in 0..2 {
            fake.fail("a", ChatError::RateLimited { after: ms(10), why: "slow down".to_owned() });
            outbox.post(frame("t", &format!("text {round}"), None));
            sleep(ms(1500)).await;
        }
        outbox.post(frame("t", &format!("text {round} more"), None));
        sleep(ms(1500)).await;
    }
    assert!(fake.calls().iter().all(|call| call.starts_with("a draft")), "{:?}", fake.calls());
}

#[tokio::test(start_paused = true)]
async fn the_text_before_a_request_becomes_a_message_above_it() {
    let fake = with_drafts();
    let (outbox, _) = start(&fake);
    outbox.post(frame("t", "I need a tool.", Some("_works_")));
    sleep(FRAME).await;
    outbox.post(Post::Final(request(1, "May I?")));
    sleep(FRAME).await;
    outbox.post(Post::Frame { place: place("a"), turn: turn("t"), frame: TurnFrame::default(), stop: None });
    outbox.post(Post::Final(answer(2, "a", "t", "I need a tool. Done.")));
    outbox.drained().await;
    let calls = fake.calls();
    assert_eq!(
        calls[..3],
        ["a draft t I need a tool.||works *", "a send I need a tool.||works halted", "a send May I?"]
    );
    assert_eq!(calls[3..], ["a send I need a tool. Done.", "a delete m1"], "the answer is below the question");
}

#[tokio::test(start_paused = true)]
async fn only_text_is_shown_while_the_turn_waits_for_the_user() {
    let fake = with_drafts();
    let (outbox, _) = start(&fake);
    let waiting = |text: &str| {
        let messages = Some(text).filter(|text| !text.is_empty()).map(Reply::text).into_iter().collect();
        let frame = TurnFrame { messages, live: Some("_waits_".to_owned()) };
        Post::Frame { place: place("a"), turn: turn("t"), frame, stop: None }
    };
    outbox.post(frame("t", "", Some("_works_")));
    sleep(FRAME).await;
    outbox.post(Post::Final(request(1, "May I?")));
    for text in ["", "", "text"] {
        outbox.post(waiting(text));
        sleep(ms(1500)).await;
    }
    assert_eq!(fake.calls(), ["a draft t works *", "a send May I?", "a send text||waits *"]);
}

#[tokio::test(start_paused = true)]
async fn without_streaming_only_the_answer_is_shown() {
    let fake = with_drafts();
    *fake.streaming.lock().unwrap() = Streaming::Off;
    let (outbox, _) = start(&fake);
    for n in 0..3 {
        outbox.post(frame("t", &format!("text {n}"), None));
        sleep(ms(1500)).await;
    }
    outbox.post(Post::Final(answer(1, "a", "t", "text")));
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send text"]);
    assert!(fake.all().iter().any(|(_, call)| call.contains("working Some")), "typing is shown");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_has_a_message_stays_there_when_drafts_are_switched_on() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    outbox.post(frame("t", "one", None));
    sleep(FRAME).await;
    *fake.streaming.lock().unwrap() = Streaming::Drafts;
    outbox.post(frame("t", "one two", None));
    sleep(FRAME).await;
    outbox.post(frame("u", "three", None));
    sleep(ms(2100)).await;
    assert_eq!(fake.calls(), ["a send one", "a edit m1 one two", "a draft u three"]);
}
