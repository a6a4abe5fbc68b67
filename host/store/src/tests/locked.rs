//! Tests that requests wait while another process has locked the database, and that none is lost.

use std::{pin::Pin, task::Waker, thread};

use super::*;

/// Locks the database as another process would.
fn lock(state: &State) -> Connection {
    let other = Connection::open(state_directory::database(state.path())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

fn is_pending(future: Pin<&mut impl Future>) -> bool {
    future.poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn requests_wait_for_another_process_and_lose_nothing() {
    let state = State::new();
    let (store, _) = state.open();
    let rows = store.accept(vec![update("1")], None).await.unwrap();
    let other = lock(&state);
    let session = record("alpha");
    // The first poll returns, so a locked database doesn't block the caller's thread. The second request reads before it
    // writes, in which case SQLite itself would not wait.
    let mut created = Box::pin(store.create_session(&session));
    let mut assigned = Box::pin(store.assign(rows[0].id, &session.name, &rows[0].update.what, &rows[0].update));
    let mut accepted = Box::pin(store.accept(vec![update("2"), update("3")], None));
    assert!(is_pending(created.as_mut()) && is_pending(assigned.as_mut()) && is_pending(accepted.as_mut()));
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(created.await, Ok(()));
    assert_eq!(assigned.await, Ok(None));
    assert_eq!(accepted.await.unwrap().len(), 2);
    let contents = state.after(store).await;
    assert_eq!(contents.sessions, [session]);
    assert_eq!(contents.inbox.len(), 3);
}

#[tokio::test]
async fn a_request_is_retried_after_another_process_commits() {
    let state = State::new();
    let (store, _) = state.open();
    let other = Connection::open(state_directory::database(state.path())).unwrap();
    let mut attempts = 0;
    // The other process commits between this request's read and its write, so SQLite refuses the write.
    let work = move |db: &Connection| {
        attempts += 1;
        let count: i64 = db.query_row("SELECT count(*) FROM command_use", [], |row| row.get(0))?;
        if attempts == 1 {
            other.execute("INSERT INTO command_use VALUES ('other', 1)", [])?;
        }
        db.execute("INSERT INTO command_use VALUES ('own', 1)", [])?;
        Ok(count)
    };
    assert_eq!(store.run("count twice".to_owned(), work).await, Ok(1), "the second attempt sees the other commit");
    assert_eq!(store.command_uses().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_starting_host_waits_for_another_process() {
    let state = State::new();
    state.open().0.close().await;
    let other = lock(&state);
    let release = thread::spawn(move || {
        thread::sleep(std::time::Duration::from_millis(100));
        other.execute_batch("COMMIT").unwrap();
    });
    open(state.path()).unwrap();
    release.join().unwrap();
}
