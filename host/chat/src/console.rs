//! The console front-end: one chat, either with the user of this terminal or with a program through pipes. Owns stdin
//! and stdout. Writes only chat output to stdout, and must not pass control sequences from an agent to the terminal.
//!
//! A terminal and a pipe handle the same requests. The terminal keeps a prompt below the output; pipe output is
//! append-only.

mod hangup;
mod history_file;
mod intake;
mod open;
mod pipe_reader;
mod pipe_writer;
mod printed_messages;
mod printed_reply;
mod terminal;
mod type_ahead;

#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use cordboard_core::types::{Place, TimeSource};
use tokio::{
    sync::{Mutex, Notify, mpsc, oneshot},
    task::JoinHandle,
};

use super::{Chat, ChatError, Edits, Inbox, Limits, LiveLine, Menus, MessageId, Outgoing, Pacing, Streaming};
use intake::Intake;
use printed_messages::{OutputStyle, PrintedMessages};

pub use open::{ConsoleError, Mode, open};
pub use printed_reply::preview;

pub const FRONT_END: &str = "console";

const LIMITS: Limits = Limits {
    text_units: usize::MAX,
    columns: usize::MAX,
    live_line: LiveLine::Status,
    edits: Edits::Append,
    ring_after: Duration::ZERO,
    document_over: None,
};

/// The id of both the console's only chat and its only user.
const LOCAL: &str = "local";

/// The capacity of the channel of output requests. A caller that prints a message waits until the text is written, so
/// the queue stays short even if the reader of stdout is slow.
const REQUEST_QUEUE: usize = 64;

/// The capacity of the event channel. The first event shuts the host down; later events only make it exit sooner.
const EVENT_QUEUE: usize = 4;

/// An event that the host must handle. The console keeps showing output until the host calls [`Console::close`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleEvent {
    /// The input has ended. The host finishes open work, then exits.
    InputEnded,
    /// Ctrl-C was pressed while no turn was running, or after the input had ended. The host shuts down cleanly at once.
    Quit,
    /// The reader of stdout has exited, or the terminal was closed. Messages that were not shown stay in the store.
    OutputClosed,
}

/// A request to the terminal or pipe.
enum OutputRequest {
    /// Prints complete lines.
    Print { text: String, done: oneshot::Sender<io::Result<()>> },
    /// Sets the status shown before the terminal's prompt. A pipe ignores this request.
    Status(Option<String>),
    /// Ends the output. `done` completes when everything is written and the terminal is restored.
    Close { done: oneshot::Sender<()> },
}

/// Sends console events. Events after the first only make the host exit sooner, so they can be dropped if the channel
/// is full.
#[derive(Clone)]
struct Events(mpsc::Sender<ConsoleEvent>);

impl Events {
    fn send(&self, event: ConsoleEvent) {
        let _ = self.0.try_send(event);
    }
}

pub struct Console {
    mode: Mode,
    requests: mpsc::Sender<OutputRequest>,
    /// `None` after stdout has closed.
    printed_messages: Mutex<Option<PrintedMessages>>,
    /// Makes message ids unique across runs.
    run: String,
    next_id: AtomicU64,
    /// True while a turn is running in the console. Ctrl-C then stops the turn instead of the host.
    busy: Arc<AtomicBool>,
    started: Arc<Notify>,
    events: Events,
    tasks: Vec<JoinHandle<()>>,
}

impl Console {
    fn new(mode: Mode, style: OutputStyle) -> (Self, mpsc::Receiver<ConsoleEvent>, mpsc::Receiver<OutputRequest>) {
        let (requests, output) = mpsc::channel(REQUEST_QUEUE);
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        let console = Self {
            mode,
            requests,
            printed_messages: Mutex::new(Some(PrintedMessages::new(style))),
            run: uuid::Uuid::new_v4().simple().to_string(),
            next_id: AtomicU64::new(0),
            busy: Arc::default(),
            started: Arc::default(),
            events: Events(events),
            tasks: Vec::new(),
        };
        (console, receiver, output)
    }

    fn spawn_intake(
        &mut self,
        lines: mpsc::Receiver<pipe_reader::InputLine>,
        inbox: Arc<dyn Inbox>,
        clock: TimeSource,
    ) {
        let intake = Intake::new(inbox, clock, &self.run, self.requests.clone());
        let (started, events) = (Arc::clone(&self.started), self.events.clone());
        self.tasks.push(tokio::spawn(async move {
            started.notified().await;
            intake.run(lines, events).await;
        }));
    }

