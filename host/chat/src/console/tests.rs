//! Tests the console in pipe mode, over sockets and with an in-memory inbox. No test depends on timing: the deadline
//! only detects hangs.

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
    open::{PipeEnds, open_pipe},
    *,
};
use crate::{ButtonAction, Completeness, StorageError, Update, UpdateKind};

const DEADLINE: Duration = Duration::from_secs(60);

/// Stores accepted updates. Rejects the first `refusals` batches.
#[derive(Default)]
struct FakeInbox {
    accepted: StdMutex<Vec<Update>>,
    refusals: StdMutex<u32>,
    knows: AtomicBool,
    came: Notify,
}

#[async_trait]
impl Inbox for FakeInbox {
    async fn accept(&self, updates: Vec<Update>, _offset: Option<i64>) -> Result<(), StorageError> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(StorageError::Failed("the disk is full".to_owned()));
        }
        self.accepted.lock().unwrap().extend(updates);
        self.came.notify_one();
        Ok(())
    }

    async fn sync(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn record_failure(&self, _place: &Place) -> bool {
        !self.knows.swap(true, Ordering::Relaxed)
    }

    async fn offset(&self) -> Result<Option<i64>, StorageError> {
        Ok(None)
    }

    async fn store_button(&self, _action: &ButtonAction) -> Result<String, StorageError> {
        Err(StorageError::Failed("a console needs no tokens".to_owned()))
    }

    async fn find_button(&self, _token: &str) -> Result<Option<ButtonAction>, StorageError> {
        Ok(None)
    }

    async fn move_chat(&self, _home: &str, _chat: &str) -> Result<(), StorageError> {
        Ok(())
    }

    async fn moved_chats(&self) -> Result<Vec<(String, String)>, StorageError> {
        Ok(Vec::new())
    }
}

impl FakeInbox {
    fn texts(&self) -> Vec<String> {
        let text = |update: &Update| match &update.what {
            UpdateKind::Text(text) => text.clone(),
            UpdateKind::Press { .. } | UpdateKind::NotText { .. } | UpdateKind::Edited(_) => panic!("{update:?}"),
        };
        self.accepted.lock().unwrap().iter().map(text).collect()
    }
}

/// A console that reads from one socket and writes to another. The test holds the other ends.
struct TestConsole {
    console: Console,
    events: mpsc::Receiver<ConsoleEvent>,
    inbox: Arc<FakeInbox>,
    stdin: UnixStream,
    stdout: BufReader<UnixStream>,
}

impl TestConsole {
    fn new() -> Self {
        let (reader, stdin) = UnixStream::pair().unwrap();
        let (writer, stdout) = UnixStream::pair().unwrap();
        let inbox = Arc::new(FakeInbox::default());
        let port: Arc<dyn Inbox> = inbox.clone();
        let ends = PipeEnds { reader, writer };
        let (console, events) = open_pipe(ends, OutputStyle::Source, port, Arc::new(|| Timestamp(0))).unwrap();
        console.start_input();
        stdout.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { console, events, inbox, stdin, stdout: BufReader::new(stdout) }
    }

