//! Tests agents that die before they accept a prompt, places that can't be written to, and front-ends that panic.

use cordboard_metrics::METRICS;

use super::*;

fn thinking(chat: &str, of: &str) -> Post {
    let frame = TurnFrame { messages: Vec::new(), live: Some("Thinking…".to_owned()) };
    Post::Frame { place: place(chat), turn: turn(of), frame, stop: None }
}

/// 1. A prompt is sent to an agent, which dies. 2. For a long time, nothing is shown. 3. The prompt is sent again and
/// answered.
#[tokio::test(start_paused = true)]
async fn a_requeued_turn_is_hidden_until_work_resumes() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    let back = || Post::Requeued { place: place("a"), turn: turn("t") };
    outbox.post(thinking("a", "t"));
    sleep(FRAME).await;
    outbox.post_all(vec![thinking("a", "t"), back()]);
    sleep(ms(20_000)).await;
    assert_eq!(fake.calls(), ["a send Thinking…", "a delete m1"]);
    assert_eq!(fake.seconds("a working"), [0, 1], "{:?}", fake.all());
    assert_eq!(notes.all(), ["t in m1: ", "m1 is gone"]);
    assert_eq!(fake.all().iter().filter(|(_, call)| call == "a working None").count(), 1);
    outbox.post_all(vec![back(), thinking("a", "t")]);
    sleep(ms(5000)).await;
    outbox.post(Post::Final(answer(1, "a", "t", "done")));
    outbox.drained().await;
    assert_eq!(fake.calls()[2..], ["a send Thinking…", "a send done", "a delete m2"]);
    sleep(Duration::from_secs(60)).await;
    outbox.post(back());
    sleep(Duration::from_secs(60)).await;
    assert!(outbox.shared.state().mailboxes.is_empty(), "an idle place has no worker");
}

#[tokio::test(start_paused = true)]
async fn a_post_that_panics_its_worker_is_skipped() {
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
    assert!(outbox.shared.state().mailboxes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_calls_that_send_posts_count_as_retried() {
    // The counter is global. Only nextest runs each test in its own process; otherwise, other tests change the counter.
    if std::env::var_os("NEXTEST").is_none() {
        return;
    }
    let unavailable = || ChatError::Unavailable { why: "the server is overloaded".to_owned() };
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    let retries = || METRICS.send_retries.get();
    let before = retries();
    fake.fail("a", unavailable());
    outbox.post(thinking("a", "t"));
    sleep(ms(20_000)).await;
    assert_eq!((fake.seconds("a send Thinking…").len(), retries() - before), (2, 0), "{:?}", fake.all());
    fake.fail("a", unavailable());
    fake.fail("a", gone());
    outbox.post(Post::Final(answer(1, "a", "t", "done")));
    sleep(HOUR).await;
    assert_eq!(retries() - before, 2);
}

fn gone() -> ChatError {
    ChatError::Unreachable { why: "the topic is closed".to_owned() }
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn posts_for_a_closed_place_are_retried_with_growing_delays() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    (0..12).for_each(|_| fake.fail("a", gone()));
    outbox.post(Post::Final(answer(1, "a", "t", "text")));
    outbox.post(Post::Final(row(2, "b", "elsewhere")));
    assert_eq!(
        outbox.next_unreachable().await,
        Unreachable { place: place("a"), why: "the topic is closed".to_owned(), kind: UnreachableKind::Blocked }
    );
    outbox.drained().await;
    assert_eq!(
        (outbox.pending_posts(), notes.all()),
        (0, vec!["2 sent".to_owned()]),
        "a shutdown does not wait for it"
    );
    sleep(12 * HOUR).await;
    let at = fake.seconds("a send text");
    let pauses: Vec<u64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((60..=75).contains(&pauses[0]) && (3600..=4500).contains(&pauses[11]), "{pauses:?}");
    assert_eq!(notes.all()[1..], ["1 sent"]);
    assert!(outbox.shared.state().unreachable.is_empty(), "it is reported once");
}

#[tokio::test(start_paused = true)]
async fn a_message_from_a_closed_place_retries_at_once() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    (0..3).for_each(|_| fake.fail("a", gone()));
    for (id, text) in [(1, "one"), (2, "two")] {
        outbox.post(Post::Final(row(id, "a", text)));
    }
    sleep(ms(500)).await;
    for _ in 0..2 {
        outbox.on_user_message(&place("a"));
        sleep(ms(500)).await;
    }
    assert!(notes.all().is_empty());
    outbox.on_user_message(&place("a"));
    sleep(ms(500)).await;
    assert_eq!(fake.calls()[3..], ["a send one", "a send two"]);
    fake.fail("a", gone());
    outbox.post(Post::Final(row(3, "a", "three")));
    sleep(ms(500)).await;
    assert_eq!(outbox.shared.state().unreachable.len(), 2, "a new outage is reported again");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_an_earlier_host_reported_is_not_reported() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    ["a", "b"].iter().for_each(|chat| fake.fail(chat, gone()));
    outbox.restore(vec![place("a")], vec![row(1, "a", "text"), row(2, "b", "text")]);
    assert_eq!(outbox.next_unreachable().await.place, place("b"));
    outbox.drained().await;
    assert!(outbox.shared.state().unreachable.is_empty());
    outbox.on_user_message(&place("a"));
    sleep(ms(500)).await;
    let [blocked_a, blocked_b] =
        ["a", "b"].map(|chat| (chat.to_owned(), StoredReachability::Unreachable("the topic is closed".to_owned())));
    let open_a = ("a".to_owned(), StoredReachability::Reachable);
    let stored = notes.reachability.lock().unwrap().clone();
    assert!([blocked_a, blocked_b].iter().all(|blocked| stored[..2].contains(blocked)), "{stored:?}");
    assert_eq!(stored[2..], [open_a]);
    fake.fail("a", gone());
    outbox.post(Post::Final(row(3, "a", "again")));
    assert_eq!(outbox.next_unreachable().await.place, place("a"), "a new outage is reported");
}

#[tokio::test(start_paused = true)]
async fn posts_kept_for_a_closed_place_are_limited() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    fake.fail("a", gone());
    outbox.post(Post::Final(row(0, "a", "0")));
    sleep(ms(500)).await;
    outbox.post_all((1..105).map(|id| Post::Final(row(id, "a", &id.to_string()))).collect());
    sleep(ms(500)).await;
    assert_eq!(notes.all(), ["1 sent", "2 sent", "3 sent", "4 sent", "5 sent"], "the oldest are dropped");
    outbox.on_user_message(&place("a"));
    outbox.drained().await;
    sleep(ms(500)).await;
    assert_eq!(fake.calls().len(), 1 + 100);
}

