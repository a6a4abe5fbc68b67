//! Tests that killing the process at any time neither loses an acknowledged write to the store nor leaves a partial
//! one.
//!
//! The test runs its own program as a child process, which writes to a store and prints each acknowledged write, and
//! then kills the child.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    collections::HashSet,
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use cordboard_core::{
    types::{Caller, Place, Reply, Role, SessionRecord, Timestamp, UserId},
    updates_and_posts::{MessageId, Origin, Update, UpdateKind},
};
use cordboard_store::{CompletedUpdate, Delivery, InboxRow, NewPost, Store};

/// The environment variable that contains the path of the child's state directory. If it isn't set, the [`child`] test
/// does nothing.
const STATE: &str = "CORDBOARD_TEST_KILL_STATE";

/// The number of kills, chosen so that some interrupt commits, syncs and a checkpoint. Each kill needs a new child
/// process.
const KILLS: usize = 8;

#[test]
fn nothing_acknowledged_is_missing_after_a_kill() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("state");
    let mut acknowledged = Acknowledged::default();
    for kill in 0..KILLS {
        let mut child = start(&path);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        // Kill the child after a different number of lines each time.
        for _ in 0..150 + 37 * kill {
            assert!(acknowledged.read_line(&mut lines), "the child process exited by itself");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        while acknowledged.read_line(&mut lines) {}
        check(&path, &acknowledged);
    }
    assert!(acknowledged.done.len() > 100, "the child processes finished too few updates");
}

fn start(state: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(STATE, state)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The acknowledged writes of all children, by key.
#[derive(Default)]
struct Acknowledged {
    accepted: HashSet<String>,
    handed: HashSet<String>,
    done: HashSet<String>,
    /// Posts that a child has started to send. They may be missing from the outbox.
    sending: HashSet<String>,
    sent: HashSet<String>,
    sessions: HashSet<String>,
    offset: i64,
}

impl Acknowledged {
    /// Reads one line from the child. Returns `false` at the end of the child's output.
    fn read_line(&mut self, lines: &mut BufReader<ChildStdout>) -> bool {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap() == 0 {
            return false;
        }
        // Ignore a line that the kill has truncated.
        if let Some((word, key)) = line.strip_suffix('\n').and_then(|line| line.split_once(' ')) {
            let key = key.to_owned();
            match word {
                "accepted" => self.accepted.insert(key),
                "handed" => self.handed.insert(key),
                "done" => self.done.insert(key),
                "sending" => self.sending.insert(key),
                "sent" => self.sent.insert(key),
                "session" => self.sessions.insert(key),
                "offset" => {
                    self.offset = key.parse().unwrap();
                    true
                }
                // The test harness also prints lines, which are ignored here.
                _ => true,
            };
        }
        true
    }
}

#[tokio::main(flavor = "current_thread")]
async fn check(state: &Path, acknowledged: &Acknowledged) {
    let seen = cordboard_store::read_only(state).unwrap();
    let (store, contents) = cordboard_store::open(state).unwrap();
    assert_eq!(seen, contents, "a read-only reader sees the same");
    let open: HashSet<_> = contents.inbox.iter().map(|row| &row.update.key).collect();
    let posts: HashSet<_> = contents.outbox.iter().map(|row| &row.reply.text).collect();
    let sessions: HashSet<_> = contents.sessions.iter().map(|record| record.name.as_str()).collect();
    for key in &acknowledged.accepted {
        let done = posts.contains(key) || acknowledged.sending.contains(key);
        assert!(open.contains(key) != done, "{key} must be either open or answered");
        assert!(open.contains(key) || done, "{key} is lost");
    }
    for row in &contents.inbox {
        let handed = matches!(row.state, cordboard_store::InboxState::Sent { .. });
        assert!(handed || !acknowledged.handed.contains(&row.update.key), "{} is not marked as sent", row.update.key);
        assert!(!acknowledged.done.contains(&row.update.key), "{} is finished, but still in the inbox", row.update.key);
    }
    assert!(acknowledged.sent.iter().all(|key| !posts.contains(key)), "a sent post is still in the outbox");
    assert!(acknowledged.sessions.iter().all(|name| sessions.contains(&**name)), "a session is lost");
    assert!(store.offset("telegram").await.unwrap().unwrap_or_default() >= acknowledged.offset, "the offset went back");
    let replay = acknowledged.accepted.iter().map(|key| update(key)).collect();
    assert_eq!(store.accept(replay, None).await.unwrap(), [], "a duplicate update is recognized");
    store.close().await;
}

/// Runs the child process until it is killed. This isn't a real test: it returns immediately if [`STATE`] isn't set.
#[test]
fn child() {
    if let Some(state) = env::var_os(STATE) {
        work(Path::new(&state));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn work(state: &Path) {
    let (store, contents) = cordboard_store::open(state).unwrap();
    // Finish the previous process's work first, as a host does.
    for row in &contents.outbox {
        send(&store, row.id, &row.reply.text).await;
    }
    for row in contents.inbox {
        answer(&store, row).await;
    }
    let mut at = store.offset("telegram").await.unwrap().unwrap_or_default();
    loop {
        let batch = (at..at + 3).map(|key| update(&key.to_string())).collect();
        at += 3;
        let rows = store.accept(batch, Some(("telegram".to_owned(), at))).await.unwrap();
        println!("offset {at}");
        rows.iter().for_each(|row| println!("accepted {}", row.update.key));
        let answers = futures::future::join_all(rows.into_iter().map(|row| answer(&store, row)));
        tokio::join!(async { store.sync().await.unwrap() }, answers);
    }
}

async fn answer(store: &Store, row: InboxRow) {
    let key = &row.update.key;
    let session = SessionRecord::new(
        format!("s{key}").parse().unwrap(),
        UserId("telegram:42".to_owned()),
        "/sessions/s".into(),
        "demo",
        Timestamp(1),
    );
    store.save_session(&session).await.unwrap();
    println!("session {}", session.name);
    store.assign(row.id, &session.name, &row.update.what, &row.update).await.unwrap();
    store.mark_sent(&row.prompt).await.unwrap();
    println!("handed {key}");
    let post = NewPost { turn: Some(row.prompt.clone()), ..NewPost::new(row.update.place.clone(), Reply::text(key)) };
    let posts = store.finish(vec![CompletedUpdate::Prompt(row.prompt)], vec![post]).await.unwrap();
    println!("done {key}");
    if key.ends_with(['1', '2', '3', '4']) {
        send(store, posts[0].id, key).await;
    }
}

async fn send(store: &Store, id: cordboard_store::PostId, key: &str) {
    println!("sending {key}");
    let delivery = Delivery { messages: vec![MessageId("1".to_owned())], shown: 1, ..Delivery::default() };
    store.save_progress(id, delivery).await.unwrap();
    store.complete_post(id, Vec::new(), Vec::new()).await.unwrap();
    println!("sent {key}");
}

fn update(key: &str) -> Update {
    Update {
        key: key.to_owned(),
        caller: Caller { id: UserId("telegram:42".to_owned()), name: "Ada".to_owned(), role: Role::Owner },
        place: Place::new("telegram", "1"),
        what: UpdateKind::Text(format!("text of {key} {}", "x".repeat(500))),
        at: Timestamp(7),
        locale: None,
        origin: Origin::default(),
    }
}