    async fn event(&mut self) -> ConsoleEvent {
        timeout(DEADLINE, self.events.recv()).await.expect("an event").expect("a console")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Closes the console and returns its whole output.
    async fn printed(mut self) -> String {
        self.console.close().await;
        drop(self.console);
        let mut text = String::new();
        self.stdout.read_to_string(&mut text).unwrap();
        text
    }
}

pub(super) fn message(source: &str, completeness: Completeness) -> Outgoing {
    let message = render::render(source);
    Outgoing {
        source: source.to_owned(),
        message,
        buttons: Vec::new(),
        completeness,
        author: Authorship::Agents,
        session: None,
        alert: Alert::Ring,
        reply_to: None,
        file: None,
        rich: None,
    }
}

async fn send(console: &Console, source: &str, completeness: Completeness) -> MessageId {
    console.send(place(), &message(source, completeness)).await.unwrap()
}

/// Runs a console with `bytes` as its whole input.
async fn run_over(bytes: &[u8], refusals: u32) -> (Arc<FakeInbox>, String) {
    let inbox = Arc::new(FakeInbox { refusals: StdMutex::new(refusals), ..FakeInbox::default() });
    let (writer, mut stdout) = UnixStream::pair().unwrap();
    let port: Arc<dyn Inbox> = inbox.clone();
    let ends = PipeEnds { reader: Cursor::new(bytes.to_vec()), writer };
    let (console, mut events) = open_pipe(ends, OutputStyle::Source, port, Arc::new(|| Timestamp(0))).unwrap();
    console.start_input();
    assert_eq!(timeout(DEADLINE, events.recv()).await.expect("an end"), Some(ConsoleEvent::InputEnded));
    console.close().await;
    drop(console);
    let mut text = String::new();
    stdout.read_to_string(&mut text).unwrap();
    (inbox, text)
}

#[tokio::test]
async fn each_line_is_an_update_of_the_local_owner() {
    let (inbox, printed) = run_over(b"/new demo\r\n\n  \nhello \xff\nlast", 0).await;
    assert_eq!(inbox.texts(), ["/new demo", "hello \u{fffd}", "last"]);
    assert_eq!(printed, "", "no output of its own");
    let accepted = inbox.accepted.lock().unwrap();
    for update in accepted.iter() {
        assert_eq!((update.caller.id.0.as_str(), update.caller.role), ("console:local", Role::Owner));
        assert_eq!(update.place.to_string(), "console:local");
    }
}

#[tokio::test]
async fn no_input_is_accepted_before_the_console_starts() {
    let inbox = Arc::new(FakeInbox::default());
    let port: Arc<dyn Inbox> = inbox.clone();
    let (writer, _stdout) = UnixStream::pair().unwrap();
    let ends = PipeEnds { reader: Cursor::new(b"early\n".to_vec()), writer };
    let (console, mut events) = open_pipe(ends, OutputStyle::Source, port, Arc::new(|| Timestamp(0))).unwrap();
    // These messages give the intake task time to process the input, in case it doesn't wait for the start.
    for _ in 0..100 {
        send(&console, "shown\n", Completeness::Complete).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(inbox.texts(), [] as [&str; 0]);
    console.start_input();
    assert_eq!(timeout(DEADLINE, events.recv()).await.expect("an end"), Some(ConsoleEvent::InputEnded));
    assert_eq!(inbox.texts(), ["early"]);
}

#[tokio::test]
async fn update_keys_are_unique_across_runs() {
    let (first, _) = run_over(b"a\na\n", 0).await;
    let (second, _) = run_over(b"a\na\n", 0).await;
    let key = |update: &Update| update.key.clone();
    let keys: BTreeSet<String> =
        first.accepted.lock().unwrap().iter().chain(second.accepted.lock().unwrap().iter()).map(key).collect();
    assert_eq!(keys.len(), 4);
}

#[tokio::test]
async fn an_oversized_line_is_reported_and_the_next_accepted() {
    let mut bytes = vec![b'x'; pipe_reader::MAX_LINE_LENGTH + 1];
    bytes.extend(b"\nnext\n");
    let (inbox, printed) = run_over(&bytes, 0).await;
    assert_eq!(inbox.texts(), ["next"]);
    assert_eq!(printed, "Not sent: the line is longer than 1 MiB.\n");
}

#[tokio::test]
async fn many_lines_arrive_in_order() {
    let text: String = (0..5000).map(|line| format!("line {line}\n")).collect();
    let (inbox, _) = run_over(text.as_bytes(), 0).await;
    assert_eq!(inbox.texts().len(), 5000);
    assert!(inbox.texts().iter().enumerate().all(|(index, line)| *line == format!("line {index}")));
}

#[tokio::test]
async fn a_failing_store_is_retried_and_reported_once() {
    let (inbox, printed) = run_over(b"hello\n", 2).await;
    assert_eq!(inbox.texts(), ["hello"]);
    assert_eq!(printed, "Not stored yet; trying again: the disk is full\n");
}

#[tokio::test]
async fn input_arrives_before_its_end() {
    let mut test = TestConsole::new();
    test.stdin.write_all(b"hello\n").unwrap();
    timeout(DEADLINE, test.inbox.came.notified()).await.expect("a line");
    assert_eq!(test.inbox.texts(), ["hello"]);
    test.stdin.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(test.event().await, ConsoleEvent::InputEnded);
    send(&test.console, "the answer", Completeness::Complete).await;
    assert_eq!(test.line(), "the answer\n", "the console still shows output");
}

#[tokio::test]
async fn an_answer_streams_in_whole_lines_without_repetition() {
    let mut test = TestConsole::new();
    let id = send(&test.console, "line 1\nli", Completeness::Partial).await;
    assert_eq!(test.line(), "line 1\n");
    let notice = send(&test.console, "**A notice**", Completeness::Complete).await;
    assert_ne!(id, notice);
    let more = message("line 1\nline 2\n", Completeness::Partial);
    test.console.edit(place(), &id, &more).await.unwrap();
    test.console.show_activity(place(), Some("reads a file")).await;
    let whole = message("line 1\nline 2\nline 3", Completeness::Complete);
    test.console.edit(place(), &id, &whole).await.unwrap();
    test.console.edit(place(), &id, &whole).await.unwrap();
    test.console.delete(place(), &notice).await.unwrap();
    test.console.show_activity(place(), None).await;
    test.console.print_notice(&["never on a pipe".to_owned()]);
    assert_eq!(test.printed().await, "**A notice**\nline 2\nline 3\n");
}

#[tokio::test]
async fn an_edited_message_of_an_earlier_run_is_shown_whole() {
    let test = TestConsole::new();
    let earlier = MessageId("earlier-3".to_owned());
    test.console.edit(place(), &earlier, &message("the answer", Completeness::Complete)).await.unwrap();
    assert_eq!(test.printed().await, "the answer\n");
}

#[tokio::test]
async fn a_closed_output_ends_the_console_and_loses_nothing() {
    let TestConsole { console, mut events, stdout, stdin: _open, inbox: _inbox } = TestConsole::new();
    drop(stdout);
    let lost = message("the answer", Completeness::Complete);
    let mut error = console.send(place(), &lost).await;
    assert!(matches!(error, Err(ChatError::Unavailable { .. })), "{error:?}");
    assert_eq!(timeout(DEADLINE, events.recv()).await.expect("an event"), Some(ConsoleEvent::OutputClosed));
    error = console.send(place(), &lost).await;
    assert!(matches!(error, Err(ChatError::Unavailable { .. })), "{error:?}");
    console.close().await;
}

/// 1. An incomplete line is sent, so nothing is printed. 2. The reader closes the pipe. 3. The completed line can't be
/// printed, and retrying the edit also fails.
#[tokio::test]
async fn a_partial_answer_is_not_lost_with_its_reader() {
    let TestConsole { console, events: _events, stdout, stdin: _open, inbox: _inbox } = TestConsole::new();
    let id = console.send(place(), &message("the ans", Completeness::Partial)).await.unwrap();
    drop(stdout);
    for _ in 0..2 {
        let outcome = console.edit(place(), &id, &message("the answer", Completeness::Complete)).await;
        assert!(matches!(outcome, Err(ChatError::Unavailable { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_slow_reader_delays_only_the_sender() {
    let mut test = TestConsole::new();
    let long = "x".repeat(1 << 22);
    let console = Arc::new(test.console);
    let sender = tokio::spawn({
        let (console, long) = (Arc::clone(&console), long.clone());
        async move { send(&console, &long, Completeness::Complete).await }
    });
    test.stdin.write_all(b"hello\n").unwrap();
    timeout(DEADLINE, test.inbox.came.notified()).await.expect("a line");
    let mut stdout = test.stdout;
    let read = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        stdout.read_line(&mut line).map(|_| line.len())
    });
    timeout(DEADLINE, sender).await.expect("it is written").unwrap();
    assert_eq!(read.await.unwrap().unwrap(), long.len() + 1);
}
