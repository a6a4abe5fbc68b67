//! The console: one chat with the person at this terminal, or with the program at the other end of the pipes. Owns standard
//! input and output. Must never write anything but the chat to standard output, never show a line twice, and never let what an
//! agent writes drive a terminal.
//!
//! Both kinds take the same orders, so that the chat itself does not know which one it speaks to: a terminal keeps a prompt
//! below what is printed, a pipe is append-only.

mod history;
mod input;
mod lines;
mod page;
mod paper;
mod terminal;

#[cfg(test)]
mod tests;

use std::{
    io::{self, IsTerminal, Read, Write},
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use cordboard_core::{render::terminal::Colours, types::Place};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
};

use super::{Chat, ChatError, Inbox, Limits, LiveLine, MenuEntry, MessageId, Outgoing};
use crate::clock::Clock;
use input::Intake;
use page::{Look, Page};
use terminal::{Screen, Terminal};

pub const FRONT_END: &str = "console";

/// The console's only chat, and its only user.
const LOCAL: &str = "local";

/// Below the state directory: what was typed on terminals.
const HISTORY: &str = "console_history";

/// Orders that wait for a reader of standard output who is slow. Each caller waits for its own order, so that more than a few
/// are never there.
const ORDERS: usize = 64;

/// Lines that were read and are not stored yet: what a paste holds. A pipe then waits; a terminal says so.
const LINES: usize = 1024;

/// One event ends the console; a second, as Ctrl-C again, hurries the end.
const EVENTS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Terminal,
    Pipe,
}

impl Mode {
    /// A terminal is one for both directions, and one that knows how to move its cursor.
    #[must_use]
    pub fn detect() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if io::stdin().is_terminal() && io::stdout().is_terminal() && !dumb { Self::Terminal } else { Self::Pipe }
    }
}

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

#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    #[error("open the terminal: {0}; use pipes, as in `echo hello | cordboard run --chat console`")]
    Terminal(#[from] rustyline_async::ReadlineError),
    #[error("start the thread of the console's {what}: {source}")]
    Thread { what: &'static str, source: io::Error },
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
    page: Mutex<Page>,
    /// Message ids of an earlier run must name nothing here.
    run: String,
    next: AtomicU64,
    busy: Arc<Busy>,
    events: Events,
    tasks: Vec<JoinHandle<()>>,
}

/// Whether somebody works for the console's place: what Ctrl-C asks.
#[derive(Debug, Default)]
struct Busy(std::sync::atomic::AtomicBool);

impl Busy {
    fn set(&self, state: bool) {
        self.0.store(state, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Opens the console on this process's standard input and output and begins to read, inside a tokio runtime. `state` is the
/// folder of the history.
///
/// # Errors
/// When the terminal cannot be used.
pub fn open(
    mode: Mode,
    inbox: Arc<dyn Inbox>,
    clock: Clock,
    state: &Path,
) -> Result<(Console, mpsc::Receiver<ConsoleEvent>), ConsoleError> {
    match mode {
        Mode::Pipe => {
            let look = if io::stdout().is_terminal() { Look::Neutral } else { Look::Source };
            open_pipe(Ends { reader: io::stdin(), writer: io::stdout() }, look, inbox, clock)
        }
        Mode::Terminal => open_terminal(&state.join(HISTORY), inbox, clock),
    }
}

/// The two ends of a pipe.
struct Ends<R, W> {
    reader: R,
    writer: W,
}

fn open_pipe<R, W>(
    ends: Ends<R, W>,
    look: Look,
    inbox: Arc<dyn Inbox>,
    clock: Clock,
) -> Result<(Console, mpsc::Receiver<ConsoleEvent>), ConsoleError>
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    let Ends { reader, writer } = ends;
    let (mut console, receiver, order) = Console::new(Mode::Pipe, look);
    let (typed, lines) = mpsc::channel(LINES);
    // Threads of their own: a read that never returns must hold up neither the runtime nor its end.
    let start = |what: &'static str, run: Box<dyn FnOnce() + Send>| {
        let thread = thread::Builder::new().name(format!("console-{what}")).spawn(run);
        thread.map(drop).map_err(|source| ConsoleError::Thread { what, source })
    };
    start("output", Box::new(move || paper::write(writer, order)))?;
    start("input", Box::new(move || lines::read(reader, &typed)))?;
    console.pump(lines, inbox, clock);
    Ok((console, receiver))
}

fn open_terminal(
    history: &Path,
    inbox: Arc<dyn Inbox>,
    clock: Clock,
) -> Result<(Console, mpsc::Receiver<ConsoleEvent>), ConsoleError> {
    let colours = colours();
    let (mut console, receiver, orders) = Console::new(Mode::Terminal, Look::Styled(colours));
    let (typed, lines) = mpsc::channel(LINES);
    let screen = Screen { colours, busy: Arc::clone(&console.busy), events: console.events.clone(), typed };
    let terminal = Terminal::open(screen, history)?;
    console.tasks.push(tokio::spawn(terminal.run(orders)));
    console.pump(lines, inbox, clock);
    Ok((console, receiver))
}

fn colours() -> Colours {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if refused { Colours::Off } else { Colours::On }
}

impl Console {
    fn new(mode: Mode, look: Look) -> (Self, mpsc::Receiver<ConsoleEvent>, mpsc::Receiver<Order>) {
        let (orders, ordered) = mpsc::channel(ORDERS);
        let (events, receiver) = mpsc::channel(EVENTS);
        let console = Self {
            mode,
            orders,
            page: Mutex::new(Page::new(look)),
            run: uuid::Uuid::new_v4().simple().to_string(),
            next: AtomicU64::new(0),
            busy: Arc::default(),
            events: Events(events),
            tasks: Vec::new(),
        };
        (console, receiver, ordered)
    }

    fn pump(&mut self, lines: mpsc::Receiver<lines::Line>, inbox: Arc<dyn Inbox>, clock: Clock) {
        let intake = Intake::new(inbox, clock, &self.run, self.orders.clone());
        self.tasks.push(tokio::spawn(intake.run(lines, self.events.clone())));
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
        let text = page.put(id, message);
        if text.is_empty() {
            return Ok(());
        }
        print(&self.orders, text).await.map_err(|error| {
            self.events.tell(ConsoleEvent::OutputGone);
            ChatError::Down { why: format!("standard output is closed: {error}") }
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
        Limits { text_units: usize::MAX, live: LiveLine::Status }
    }

    fn edit_pause(&self, _place: &Place) -> Duration {
        Duration::ZERO
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