    /// Starts processing input. Until then, input is buffered.
    pub fn start_input(&self) {
        self.started.notify_one();
    }

    /// Waits until the task or thread that writes the output ends.
    pub async fn output_closed(&self) {
        self.requests.closed().await;
    }

    /// Prints the host's own lines, such as the greeting, on a terminal. Prints nothing on a pipe, because its reader
    /// expects only answers.
    pub fn print_notice(&self, lines: &[String]) {
        if self.mode == Mode::Terminal {
            let text = lines.iter().map(|line| format!("{line}\n")).collect();
            // If the channel is full, drop the lines: they are only a convenience for the terminal user.
            drop(self.requests.try_send(OutputRequest::Print { text, done: oneshot::channel().0 }));
        }
    }

    /// Writes pending output and restores the terminal. Later messages are not shown.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.requests.send(OutputRequest::Close { done }).await.is_ok() {
            // Ignore an error: the task or thread that writes the output may have ended before it handled the request.
            drop(closed.await);
        }
    }

    async fn show(&self, id: &MessageId, message: &Outgoing) -> Result<(), ChatError> {
        // Hold the lock while printing, so that messages are printed in the order in which they were rendered.
        let mut printed_messages = self.printed_messages.lock().await;
        let Some(shown) = printed_messages.as_mut() else { return Err(stdout_closed("an earlier write failed")) };
        let text = shown.put(id, message);
        if text.is_empty() {
            return Ok(());
        }
        print(&self.requests, text).await.map_err(|error| {
            // `printed_messages` contains text that was not written, so drop it. From now on, every message counts as
            // not shown.
            *printed_messages = None;
            self.events.send(ConsoleEvent::OutputClosed);
            stdout_closed(error)
        })
    }
}

/// Prints text, and returns when it is written.
async fn print(requests: &mpsc::Sender<OutputRequest>, text: String) -> io::Result<()> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let (done, written) = oneshot::channel();
    requests.send(OutputRequest::Print { text, done }).await.map_err(|_| gone())?;
    written.await.unwrap_or_else(|_| Err(gone()))
}

fn stdout_closed(why: impl std::fmt::Display) -> ChatError {
    ChatError::Unavailable { why: format!("standard output is closed: {why}") }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl Chat for Console {
    fn limits(&self, _place: &Place) -> Limits {
        LIMITS
    }

    fn pacing(&self, _place: &Place) -> Pacing {
        Pacing { pause: Duration::ZERO, quota: None }
    }

    fn streaming(&self, _place: &Place) -> Streaming {
        Streaming::Messages
    }

    async fn send(&self, _place: &Place, message: &Outgoing) -> Result<MessageId, ChatError> {
        let id = MessageId(format!("{}-{}", self.run, self.next_id.fetch_add(1, Ordering::Relaxed)));
        self.show(&id, message).await?;
        Ok(id)
    }

    async fn edit(&self, _place: &Place, id: &MessageId, message: &Outgoing) -> Result<(), ChatError> {
        self.show(id, message).await
    }

    async fn delete(&self, _place: &Place, _id: &MessageId) -> Result<(), ChatError> {
        // Printed text can't be removed.
        Ok(())
    }

    async fn show_activity(&self, _place: &Place, line: Option<&str>) {
        self.busy.store(line.is_some(), Ordering::Relaxed);
        if self.mode == Mode::Terminal {
            // If the channel is full, a status may be dropped, because the next one replaces it. The request that
            // clears the status must not be dropped.
            let request = OutputRequest::Status(line.map(str::to_owned));
            match line {
                Some(_) => drop(self.requests.try_send(request)),
                None => drop(self.requests.send(request).await),
            }
        }
    }

    /// Returns false on a terminal, so that the host posts a line for the user. Programs on a pipe don't need one.
    async fn acknowledge(&self, _place: &Place, _message: Option<&MessageId>) -> bool {
        self.mode == Mode::Pipe
    }

    async fn set_menus(&self, _menus: &Menus) -> Result<(), ChatError> {
        // The console has no menu. `/help` lists the commands.
        Ok(())
    }
}

/// Returns the place to which all console messages belong.
#[must_use]
pub fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| Place::new(FRONT_END, LOCAL))
}
