//! Tests the console over real pipes with an in-memory inbox. No test depends on timing; the deadline only catches
//! hangs.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Cursor, Read, Write},
    os::unix::net::UnixStream,
    sync::{
        Mutex as StdMutex,
        atomic::{AtomicBool, Ordering},
    },
};

use cordboard_core::{
    render,
    types::{Alert, Authorship, Role, Timestamp},
};
use tokio::{sync::Notify, time::timeout};

use super::{
    open::{Ends, open_pipe},
    *,
};
use crate::{ButtonAction, Completeness, InboxError, Update, UpdateKind};

const DEADLINE: Duration = Duration::from_secs(60);

/// Stores accepted updates. Rejects as many batches as `refusals` says.
#[derive(Default)]
struct FakeInbox {
    kept: StdMutex<Vec<Update>>,
    refusals: StdMutex<u32>,
    knows: AtomicBool,
    came: Notify,
}

#[async_trait]
impl Inbox for FakeInbox {
    async fn accept(&self, updates: Vec<Update>, _offset: Option<i64>) -> Result<(), InboxError> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(InboxError("the disk is full".to_owned()));
        }
        self.kept.lock().unwrap().extend(updates);
        self.came.notify_one();
        Ok(())
    }

    fn record_failure(&self, _place: &Place) -> bool {
        !self.knows.swap(true, Ordering::Relaxed)
    }

    async fn offset(&self) -> Result<Option<i64>, InboxError> {
        Ok(None)
    }

    async fn button(&self, _line: &ButtonAction) -> Result<String, InboxError> {
        Err(InboxError("a console needs no tokens".to_owned()))
    }

    async fn line_of(&self, _token: &str) -> Result<Option<ButtonAction>, InboxError> {
        Ok(None)
    }

    async fn move_chat(&self, _home: &str, _chat: &str) -> Result<(), InboxError> {
        Ok(())
    }

    async fn moved_chats(&self) -> Result<Vec<(String, String)>, InboxError> {
        Ok(Vec::new())
    }
}

impl FakeInbox {
    fn texts(&self) -> Vec<String> {
        let text = |update: &Update| match &update.what {
            UpdateKind::Text(text) => text.clone(),
            UpdateKind::Press { .. } | UpdateKind::NotText { .. } | UpdateKind::Edited(_) => panic!("{update:?}"),
        };
        self.kept.lock().unwrap().iter().map(text).collect()
    }
}

/// A console between two sockets. The test holds the other ends.
struct FakeChat {
    console: Console,
    events: mpsc::Receiver<ConsoleEvent>,
    shelf: Arc<FakeInbox>,
    stdin: UnixStream,
    stdout: BufReader<UnixStream>,
}

impl FakeChat {
    fn new() -> Self {
        let (reader, stdin) = UnixStream::pair().unwrap();
        let (writer, stdout) = UnixStream::pair().unwrap();
        let shelf = Arc::new(FakeInbox::default());
        let inbox: Arc<dyn Inbox> = shelf.clone();
        let ends = Ends { reader, writer };
        let (console, events) = open_pipe(ends, Look::Source, inbox, Arc::new(|| Timestamp(0))).unwrap();
        console.begin();
        stdout.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { console, events, shelf, stdin, stdout: BufReader::new(stdout) }
    }

