//! Tests the outbox on a paused clock, with a fake front-end that returns scripted results.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cordboard_core::{
    agent_event::PromptId,
    types::{Alert, Place, Reply},
    updates_and_posts::{Delivery, MessageId, OutboxRow, PostId},
};
use tokio::time::sleep;

mod deleted_topics;
mod delivery_issues;
mod drafts;
mod failures;
mod fake;
mod long_answers;
mod notifications;
mod pace;

use fake::{Fake, Notes, StoredReachability};

use super::*;
use crate::{ChatError, LiveLine, MenuEntry};

fn start(fake: &Arc<Fake>) -> (Outbox, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    let (outbox, work) = Outbox::new(Arc::<Fake>::clone(fake), Arc::<Notes>::clone(&notes));
    tokio::spawn(work);
    (outbox, notes)
}

fn place(chat: &str) -> Place {
    Place::new("fake", chat)
}

fn turn(name: &str) -> PromptId {
    PromptId(name.to_owned())
}

fn live(chat: &str, of: &str, text: &str) -> Post {
    let frame = TurnFrame { messages: vec![Reply::text(text)], live: None };
    Post::Frame { place: place(chat), turn: turn(of), frame, stop: None }
}

fn row(id: i64, chat: &str, text: &str) -> OutboxRow {
    OutboxRow { id: PostId(id), place: place(chat), reply: Reply::text(text), turn: None, state: Delivery::default() }
}

fn answer(id: i64, chat: &str, of: &str, text: &str) -> OutboxRow {
    OutboxRow { turn: Some(turn(of)), ..row(id, chat, text) }
}

fn begun(row: OutboxRow, messages: &[&str], shown: u32) -> OutboxRow {
    let messages = messages.iter().map(|id| MessageId((*id).to_owned())).collect();
    OutboxRow { state: Delivery { messages, shown, ..Delivery::default() }, ..row }
}

fn refused() -> ChatError {
    ChatError::Rejected { why: "no".to_owned() }
}

fn down() -> ChatError {
    ChatError::Unavailable { why: "no network".to_owned() }
}

/// Longer than the delay before a turn's first frame.
const FRAME: Duration = ms(1010);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn final_posts_are_sent_in_order_and_before_frames() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    outbox.post(live("a", "t", "frame"));
    for (id, text) in [(1, "one"), (2, "two"), (3, "three")] {
        outbox.post(Post::Final(row(id, "a", text)));
    }
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send one", "a send two", "a send three"]);
    assert_eq!(notes.all(), ["1 sent", "2 sent", "3 sent"]);
    sleep(ms(1100)).await;
    assert_eq!(fake.calls().last().unwrap(), "a send frame");
}

#[tokio::test(start_paused = true)]
async fn only_the_newest_frame_is_shown_at_the_pace_of_the_chat() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    for n in 0..30 {
        outbox.post(live("a", "t", &format!("frame {n}")));
        sleep(ms(100)).await;
    }
    sleep(ms(1000)).await;
    let frames: Vec<_> = fake.all().into_iter().filter(|(_, call)| !call.contains("working")).collect();
    assert_eq!(frames[0].1, "a send frame 10");
    assert_eq!(frames.last().unwrap().1, "a edit m1 frame 29");
    assert!(frames.len() <= 5, "one per second: {frames:?}");
    assert!(frames.windows(2).all(|pair| pair[1].0 - pair[0].0 >= fake::EDIT_PAUSE), "{frames:?}");
    assert_eq!(notes.all()[0], "t in m1: frame 10", "the message is stored before it is edited");
    assert_eq!(notes.all().last().unwrap(), "t in m1: frame 29");
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_frame_makes_no_call() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    for text in ["same", "same", "**same**", "**same**"] {
        outbox.post(live("a", "t", text));
        sleep(ms(1500)).await;
    }
    assert_eq!(fake.calls(), ["a send same", "a edit m1 same *"]);
}

