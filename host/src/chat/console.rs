//! The console: one chat with the person at this terminal, or with the program at the other end of the pipes. Owns standard
//! input and output. Must never write anything but the chat to standard output, never show a line twice, and never let what an
//! agent writes drive a terminal.
//!
//! Both kinds take the same orders, so that the chat itself does not know which one it speaks to: a terminal keeps a prompt
//! below what is printed, a pipe is append-only.

mod hangup;
mod history;
mod input;
mod lines;
mod open;
mod pipe_writer;
mod terminal;
mod transcript;
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
use cordboard_core::types::Place;
use tokio::{
    sync::{Mutex, Notify, mpsc, oneshot},
    task::JoinHandle,
};

use super::{Chat, ChatError, Edits, Inbox, Limits, LiveLine, MenuEntry, MessageId, Outgoing, Pacing};
use crate::clock::Clock;
use input::Intake;
pub(super) use transcript::{Look, Page};

pub use open::{ConsoleError, Mode, open};

pub const FRONT_END: &str = "console";

/// The console's only chat, and its only user.
const LOCAL: &str = "local";

/// Orders that wait for a reader of standard output who is slow. Each caller waits for its own order, so that more than a few
/// are never there.
const ORDERS: usize = 64;

/// One event ends the console; a second, as Ctrl-C again, hurries the end.
const EVENTS: usize = 4;

/// What only the host can do. Until it has ended the console, the console goes on to show what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleEvent {
    /// Nothing more will be typed: finish what is open, then end.
    End,
    /// Ctrl-C at rest: end now, and cleanly.
    Quit,
    /// Nobody reads standard output any more. What was not shown stays stored.
    OutputGone,
}

/// What is asked of a terminal or a pipe.
enum Order {
    /// Whole lines.
    Print { text: String, done: oneshot::Sender<io::Result<()>> },
    /// What stands before the prompt, where there is one.
    Status(Option<String>),
    /// Everything is shown, and the terminal is as it was found.
    Close { done: oneshot::Sender<()> },
}

/// Tells whoever waits for the console's end. The first event counts, so that a full box loses nothing.
#[derive(Clone)]
struct Events(mpsc::Sender<ConsoleEvent>);

impl Events {
    fn tell(&self, event: ConsoleEvent) {
        let _ = self.0.try_send(event);
    }
}

pub struct Console {
    mode: Mode,
    orders: mpsc::Sender<Order>,
    /// None once standard output is gone.
    page: Mutex<Option<Page>>,
    /// Message ids of an earlier run must name nothing here.
    run: String,
    next: AtomicU64,
    busy: Arc<CommandRunning>,
    begun: Arc<Notify>,
    events: Events,
    tasks: Vec<JoinHandle<()>>,
}

/// Whether somebody works for the console's place: what Ctrl-C asks.
#[derive(Debug, Default)]
struct CommandRunning(AtomicBool);

impl CommandRunning {
    fn set(&self, state: bool) {
        self.0.store(state, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Console {
    fn new(mode: Mode, look: Look) -> (Self, mpsc::Receiver<ConsoleEvent>, mpsc::Receiver<Order>) {
        let (orders, ordered) = mpsc::channel(ORDERS);
        let (events, receiver) = mpsc::channel(EVENTS);
        let console = Self {
            mode,
            orders,
            page: Mutex::new(Some(Page::new(look))),
            run: uuid::Uuid::new_v4().simple().to_string(),
            next: AtomicU64::new(0),
            busy: Arc::default(),
            begun: Arc::default(),
            events: Events(events),
            tasks: Vec::new(),
        };
        (console, receiver, ordered)
    }

    fn pump(&mut self, lines: mpsc::Receiver<lines::Line>, inbox: Arc<dyn Inbox>, clock: Clock) {
        let intake = Intake::new(inbox, clock, &self.run, self.orders.clone());
        let (begun, events) = (Arc::clone(&self.begun), self.events.clone());
        self.tasks.push(tokio::spawn(async move {
            begun.notified().await;
            intake.run(lines, events).await;
        }));
    }

    /// From here on what is typed is taken in; until then it waits.
    pub fn begin(&self) {
        self.begun.notify_one();
    }

    /// Returns when nothing can be shown any more.
    pub async fn output_gone(&self) {
        self.orders.closed().await;
    }

    /// Says on a terminal what to type and where things lie; on a pipe nothing, because nobody asked.
    pub fn greet(&self, lines: &[String]) {
        if self.mode == Mode::Terminal {
            let text = lines.iter().map(|line| format!("{line}\n")).collect();
            // Only a full box refuses it, and at the start it is empty.
            drop(self.orders.try_send(Order::Print { text, done: oneshot::channel().0 }));
        }
    }

    /// Shows what was ordered and gives the terminal back. What is sent after that is not shown.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.orders.send(Order::Close { done }).await.is_ok() {
            // A reader of standard output who has gone cannot answer.
            drop(closed.await);
        }
    }

    async fn show(&self, id: &MessageId, message: &Outgoing) -> Result<(), ChatError> {
        // Held over the printing: what is worked out first is printed first.
        let mut page = self.page.lock().await;
        let Some(shown) = page.as_mut() else { return Err(gone("nobody reads it")) };
        let text = shown.put(id, message);
        if text.is_empty() {
            return Ok(());
        }
        print(&self.orders, text).await.map_err(|error| {
            // The page holds what nobody saw: from here on nothing counts as shown.
            *page = None;
            self.events.tell(ConsoleEvent::OutputGone);
            gone(error)
        })
    }
}

/// Returns when the text was written.
async fn print(orders: &mpsc::Sender<Order>, text: String) -> io::Result<()> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let (done, written) = oneshot::channel();
    orders.send(Order::Print { text, done }).await.map_err(|_| gone())?;
    written.await.unwrap_or_else(|_| Err(gone()))
}

fn gone(why: impl std::fmt::Display) -> ChatError {
    ChatError::Down { why: format!("standard output is closed: {why}") }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl Chat for Console {
    fn front_end(&self) -> &'static str {
        FRONT_END
    }

    fn limits(&self) -> Limits {
        Limits { text_units: usize::MAX, live: LiveLine::Status, edits: Edits::Append }
    }

    fn pacing(&self, _place: &Place) -> Pacing {
        Pacing { pause: Duration::ZERO, quota: None }
    }

    async fn send(&self, _place: &Place, message: &Outgoing) -> Result<MessageId, ChatError> {
        let id = MessageId(format!("{}-{}", self.run, self.next.fetch_add(1, Ordering::Relaxed)));
        self.show(&id, message).await?;
        Ok(id)
    }

    async fn edit(&self, _place: &Place, id: &MessageId, message: &Outgoing) -> Result<(), ChatError> {
        self.show(id, message).await
    }

    async fn delete(&self, _place: &Place, _id: &MessageId) -> Result<(), ChatError> {
        // What was printed cannot be taken back.
        Ok(())
    }

    async fn working(&self, _place: &Place, line: Option<&str>) {
        self.busy.set(line.is_some());
        if self.mode == Mode::Terminal {
            // A status that finds no room is replaced by the next one; the end of the work waits for its turn.
            let order = Order::Status(line.map(str::to_owned));
            match line {
                Some(_) => drop(self.orders.try_send(order)),
                None => drop(self.orders.send(order).await),
            }
        }
    }

    async fn menu(&self, _commands: &[MenuEntry]) -> Result<(), ChatError> {
        // `/help` is the console's menu.
        Ok(())
    }
}

/// The chat that every message of the console belongs to.
#[must_use]
pub fn place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| Place::new(FRONT_END, LOCAL))
}