    async fn event(&mut self) -> ConsoleEvent {
        timeout(DEADLINE, self.events.recv()).await.expect("an event").expect("a console")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Returns the whole output, after closing the console.
    async fn printed(mut self) -> String {
        self.console.close().await;
        drop(self.console);
        let mut text = String::new();
        self.stdout.read_to_string(&mut text).unwrap();
        text
    }
}

fn message(source: &str, last: Completeness) -> Outgoing {
    let message = render::render(source);
    Outgoing {
        source: source.to_owned(),
        message,
        buttons: Vec::new(),
        last,
        words: Authorship::Agents,
        session: None,
        alert: Alert::Ring,
        answers: None,
    }
}

async fn send(console: &Console, source: &str, last: Completeness) -> MessageId {
    console.send(place(), &message(source, last)).await.unwrap()
}

/// Runs a console with `bytes` as its whole input.
async fn run_over(bytes: &[u8], refusals: u32) -> (Arc<FakeInbox>, String) {
    let shelf = Arc::new(FakeInbox { refusals: StdMutex::new(refusals), ..FakeInbox::default() });
    let (writer, mut stdout) = UnixStream::pair().unwrap();
    let inbox: Arc<dyn Inbox> = shelf.clone();
    let ends = Ends { reader: Cursor::new(bytes.to_vec()), writer };
    let (console, mut events) = open_pipe(ends, Look::Source, inbox, Arc::new(|| Timestamp(0))).unwrap();
    console.begin();
    assert_eq!(timeout(DEADLINE, events.recv()).await.expect("an end"), Some(ConsoleEvent::End));
    console.close().await;
    drop(console);
    let mut text = String::new();
    stdout.read_to_string(&mut text).unwrap();
    (shelf, text)
}

#[tokio::test]
async fn each_line_is_an_update_of_the_local_owner() {
    let (shelf, printed) = run_over(b"/new demo\r\n\n  \nhello \xff\nlast", 0).await;
    assert_eq!(shelf.texts(), ["/new demo", "hello \u{fffd}", "last"]);
    assert_eq!(printed, "", "no output of its own");
    let kept = shelf.kept.lock().unwrap();
    for update in kept.iter() {
        assert_eq!((update.caller.id.0.as_str(), update.caller.role), ("console:local", Role::Owner));
        assert_eq!(update.place.to_string(), "console:local");
    }
}

#[tokio::test]
async fn no_input_is_accepted_before_the_console_starts() {
    let shelf = Arc::new(FakeInbox::default());
    let inbox: Arc<dyn Inbox> = shelf.clone();
    let (writer, _stdout) = UnixStream::pair().unwrap();
    let ends = Ends { reader: Cursor::new(b"early\n".to_vec()), writer };
    let (console, mut events) = open_pipe(ends, Look::Source, inbox, Arc::new(|| Timestamp(0))).unwrap();
    // These messages give the reader thread and the intake task time to process input, if they had started.
    for _ in 0..100 {
        send(&console, "shown\n", Completeness::Complete).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(shelf.texts(), [] as [&str; 0]);
    console.begin();
    assert_eq!(timeout(DEADLINE, events.recv()).await.expect("an end"), Some(ConsoleEvent::End));
    assert_eq!(shelf.texts(), ["early"]);
}

#[tokio::test]
async fn update_keys_are_unique_across_runs() {
    let (first, _) = run_over(b"a\na\n", 0).await;
    let (second, _) = run_over(b"a\na\n", 0).await;
    let key = |update: &Update| update.key.clone();
    let keys: BTreeSet<String> =
        first.kept.lock().unwrap().iter().chain(second.kept.lock().unwrap().iter()).map(key).collect();
    assert_eq!(keys.len(), 4);
}

#[tokio::test]
async fn an_oversized_line_is_reported_and_the_next_accepted() {
    let mut bytes = vec![b'x'; lines::LINE_AT_MOST + 1];
    bytes.extend(b"\nnext\n");
    let (shelf, printed) = run_over(&bytes, 0).await;
    assert_eq!(shelf.texts(), ["next"]);
    assert_eq!(printed, "Not sent: the line is longer than 1 MiB.\n");
}

#[tokio::test]
async fn a_thousand_lines_arrive_in_order() {
    let text: String = (0..5000).map(|line| format!("line {line}\n")).collect();
    let (shelf, _) = run_over(text.as_bytes(), 0).await;
    assert_eq!(shelf.texts().len(), 5000);
    assert!(shelf.texts().iter().enumerate().all(|(index, line)| *line == format!("line {index}")));
}

#[tokio::test]
async fn a_failing_store_is_retried_and_reported_once() {
    let (shelf, printed) = run_over(b"hello\n", 2).await;
    assert_eq!(shelf.texts(), ["hello"]);
    assert_eq!(printed, "Not stored yet; trying again: the disk is full\n");
}

#[tokio::test]
async fn input_arrives_before_its_end() {
    let mut stage = FakeChat::new();
    stage.stdin.write_all(b"hello\n").unwrap();
    timeout(DEADLINE, stage.shelf.came.notified()).await.expect("a line");
    assert_eq!(stage.shelf.texts(), ["hello"]);
    stage.stdin.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(stage.event().await, ConsoleEvent::End);
    send(&stage.console, "the answer", Completeness::Complete).await;
    assert_eq!(stage.line(), "the answer\n", "the console still shows output");
}

#[tokio::test]
async fn an_answer_streams_in_whole_lines_without_repetition() {
    let mut stage = FakeChat::new();
    let id = send(&stage.console, "line 1\nli", Completeness::Partial).await;
    assert_eq!(stage.line(), "line 1\n");
    let notice = send(&stage.console, "**A notice**", Completeness::Complete).await;
    assert_ne!(id, notice);
    let more = message("line 1\nline 2\n", Completeness::Partial);
    stage.console.edit(place(), &id, &more).await.unwrap();
    stage.console.working(place(), Some("reads a file")).await;
    let whole = message("line 1\nline 2\nline 3", Completeness::Complete);
    stage.console.edit(place(), &id, &whole).await.unwrap();
    stage.console.edit(place(), &id, &whole).await.unwrap();
    stage.console.delete(place(), &notice).await.unwrap();
    stage.console.working(place(), None).await;
    stage.console.greet(&["never on a pipe".to_owned()]);
    assert_eq!(stage.printed().await, "**A notice**\nline 2\nline 3\n");
}

#[tokio::test]
async fn an_edited_message_of_an_earlier_run_is_shown_whole() {
    let stage = FakeChat::new();
    let earlier = MessageId("earlier-3".to_owned());
    stage.console.edit(place(), &earlier, &message("the answer", Completeness::Complete)).await.unwrap();
    assert_eq!(stage.printed().await, "the answer\n");
}

#[tokio::test]
async fn a_closed_output_ends_the_console_and_loses_nothing() {
    let FakeChat { console, mut events, stdout, stdin: _open, shelf: _shelf } = FakeChat::new();
    drop(stdout);
    let lost = message("the answer", Completeness::Complete);
    let mut error = console.send(place(), &lost).await;
    assert!(matches!(error, Err(ChatError::Down { .. })), "{error:?}");
    assert_eq!(timeout(DEADLINE, events.recv()).await.expect("an event"), Some(ConsoleEvent::OutputGone));
    error = console.send(place(), &lost).await;
    assert!(matches!(error, Err(ChatError::Down { .. })), "{error:?}");
    console.close().await;
}

/// 1. An incomplete line is sent, so nothing is printed. 2. The reader closes the pipe. 3. The complete line can't be
/// printed, and a retry of the edit fails too.
#[tokio::test]
async fn a_partial_answer_is_not_lost_with_its_reader() {
    let FakeChat { console, events: _events, stdout, stdin: _open, shelf: _shelf } = FakeChat::new();
    let id = console.send(place(), &message("the ans", Completeness::Partial)).await.unwrap();
    drop(stdout);
    for _ in 0..2 {
        let told = console.edit(place(), &id, &message("the answer", Completeness::Complete)).await;
        assert!(matches!(told, Err(ChatError::Down { .. })), "{told:?}");
    }
}

#[tokio::test]
async fn a_slow_reader_delays_only_the_sender() {
    let mut stage = FakeChat::new();
    let long = "x".repeat(1 << 22);
    let console = Arc::new(stage.console);
    let sender = tokio::spawn({
        let (console, long) = (Arc::clone(&console), long.clone());
        async move { send(&console, &long, Completeness::Complete).await }
    });
    stage.stdin.write_all(b"still heard\n").unwrap();
    timeout(DEADLINE, stage.shelf.came.notified()).await.expect("a line");
    let mut stdout = stage.stdout;
    let read = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        stdout.read_line(&mut line).map(|_| line.len())
    });
    timeout(DEADLINE, sender).await.expect("it is written").unwrap();
    assert_eq!(read.await.unwrap().unwrap(), long.len() + 1);
}
