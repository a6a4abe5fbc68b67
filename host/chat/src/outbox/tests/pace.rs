//! Tests that the frame rate limit applies per chat, not per topic, and never delays answers.

use super::*;
use crate::Quota;

fn topic(topic: &str) -> Place {
    Place { topic: Some(topic.to_owned()), ..place("a") }
}

#[tokio::test(start_paused = true)]
async fn topics_of_a_chat_share_its_pace_and_alternate() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    for n in 0..120 {
        for of in ["1", "2", "3"] {
            let frame = TurnFrame { messages: vec![Reply::text(format!("{of}: {n}"))], live: None };
            outbox.post(Post::Frame { place: topic(of), turn: turn(of), frame, stop: None });
        }
        sleep(ms(100)).await;
    }
    let frames: Vec<_> = fake.all().into_iter().filter(|(_, call)| !call.contains("working")).collect();
    assert!(frames.windows(2).all(|pair| pair[1].0 - pair[0].0 >= fake::EDIT_PAUSE), "{frames:?}");
    let of = |name: &str| frames.iter().filter(|(_, call)| call.contains(name)).count();
    assert!(
        frames.len() >= 10 && of("1: ").abs_diff(of("3: ")) <= 1 && of("1: ").abs_diff(of("2: ")) <= 1,
        "{frames:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn frames_leave_quota_so_answers_never_wait() {
    let fake = Fake::new();
    *fake.quota.lock().unwrap() = Some(Quota { calls: 5, within: Duration::from_secs(60) });
    let (outbox, _) = start(&fake);
    for n in 0..300 {
        outbox.post(live("a", "t", &format!("frame {n}")));
        sleep(ms(100)).await;
    }
    assert_eq!(fake.calls().len(), 5, "{:?}", fake.calls());
    for id in 0..5 {
        outbox.post(Post::Final(row(id, "a", "answer")));
    }
    sleep(ms(100)).await;
    assert_eq!(fake.calls().len(), 10);
    sleep(Duration::from_secs(62)).await;
    assert_eq!(fake.calls().last().unwrap(), "a edit m1 frame 299");
}

#[tokio::test(start_paused = true)]
async fn posts_do_not_delay_a_frame_forever() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    for n in 0..50 {
        outbox.post(live("a", "t", &format!("frame {n}")));
        outbox.post(Post::Final(row(n, "a", "note")));
        sleep(ms(200)).await;
    }
    let frames = fake.calls().iter().filter(|call| call.contains("frame")).count();
    assert!((8..=10).contains(&frames), "one per second: {:?}", fake.calls());
}

#[tokio::test(start_paused = true)]
async fn a_shorter_pause_applies_to_a_waiting_frame() {
    let fake = Fake::new();
    *fake.pause.lock().unwrap() = Duration::from_secs(600);
    let (outbox, _) = start(&fake);
    for (text, of) in [("one", "1"), ("two", "1"), ("three", "2")] {
        let frame = TurnFrame { messages: vec![Reply::text(text)], live: None };
        outbox.post(Post::Frame { place: topic(of), turn: turn(of), frame, stop: None });
        sleep(ms(1500)).await;
    }
    assert_eq!(fake.calls(), ["a send one"]);
    *fake.pause.lock().unwrap() = fake::EDIT_PAUSE;
    sleep(Duration::from_secs(6)).await;
    let calls = fake.calls();
    assert!(calls.contains(&"a edit m1 two".to_owned()) && calls.contains(&"a send three".to_owned()), "{calls:?}");
}
