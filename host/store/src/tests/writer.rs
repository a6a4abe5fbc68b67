//! Tests the writer: groups of requests, failures inside a group, a full disk, and closing.

use std::{
    fs,
    pin::Pin,
    sync::mpsc as std_mpsc,
    task::{Context, Waker},
    thread,
};

use super::*;
use crate::writer::COMMITS_PER_CHECKPOINT;

/// Blocks the writer until the test sends on the returned channel. All requests made until then form one group.
async fn block(store: &Store) -> std_mpsc::Sender<()> {
    let (release, released) = std_mpsc::channel();
    let (began, begun) = oneshot::channel();
    let mut began = Some(began);
    let store = store.clone();
    tokio::spawn(async move {
        let work = move |_: &Connection| {
            began.take().map(|began| began.send(()));
            let _ = released.recv();
            Ok(())
        };
        // The writer's thread must run it, because the caller's thread would block the test.
        store.run_with_durability(Durability::Power, "block the writer".to_owned(), work).await
    });
    begun.await.unwrap();
    release
}

/// Polls a future once, and returns whether it is pending.
fn is_pending(future: Pin<&mut impl Future>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

/// Makes all requests in order while the writer is blocked, so that they become one group.
async fn as_group<T>(store: &Store, all: Vec<impl Future<Output = T>>) -> Vec<T> {
    let release = block(store).await;
    let mut group = std::pin::pin!(futures::future::join_all(all));
    // The first poll puts every request into the channel.
    assert!(is_pending(group.as_mut()));
    release.send(()).unwrap();
    group.await
}

async fn thread_of_a_request(store: &Store) -> thread::ThreadId {
    store.run("note the thread".to_owned(), |_| Ok(thread::current().id())).await.unwrap()
}

#[tokio::test]
async fn the_callers_thread_commits_unless_an_earlier_request_is_waiting() {
    let state = State::new();
    let (store, _) = state.open();
    let here = thread::current().id();
    assert_eq!(thread_of_a_request(&store).await, here);
    let release = block(&store).await;
    let (mut first, mut second) = (Box::pin(thread_of_a_request(&store)), Box::pin(thread_of_a_request(&store)));
    assert!(is_pending(first.as_mut()) && is_pending(second.as_mut()));
    release.send(()).unwrap();
    assert_ne!(first.await, here);
    assert_ne!(second.await, here);
    // The writer's thread answers requests before it releases the database. After a group of two, it also commits the
    // next request, because requests have just overlapped.
    while thread_of_a_request(&store).await != here {}
}

#[tokio::test]
async fn the_log_is_written_to_the_database_file_at_intervals() {
    let state = State::new();
    let (store, _) = state.open();
    let size = || fs::metadata(state.path().join("cordboard.db-wal")).unwrap().len();
    let mut sizes = Vec::new();
    for number in 0..4 * u64::from(COMMITS_PER_CHECKPOINT) {
        store.count_command(&format!("c{}", number % 10)).await.unwrap();
        sizes.push(size());
    }
    let after_first = sizes[sizes.len() / 4 + 1];
    assert_eq!(sizes.last(), Some(&after_first), "the log is used again from its beginning");
}

#[tokio::test]
async fn a_failure_in_a_group_affects_no_other_request() {
    let state = State::new();
    let (store, _) = state.open();
    let names = ["a", "b", "a", "c", "b", "d"].map(record);
    let outcomes = as_group(&store, names.iter().map(|record| store.create_session(record)).collect()).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false, true, false, true]);
    assert_eq!(state.after(store).await.sessions, ["a", "b", "c", "d"].map(record));
}

#[tokio::test]
async fn a_failed_request_leaves_no_changes() {
    let state = State::new();
    let (store, _) = state.open();
    let half = |db: &Connection| {
        db.execute("INSERT INTO active VALUES ('half', '', 'written')", [])?;
        db.execute("INSERT INTO nowhere VALUES (1)", [])?;
        Ok(())
    };
    let error = store.run("store a test".to_owned(), half).await.unwrap_err();
    assert!(matches!(error, StoreError::Defect { .. }), "{error}");
    assert_eq!(state.after(store).await.active, []);
}

#[tokio::test]
async fn an_aborted_group_is_retried_one_by_one() {
    let state = State::new();
    let (store, _) = state.open();
    let (alpha, beta) = (record("alpha"), record("beta"));
    let give_up = store.run("give up".to_owned(), |db| Ok(db.execute_batch("ROLLBACK")?));
    let all: Vec<futures::future::BoxFuture<'_, _>> =
        vec![Box::pin(store.create_session(&alpha)), Box::pin(give_up), Box::pin(store.create_session(&beta))];
    let outcomes = as_group(&store, all).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(state.after(store).await.sessions, [alpha, beta]);
}