#[tokio::test(start_paused = true)]
async fn forbidden_posts_are_dropped() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    fake.fail("a", ChatError::Forbidden { why: "not served".to_owned() });
    outbox.post(Post::Final(row(1, "a", "secret")));
    outbox.post(Post::Final(row(2, "a", "next")));
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send secret !", "a send next"]);
    assert_eq!(notes.all(), ["1 sent", "2 sent"]);
    assert!(outbox.shared.state().unreachable.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_answer_deletes_its_live_messages() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, notes) = start(&fake);
    outbox.post(live("a", "t", "12345678\n\nabcdefgh"));
    sleep(ms(3000)).await;
    let forbidden = || ChatError::Forbidden { why: "not served".to_owned() };
    fake.fail("a", forbidden());
    outbox.post(Post::Final(answer(1, "a", "t", "secret")));
    fake.fail("b", forbidden());
    outbox.post(Post::Final(begun(answer(2, "b", "u", "shown\n\nsecret"), &["m8", "m9"], 1)));
    outbox.drained().await;
    let gone = |chat: &str| {
        fake.calls()
            .into_iter()
            .filter(|call| call.starts_with(chat))
            .skip_while(|call| !call.contains("secret"))
            .collect::<Vec<_>>()
    };
    assert_eq!(gone("a "), ["a send secret !", "a delete m2", "a delete m1"]);
    assert_eq!(gone("b "), ["b send secret !", "b delete m9"]);
    assert_eq!(notes.all().iter().filter(|note| note.ends_with("sent")).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_part_refused_twice_is_replaced_by_a_notice() {
    let fake = Fake::with(LiveLine::InMessage, 40);
    let (outbox, notes) = start(&fake);
    let parts = [1, 2, 3].map(|part| format!("{part}{}", "x".repeat(35))).join("\n\n");
    outbox.post(Post::Final(row(1, "a", &parts)));
    fake.fail("b", refused());
    fake.fail("b", refused());
    outbox.post(Post::Final(row(2, "b", &parts)));
    (0..3).for_each(|_| fake.fail("c", refused()));
    outbox.post(Post::Final(row(3, "c", "impossible")));
    outbox.drained().await;
    let sent = |chat: &str| fake.calls().into_iter().filter(|call| call.starts_with(chat)).collect::<Vec<_>>();
    assert_eq!(sent("a ").len(), 3);
    assert_eq!(sent("b ")[2], "b send Part 1 of 3 could not be shown.");
    assert_eq!(sent("b ")[3..], sent("a ")[1..].iter().map(|call| call.replacen('a', "b", 1)).collect::<Vec<_>>());
    assert_eq!(sent("c ")[2..], ["c send This message could not be shown. !"]);
    assert_eq!(notes.all().iter().filter(|note| note.ends_with("sent")).count(), 3);
}
