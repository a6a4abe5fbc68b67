//! Tests the console on a pseudoterminal. The test runs this program again inside the terminal, as a host that echoes
//! lines.

#[path = "support/pty.rs"]
#[expect(dead_code, reason = "shared with the tests of the host process, which use more of it")]
mod pty;

use std::{os::unix::fs::PermissionsExt, path::Path, process::Command, sync::Arc};

use async_trait::async_trait;
use cordboard::clock::Clock;
use cordboard_core::{
    render,
    types::{Alert, Authorship},
};

use cordboard_chat::{
    ButtonAction, Chat, Completeness, Inbox, Outgoing, StorageError, Update, UpdateKind,
    console::{self, ConsoleEvent, Mode},
};
use pty::Pty;

/// The environment variable that contains the state directory's path. It is set only in the inner process.
const INSIDE: &str = "CORDBOARD_TEST_CONSOLE";

/// An inbox that forwards typed lines.
struct Typed(tokio::sync::mpsc::UnboundedSender<String>);

#[async_trait]
impl Inbox for Typed {
    async fn accept(&self, updates: Vec<Update>, _offset: Option<i64>) -> Result<(), StorageError> {
        for update in updates {
            if let UpdateKind::Text(text) = update.what {
                self.0.send(text).map_err(|error| StorageError::Failed(error.to_string()))?;
            }
        }
        Ok(())
    }

    async fn sync(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn record_failure(&self, _place: &cordboard_core::types::Place) -> bool {
        true
    }

    async fn offset(&self) -> Result<Option<i64>, StorageError> {
        Ok(None)
    }

    async fn store_button(&self, _line: &ButtonAction) -> Result<String, StorageError> {
        Err(StorageError::Failed("no tokens".to_owned()))
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

/// Runs the inner process's host. This isn't a real test: it returns immediately if [`INSIDE`] isn't set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside() {
    let Some(state) = std::env::var_os(INSIDE) else { return };
    let (typed, mut texts) = tokio::sync::mpsc::unbounded_channel();
    let mode = Mode::detect();
    let (console, mut events) =
        console::open(mode, Arc::new(Typed(typed)), Clock::system().source(), Path::new(&state)).unwrap();
    console.start_input();
    console.print_notice(&[format!("greeting on a {mode:?}")]);
    loop {
        tokio::select! {
            Some(text) = texts.recv() => {
                console.show_activity(console::place(), (text == "work").then_some("_reads_ a file")).await;
                let source = format!("**you said** {text} \x1b[2J");
                let message = render::render(&source);
                let (buttons, completeness) = (Vec::new(), Completeness::Complete);
                let echo = Outgoing { source, message, buttons, completeness, author: Authorship::Agents, session: None, alert: Alert::Ring, reply_to: None, file: None, rich: None };
                console.send(console::place(), &echo).await.unwrap();
            }
            Some(event) = events.recv() => {
                console.close().await;
                assert_ne!(event, ConsoleEvent::OutputClosed);
                println!("ended by {event:?}");
                return;
            }
        }
    }
}

/// Opens a terminal that runs the console.
fn open(state: &Path, no_color: &str) -> Pty {
    let mut this = Command::new(std::env::current_exe().expect("this test's own path"));
    this.args(["--exact", "inside", "--nocapture"]).env(INSIDE, state).env("NO_COLOR", no_color);
    Pty::open(&mut this)
}

#[test]
fn a_terminal_supports_editing_history_and_interrupts() {
    let state = tempfile::tempdir().unwrap();
    let mut screen = open(state.path(), "");
    screen.wait("greeting on a Terminal");
    screen.press("helo\x7flo\r");
    screen.wait("› hello\r\n");
    screen.wait("\x1b[1myou said\x1b[0m hello [2J");
    screen.press("\x1b[A\r");
    screen.wait("› hello\r\n");
    screen.wait("you said\x1b[0m hello");
    screen.press("work\r");
    screen.wait("you said\x1b[0m work");
    screen.wait("reads a file\x1b[0m › ");
    screen.press("\x03");
    screen.wait("you said\x1b[0m /stop");
    screen.press("\x03");
    screen.wait("ended by Quit\r\n");
    screen.ended();
    let history = state.path().join("console_history");
    assert_eq!(std::fs::read_to_string(&history).unwrap(), "hello\nwork\n");
    assert_eq!(std::fs::metadata(&history).unwrap().permissions().mode() & 0o777, 0o600);

    let mut screen = open(state.path(), "1");
    screen.wait("greeting on a Terminal");
    screen.press("\x1b[A\x1b[A\r");
    screen.wait("**you said** hello [2J");
    screen.press("\x04");
    screen.wait("ended by InputEnded\r\n");
    screen.ended();
}