#[tokio::test]
async fn a_full_disk_refuses_a_request_without_partial_writes() {
    let state = State::new();
    let (store, _) = state.open();
    let rows = store.accept(vec![update("1"), update("2")], None).await.unwrap();
    store.leave_room_for(1).await;
    let big = || vec![post("small"), post(&"x".repeat(100_000))];
    let outcomes = as_group(
        &store,
        vec![
            store.finish(vec![CompletedUpdate::Update(rows[0].id)], vec![post("fits")]),
            store.finish(vec![CompletedUpdate::Update(rows[1].id)], big()),
            store.finish(vec![], vec![post("fits too")]),
        ],
    )
    .await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    let error = outcomes[1].clone().unwrap_err();
    let file = state.path().join("cordboard.db");
    assert_eq!(
        format!("failed to {error}"),
        format!(
            "failed to store 2 posts and complete 1 message in {}: the disk is full, so nothing was stored; free some space and try again",
            file.display()
        )
    );
    let seen = read_only(state.path()).unwrap();
    assert_eq!(seen.inbox, [rows[1].clone()]);
    let texts: Vec<_> = seen.outbox.iter().map(|row| &*row.reply.text).collect();
    assert_eq!(texts, ["fits", "fits too"]);
    store.leave_room_for(1_000).await;
    store.finish(vec![CompletedUpdate::Update(rows[1].id)], big()).await.unwrap();
    assert_eq!(state.after(store).await.outbox.len(), 4);
}

#[tokio::test]
async fn a_refused_batch_can_be_retried() {
    let state = State::new();
    let (store, _) = state.open();
    store.leave_room_for(0).await;
    let batch = || (0..200).map(|key| update(&format!("{key}"))).collect::<Vec<_>>();
    let offset = || Some(("telegram".to_owned(), 200));
    let error = store.accept(batch(), offset()).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert_eq!(store.offset("telegram").await.unwrap(), None);
    store.leave_room_for(1_000).await;
    assert_eq!(store.accept(batch(), offset()).await.unwrap().len(), 200);
}

#[tokio::test]
async fn closing_stores_earlier_requests_and_refuses_later_ones() {
    let state = State::new();
    let (store, _) = state.open();
    let records: Vec<_> = (0..300).map(|at| record(&format!("s{at:03}"))).collect();
    let release = block(&store).await;
    let asker = store.clone();
    let requests = futures::future::join_all(records.iter().map(|record| asker.create_session(record)));
    // Without `unconstrained`, tokio's task budget allows only some of the requests in one poll.
    let mut pending = std::pin::pin!(tokio::task::unconstrained(requests));
    assert!(is_pending(pending.as_mut()));
    let mut closed = std::pin::pin!(store.clone().close());
    assert!(is_pending(closed.as_mut()));
    release.send(()).unwrap();
    let (outcomes, ()) = tokio::join!(pending, closed);
    assert_eq!(outcomes, vec![Ok(()); 300]);
    let error = store.open_messages().await.unwrap_err();
    assert_eq!(
        format!("failed to {error}"),
        "failed to read the open messages: the store is closed because the host is shutting down; start the host again"
    );
    store.clone().close().await;
    assert_eq!(state.after(store).await.sessions, records);
}

#[tokio::test]
async fn a_request_can_ask_for_full_durability() {
    let state = State::new();
    let (store, _) = state.open();
    let level = |db: &Connection| Ok(db.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?);
    assert_eq!(store.run_with_durability(Durability::Power, String::new(), level).await, Ok(2));
    assert_eq!(store.run(String::new(), level).await, Ok(1));
}

#[tokio::test]
async fn a_sync_waits_for_no_request() {
    let state = State::new();
    let (store, _) = state.open();
    let release = block(&store).await;
    store.sync().await.unwrap();
    release.send(()).unwrap();
}

#[tokio::test]
async fn a_sync_after_a_failed_one_writes_the_data_again() {
    let state = State::new();
    let (store, _) = state.open();
    // Syncing a device file fails.
    let broken = Store { wal: Arc::new(Wal::of(std::fs::File::open("/dev/null").unwrap())), ..store.clone() };
    store.create_session(&record("alpha")).await.unwrap();
    let log = || std::fs::metadata(state.path().join("cordboard.db-wal")).unwrap().len();
    let error = broken.sync().await.unwrap_err();
    let file = state.path().join("cordboard.db");
    assert!(error.to_string().starts_with(&format!("sync {} to the disk: ", file.display())), "{error}");
    assert!(log() > 0, "the first failure writes nothing");
    assert!(broken.sync().await.is_err(), "the log still can't be synced");
    assert_eq!(log(), 0);
    store.create_session(&record("beta")).await.unwrap();
    store.sync().await.unwrap();
    assert_eq!(state.after(store).await.sessions, [record("alpha"), record("beta")]);
}
