//! Tests which issues the outbox logs for failed and degraded deliveries.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_part_sent_without_styles_is_logged_once_per_post() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, notes) = start(&fake);
    fake.fail("a", refused());
    outbox.post(Post::Final(row(1, "a", "12345678\n\nabcdefgh")));
    sleep(ms(10)).await;
    fake.fail("b", refused());
    outbox.post(Post::Final(begun(row(2, "b", "edited"), &["x"], 0)));
    outbox.drained().await;
    assert_eq!(notes.issues(), ["1 sent without styles: no", "2 sent without styles: no"]);
    let parts = ["**one**", "**two**"].map(|part| format!("{part}{}", "x".repeat(5))).join("\n\n");
    let calls = fake.calls().len();
    fake.fail("c", refused());
    outbox.post(Post::Final(row(3, "c", &parts)));
    outbox.drained().await;
    assert_eq!(fake.calls().len() - calls, 3);
    assert_eq!(notes.issues()[2..], ["3 sent without styles: no"]);
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_not_shown_are_logged_once_per_post() {
    let fake = Fake::with(LiveLine::InMessage, 40);
    let (outbox, notes) = start(&fake);
    let parts = [1, 2, 3].map(|part| format!("{part}{}", "x".repeat(35))).join("\n\n");
    // The first part and its notice are rejected, then the second part.
    for why in ["first", "second", "third", "fourth", "fifth"] {
        fake.fail("a", ChatError::Rejected { why: why.to_owned() });
    }
    outbox.post(Post::Final(row(1, "a", &parts)));
    outbox.drained().await;
    assert_eq!(fake.calls()[5..].len(), 2, "{:?}", fake.calls());
    assert_eq!(notes.issues(), ["1 not shown: second"]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_message_that_is_sent_again_is_no_issue() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    fake.fail("a", refused());
    fake.fail("a", refused());
    outbox.post(Post::Final(begun(row(1, "a", "**bold**"), &["x"], 0)));
    outbox.post(Post::Final(row(2, "a", "fine")));
    outbox.drained().await;
    assert_eq!(fake.calls()[2..], ["a send bold *", "a delete x", "a send fine"]);
    assert_eq!(notes.issues(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn posts_to_a_reader_without_access_are_logged() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    let forbidden = || ChatError::Forbidden { why: "not served".to_owned() };
    fake.fail("a", forbidden());
    outbox.post(Post::Final(row(1, "a", "secret")));
    fake.fail("b", forbidden());
    outbox.post(Post::Final(answer(2, "b", "t", "secret")));
    outbox.drained().await;
    let mut issues = notes.issues();
    issues.sort();
    assert_eq!(issues, ["1 dropped: not served", "2 dropped: not served"]);
}

#[tokio::test(start_paused = true)]
async fn posts_beyond_the_limit_of_an_unreachable_place_are_logged() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    fake.fail("a", ChatError::Unreachable { why: "the topic is closed".to_owned() });
    outbox.post(Post::Final(row(0, "a", "0")));
    sleep(ms(500)).await;
    outbox.post_all((1..102).map(|id| Post::Final(row(id, "a", &id.to_string()))).collect());
    sleep(ms(500)).await;
    let why = "more than 100 messages were waiting for this unreachable chat";
    assert_eq!(notes.issues(), [format!("1 dropped: {why}"), format!("2 dropped: {why}")]);
    let unreachable = StoredReachability::Unreachable("the topic is closed".to_owned());
    assert_eq!(*notes.reachability.lock().unwrap(), [("a".to_owned(), unreachable)]);
}

#[tokio::test(start_paused = true)]
async fn the_dropped_rest_of_a_stopped_answer_is_logged() {
    let fake = Fake::with(LiveLine::InMessage, 60);
    let (outbox, notes) = start(&fake);
    fake.fail("a", ChatError::RateLimited { after: Duration::from_secs(40), why: "flood".to_owned() });
    let text = ["one", "two", "three"].map(|word| word.repeat(12)).join("\n\n");
    outbox.post_all(vec![Post::Final(answer(1, "a", "t", &text)), Post::Final(answer(2, "a", "t", "rest"))]);
    sleep(ms(500)).await;
    assert_eq!(outbox.stop_answer(&place("a")), AnswerStop::Stopped);
    outbox.drained().await;
    let why = "a user stopped the answer";
    assert_eq!(notes.issues(), [format!("2 dropped: {why}"), format!("1 dropped: {why}")]);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_its_series_replaces_is_no_issue() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    fake.slow(ms(100));
    outbox.post(Post::Final(row(1, "a", "before")));
    sleep(ms(10)).await;
    for id in [2, 3] {
        let mut post = row(id, "a", &id.to_string());
        post.reply.series = Some("s".to_owned());
        outbox.post(Post::Final(post));
    }
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send before", "a send 3"]);
    assert_eq!(notes.issues(), Vec::<String>::new());
}
