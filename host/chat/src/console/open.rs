//! Opens the console on stdin and stdout, and starts the threads or the task that serve them. Neither blocks the
//! async runtime.

use std::{
    io::{self, IsTerminal, Read, Write},
    path::Path,
    sync::Arc,
    thread,
};

use cordboard_core::{render::terminal::Colours, types::TimeSource};
use tokio::sync::mpsc;

use super::{
    super::Inbox,
    Console, ConsoleEvent, hangup, lines, pipe_writer,
    terminal::{Screen, Terminal},
    transcript::Look,
};

/// The maximum number of lines that are read but not stored, enough for a paste. Beyond it, a pipe waits and a
/// terminal reports the loss.
const LINES: usize = 1024;

/// The file in the state directory with the input history.
const HISTORY: &str = "console_history";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Terminal,
    Pipe,
}

impl Mode {
    /// Detects a terminal: stdin and stdout are both terminals, and the cursor can be moved.
    #[must_use]
    pub fn detect() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if io::stdin().is_terminal() && io::stdout().is_terminal() && !dumb { Self::Terminal } else { Self::Pipe }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    #[error("open the terminal: {0}; use pipes, as in `echo hello | cordboard run --chat console`")]
    Terminal(io::Error),
    #[error("start the thread of the console's {what}: {source}")]
    Thread { what: &'static str, source: io::Error },
}

/// Opens the console on this process's stdin and stdout, inside a tokio runtime. It reads no input before
/// [`Console::begin`]. `state` is the folder of the history.
///
/// # Errors
/// The terminal can't be used.
pub fn open(
    mode: Mode,
    inbox: Arc<dyn Inbox>,
    clock: TimeSource,
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
pub(super) struct Ends<R, W> {
    pub(super) reader: R,
    pub(super) writer: W,
}

pub(super) fn open_pipe<R, W>(
    ends: Ends<R, W>,
    look: Look,
    inbox: Arc<dyn Inbox>,
    clock: TimeSource,
) -> Result<(Console, mpsc::Receiver<ConsoleEvent>), ConsoleError>
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    let Ends { reader, writer } = ends;
    let (mut console, receiver, order) = Console::new(Mode::Pipe, look);
    let (typed, lines) = mpsc::channel(LINES);
    // Use dedicated threads, because a blocking read must not delay the runtime or its shutdown.
    let start = |what: &'static str, run: Box<dyn FnOnce() + Send>| {
        let thread = thread::Builder::new().name(format!("console-{what}")).spawn(run);
        thread.map(drop).map_err(|source| ConsoleError::Thread { what, source })
    };
    start("output", Box::new(move || pipe_writer::write(writer, order)))?;
    start("input", Box::new(move || lines::read(reader, &typed)))?;
    console.pump(lines, inbox, clock);
    Ok((console, receiver))
}

fn open_terminal(
    history: &Path,
    inbox: Arc<dyn Inbox>,
    clock: TimeSource,
) -> Result<(Console, mpsc::Receiver<ConsoleEvent>), ConsoleError> {
    let colours = colours();
    let (mut console, receiver, orders) = Console::new(Mode::Terminal, Look::Styled(colours));
    hangup::watch(console.events.clone()).map_err(|source| ConsoleError::Thread { what: "end", source })?;
    let (typed, lines) = mpsc::channel(LINES);
    let screen = Screen { colours, busy: Arc::clone(&console.busy), events: console.events.clone(), typed };
    let terminal = Terminal::open(screen, history).map_err(ConsoleError::Terminal)?;
    console.tasks.push(tokio::spawn(terminal.run(orders)));
    console.pump(lines, inbox, clock);
    Ok((console, receiver))
}

fn colours() -> Colours {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if refused { Colours::Off } else { Colours::On }
}