#[tokio::test(start_paused = true)]
async fn the_answer_replaces_the_frames_and_late_ones_are_dropped() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, notes) = start(&fake);
    outbox.post(live("a", "t", "12345678\n\nabcdefgh"));
    sleep(ms(3000)).await;
    outbox.post(Post::Final(answer(7, "a", "t", "done")));
    outbox.post(live("a", "t", "late"));
    outbox.drained().await;
    sleep(ms(3000)).await;
    let calls = ["a send 12345678", "a send abcdefgh", "a send done", "a delete m2", "a delete m1"];
    assert_eq!(fake.calls(), calls);
    assert_eq!(fake.rings(), ["done"]);
    assert_eq!(notes.all()[..2], ["t in m1: 12345678", "t in m2: abcdefgh"]);
    assert_eq!(notes.all()[2..], ["7 shows 1 of m3,m1,m2", "7 shows 1 of m3,m1", "7 sent"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_post_of_a_turn_is_a_separate_message() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    outbox.post(live("a", "t", "frame"));
    sleep(FRAME).await;
    let mut first = answer(1, "a", "t", "first");
    first.reply.alert = Alert::Silent;
    outbox.post_all(vec![Post::Final(first), Post::Final(answer(2, "a", "t", "second"))]);
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send frame", "a edit m1 first", "a send second"]);
    assert_eq!(fake.rings(), ["second"]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_deletes_its_frames() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    let frame = TurnFrame { messages: Vec::new(), live: Some("Thinking…".to_owned()) };
    outbox.post(Post::Frame { place: place("a"), turn: turn("t"), frame, stop: None });
    sleep(FRAME).await;
    outbox.post(Post::Final(answer(1, "a", "t", "")));
    outbox.post(Post::Final(answer(2, "a", "u", "")));
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send Thinking…", "a delete m1"]);
    assert_eq!(notes.all(), ["t in m1: ", "1 sent", "2 sent"]);
}

fn stopping(chat: &str, of: &str) -> Post {
    Post::Stopping { place: place(chat), turn: turn(of) }
}

/// 1. A turn is stopped. 2. The reply to `/stop` and a notice arrive. 3. The turn ends with two messages. 4. The next
/// turn ends.
#[tokio::test(start_paused = true)]
async fn posts_after_a_stop_wait_for_the_end_of_the_turn() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    outbox.post(live("a", "t", "Half"));
    sleep(FRAME).await;
    outbox.post(Post::Final(row(1, "a", "before")));
    outbox.post(stopping("a", "t"));
    outbox.post(Post::Final(row(2, "a", "Stopped.")));
    outbox.post(Post::Final(row(3, "a", "notice")));
    outbox.post(Post::Final(row(4, "b", "elsewhere")));
    sleep(ms(100)).await;
    assert_eq!(fake.seconds("b send elsewhere"), [1], "another place is not affected");
    let here = || fake.calls().into_iter().filter(|call| call.starts_with("a ")).collect::<Vec<_>>();
    assert_eq!(here(), ["a send Half", "a send before"]);
    outbox
        .post_all(vec![Post::Final(answer(5, "a", "t", "Half a li")), Post::Final(answer(6, "a", "t", "more of it"))]);
    outbox.post(Post::Final(answer(7, "a", "u", "next")));
    outbox.drained().await;
    let answer = ["a send Half a li", "a delete m1", "a send more of it"];
    assert_eq!(here()[2..5], answer);
    assert_eq!(here()[5..], ["a send Stopped.", "a send notice", "a send next"]);
    let sent: Vec<_> = notes.all().into_iter().filter(|note| note.ends_with("sent")).collect();
    assert_eq!(sent[2..], ["5 sent", "6 sent", "2 sent", "3 sent", "7 sent"]);
    assert!(fake.all().last().unwrap().0 < FRAME + ms(500), "no post waits longer than 500 ms");
}

#[tokio::test(start_paused = true)]
async fn an_unstopped_turn_is_shown_before_later_posts() {
    let fake = Fake::with(LiveLine::Status, usize::MAX);
    let (outbox, _) = start(&fake);
    outbox.post(live("a", "t", "Half"));
    sleep(ms(10)).await;
    outbox.post(stopping("a", "t"));
    outbox.post(live("a", "t", "Half a li"));
    outbox.post(Post::Final(row(1, "a", "Stopped.")));
    sleep(ms(490)).await;
    assert_eq!(fake.calls(), ["a send Half", "a edit m1 Half a li"]);
    outbox.drained().await;
    assert_eq!(fake.calls()[2..], ["a edit m1 Half a li halted", "a send Stopped."]);
    outbox.post(live("a", "t", "Half a line"));
    sleep(ms(10)).await;
    outbox.post(Post::Final(answer(2, "a", "t", "Half a line")));
    outbox.drained().await;
    assert_eq!(fake.calls()[4..], ["a edit m1 Half a line", "a edit m1 Half a line"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_delays_nothing_without_a_shown_turn() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    outbox.post(Post::Final(answer(1, "a", "t", "done")));
    outbox.post(stopping("a", "t"));
    outbox.post(Post::Final(row(2, "a", "Stopped.")));
    outbox.post(stopping("b", "u"));
    outbox.post(Post::Final(row(3, "b", "Stopped.")));
    outbox.post(Post::Ended { place: place("b"), turn: turn("u") });
    outbox.drained().await;
    assert_eq!(fake.calls().len(), 3);
    assert!(fake.all().last().unwrap().0 < ms(500));
    outbox.post(stopping("c", "never shown"));
    outbox.post(Post::Final(row(4, "c", "Stopped.")));
    outbox.drained().await;
    assert_eq!(fake.calls()[3..], ["c send Stopped."]);
    sleep(Duration::from_secs(60)).await;
    assert!(outbox.shared.state().mailboxes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn retry_after_delays_only_its_chat() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    fake.fail("a", ChatError::RateLimited { after: Duration::from_secs(40), why: "flood".to_owned() });
    outbox.post(Post::Final(row(1, "a", "delayed")));
    sleep(ms(10)).await;
    outbox.post(Post::Final(row(2, "b", "free")));
    outbox.post(live("a", "t", "frame"));
    sleep(Duration::from_secs(39)).await;
    assert_eq!(fake.calls(), ["a send delayed !", "b send free"]);
    assert!(fake.seconds("a working").is_empty(), "a rate-limited chat receives nothing");
    outbox.drained().await;
    assert_eq!(fake.seconds("a send delayed"), [0, 40]);
}

#[tokio::test(start_paused = true)]
async fn network_errors_are_retried_with_growing_delays() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    for _ in 0..12 {
        fake.fail("a", down());
    }
    outbox.post(Post::Final(row(1, "a", "patient")));
    outbox.drained().await;
    assert_eq!(fake.calls().len(), 13, "one successful attempt after twelve failed ones");
    assert_eq!(notes.all(), ["1 sent"]);
    let at = fake.seconds("a send");
    let pauses: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses[0] <= 2 && pauses[11] >= 60 && pauses[11] <= 76, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_post_is_sent_as_plain_text() {
    let fake = Fake::new();
    let (outbox, notes) = start(&fake);
    fake.fail("a", refused());
    let mut styled = row(1, "a", "**bold**");
    styled.reply = styled.reply.button("Go", "/go");
    outbox.post(Post::Final(styled));
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send bold * [+] !", "a send bold [+]"]);
    assert_eq!(notes.all(), ["1 sent"]);
}

#[tokio::test(start_paused = true)]
async fn a_post_refused_without_styles_loses_its_buttons() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    let with_button = |id, text| {
        let mut post = row(id, "a", text);
        post.reply = post.reply.button("Go", "/go");
        post
    };
    fake.fail("a", refused());
    fake.fail("a", refused());
    outbox.post(Post::Final(with_button(1, "**bold**")));
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send bold * [+] !", "a send bold [+] !", "a send bold"]);
    // A retry without styles would be identical, so the buttons are removed at once.
    fake.fail("a", refused());
    outbox.post(Post::Final(with_button(2, "text")));
    outbox.drained().await;
    assert_eq!(fake.calls()[3..], ["a send text [+] !", "a send text"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_a_deleted_message_is_sent_again_in_order() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, notes) = start(&fake);
    fake.fail("a", refused());
    fake.fail("a", refused());
    outbox.post(Post::Final(begun(row(1, "a", "12345678\n\nabcdefgh"), &["x", "y"], 0)));
    outbox.drained().await;
    let calls = fake.calls();
    assert_eq!(calls[..2], ["a edit x 12345678 !", "a edit x 12345678 !"]);
    assert_eq!(calls[2..], ["a send 12345678", "a send abcdefgh", "a delete y", "a delete x"]);
    assert_eq!(notes.all().last().unwrap(), "1 sent");
}

#[tokio::test(start_paused = true)]
async fn a_partly_sent_post_continues_after_a_crash() {
    let fake = Fake::with(LiveLine::InMessage, 10);
    let (outbox, notes) = start(&fake);
    outbox.post(Post::Final(begun(row(1, "a", "12345678\n\nabcdefgh\n\nzyxwvuts"), &["x", "y"], 1)));
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a edit y abcdefgh", "a send zyxwvuts"], "x is shown already");
    assert_eq!(notes.all(), ["1 shows 2 of x,y", "1 sent"]);
}

#[tokio::test(start_paused = true)]
async fn typing_is_sent_every_four_seconds_until_the_answer() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    let place = place("a");
    outbox.post(Post::Frame { place: place.clone(), turn: turn("t"), frame: TurnFrame::default(), stop: None });
    sleep(ms(9000)).await;
    assert_eq!(fake.seconds("a working Some"), [0, 4, 8]);
    assert!(fake.calls().is_empty(), "an empty frame shows no message");
    outbox.post(Post::Final(answer(1, "a", "t", "done")));
    sleep(ms(20_000)).await;
    assert_eq!(fake.all().last().unwrap().1, "a working None");
    outbox.post(Post::Frame { place: place.clone(), turn: turn("u"), frame: TurnFrame::default(), stop: None });
    sleep(ms(10)).await;
    outbox.post(Post::Ended { place, turn: turn("u") });
    sleep(ms(20_000)).await;
    assert_eq!(fake.seconds("a working None").len(), 2);
    assert_eq!(fake.seconds("a working Some").len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_status_line_is_sent_as_soon_as_it_changes() {
    let fake = Fake::with(LiveLine::Status, usize::MAX);
    let (outbox, _) = start(&fake);
    for line in ["reads", "writes"] {
        let frame = TurnFrame { messages: Vec::new(), live: Some(line.to_owned()) };
        outbox.post(Post::Frame { place: place("a"), turn: turn("t"), frame, stop: None });
        sleep(ms(100)).await;
    }
    let activity: Vec<_> = fake.all().into_iter().map(|(_, call)| call).collect();
    assert_eq!(activity, [r#"a working Some("reads")"#, r#"a working Some("writes")"#]);
}

#[tokio::test(start_paused = true)]
async fn turns_of_one_place_alternate() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    for n in 0..80 {
        outbox.post(live("a", "t", &format!("t {n}")));
        outbox.post(live("a", "u", &format!("u {n}")));
        sleep(ms(100)).await;
    }
    let calls = fake.calls();
    let of = |name: &str| calls.iter().filter(|call| call.contains(name)).count();
    assert!(of(" t ").abs_diff(of(" u ")) <= 1, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_ends_and_the_next_post_starts_another() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    outbox.post(Post::Final(row(1, "a", "one")));
    sleep(Duration::from_secs(60)).await;
    assert!(outbox.shared.state().mailboxes.is_empty());
    outbox.post(Post::Final(row(2, "a", "two")));
    outbox.drained().await;
    assert_eq!(fake.calls(), ["a send one", "a send two"]);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_the_work_and_keeps_unsent_posts() {
    let fake = Fake::new();
    let notes = Arc::new(Notes::default());
    let (outbox, work) = Outbox::new(Arc::<Fake>::clone(&fake), Arc::<Notes>::clone(&notes));
    let work = tokio::spawn(work);
    fake.fail("a", down());
    outbox.post(Post::Final(row(1, "a", "later")));
    sleep(ms(10)).await;
    outbox.close();
    work.await.unwrap();
    assert_eq!(fake.calls(), ["a send later !"]);
    assert!(notes.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn setting_a_menu_is_retried_and_the_newest_wins() {
    let fake = Fake::new();
    let (outbox, _) = start(&fake);
    let menu = |name: &str| Menus {
        everyone: vec![MenuEntry { name: name.to_owned(), summary: "does".to_owned(), translations: BTreeMap::new() }],
        ..Menus::default()
    };
    fake.fail("menu", down());
    fake.fail("menu", down());
    outbox.set_menus(menu("old"));
    sleep(ms(10)).await;
    outbox.set_menus(menu("new"));
    sleep(Duration::from_secs(10)).await;
    assert_eq!(fake.calls(), ["menu old !", "menu new !", "menu new"]);
    fake.fail("menu", refused());
    outbox.set_menus(menu("bad"));
    sleep(Duration::from_secs(10)).await;
    assert_eq!(fake.calls().len(), 4, "a rejected menu is not retried");
}
