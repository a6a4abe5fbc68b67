//! Tests answers that span many messages, and posts in a series that share a message.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_reply_is_sent_between_parts_of_a_long_answer() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, notes) = start(&fake);
    fake.slow(Duration::from_secs(1));
    let text: Vec<String> = (1..=40).map(|part| format!("part {part:03}")).collect();
    outbox.post(Post::Final(answer(1, "a", "t", &text.join("\n\n"))));
    sleep(ms(5500)).await;
    outbox.post(Post::Final(row(2, "a", "reply")));
    sleep(ms(2000)).await;
    let at = fake.calls().iter().position(|call| call == "a send reply").expect("it is there within two seconds");
    outbox.drained().await;
    let parts: Vec<_> = fake.calls().into_iter().filter(|call| call.contains("part")).collect();
    assert_eq!(parts, (1..=40).map(|part| format!("a send part {part:03}")).collect::<Vec<_>>());
    assert!(at < 10, "{at}");
    assert_eq!(fake.rings(), ["reply", "part 040"]);
    assert_eq!(notes.all().iter().filter(|note| note.ends_with("sent")).collect::<Vec<_>>(), ["2 sent", "1 sent"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_drops_the_unsent_parts_of_an_answer() {
    let fake = Fake::with(LiveLine::InMessage, 60);
    let (outbox, notes) = start(&fake);
    fake.slow(Duration::from_secs(1));
    assert_eq!(outbox.stop_answer(&place("a")), AnswerStop::NotSending);
    let text = ["one", "two", "three", "four"].map(|word| word.repeat(12)).join("\n\n");
    let mut first = answer(1, "a", "t", &text);
    first.reply.alert = Alert::Silent;
    outbox.post_all(vec![Post::Final(first), Post::Final(answer(2, "a", "t", "the end"))]);
    outbox.post(Post::Final(answer(3, "a", "u", "of another turn")));
    sleep(ms(1500)).await;
    assert_eq!(outbox.stop_answer(&place("a")), AnswerStop::Stopped);
    outbox.post(Post::Final(row(4, "a", "Stopped.")));
    outbox.drained().await;
    let calls = fake.calls();
    assert_eq!(calls[..2], [format!("a send {}", "one".repeat(12)), format!("a send {}", "two".repeat(12))]);
    let mark = "a send Stopped: 3 more messages of this answer will not be sent.";
    assert_eq!(calls[2..], [mark, "a send of another turn", "a send Stopped."]);
    let sent: Vec<_> = notes.all().into_iter().filter(|note| note.ends_with("sent")).collect();
    assert_eq!(sent, ["2 sent", "1 sent", "3 sent", "4 sent"]);
    assert_eq!(outbox.stop_answer(&place("a")), AnswerStop::NotSending);
}

#[tokio::test(start_paused = true)]
async fn a_stop_drops_an_unsent_long_answer() {
    let fake = Fake::with(LiveLine::InMessage, 60);
    let (outbox, _) = start(&fake);
    fake.fail("a", ChatError::RateLimited { after: Duration::from_secs(40), why: "flood".to_owned() });
    let text = ["one", "two", "three"].map(|word| word.repeat(12)).join("\n\n");
    outbox.post(Post::Final(answer(1, "a", "t", &text)));
    outbox.post(Post::Final(answer(2, "b", "u", "short")));
    sleep(ms(500)).await;
    assert_eq!(
        (outbox.stop_answer(&place("a")), outbox.stop_answer(&place("b"))),
        (AnswerStop::Stopped, AnswerStop::NotSending)
    );
    outbox.drained().await;
    let here: Vec<_> =
        fake.calls().into_iter().filter(|call| call.starts_with("a send") && !call.ends_with('!')).collect();
    let mark = "a send Stopped: 2 more messages of this answer will not be sent.".to_owned();
    assert_eq!(here, [format!("a send {}", "one".repeat(12)), mark]);
}

fn of_series(id: i64, name: &str, text: &str) -> OutboxRow {
    let mut row = row(id, "a", text);
    row.reply.series = Some(name.to_owned());
    row
}

#[tokio::test(start_paused = true)]
async fn posts_of_a_series_are_one_message() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    outbox.post(Post::Final(of_series(1, "s", "one")));
    sleep(ms(100)).await;
    fake.slow(ms(100));
    outbox.post(Post::Final(row(2, "a", "between")));
    for (id, text) in [(3, "one two"), (4, "one two three"), (5, "one two three four")] {
        outbox.post(Post::Final(of_series(id, "s", text)));
    }
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send one", "a send between", "a edit m1 one two three four"]);
    outbox.post(Post::Final(of_series(6, "other", "new")));
    outbox.drained().await;
    assert_eq!(fake.calls().last().unwrap(), "a send new");
    let mut sent = notes.all();
    sent.sort();
    assert_eq!(sent, ["1 sent", "2 sent", "3 sent", "4 sent", "5 sent", "6 sent"]);
}

#[tokio::test(start_paused = true)]
async fn a_post_with_another_number_of_parts_is_sent_from_its_beginning() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, _) = start(&fake);
    let text = "12345678\n\nabcdefgh\n\nABCDEFGH";
    let state = |parts| Delivery { messages: vec![MessageId("x1".to_owned())], shown: 1, parts, undeliverable: None };
    outbox.post(Post::Final(OutboxRow { state: state(3), ..row(1, "a", text) }));
    outbox.post(Post::Final(OutboxRow { state: state(2), ..row(2, "b", text) }));
    outbox.drained().await;
    let calls = |chat: &str| fake.calls().into_iter().filter(|call| call.starts_with(chat)).collect::<Vec<_>>();
    assert_eq!(calls("a"), ["a send abcdefgh", "a send ABCDEFGH"]);
    // Under the previous settings, the first message showed a different part.
    assert_eq!(calls("b"), ["b edit x1 12345678", "b send abcdefgh", "b send ABCDEFGH"]);
}
