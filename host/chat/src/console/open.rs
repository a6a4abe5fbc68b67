//! Opens the console on stdin and stdout, and starts the threads or the task that read and write them.

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
    Console, ConsoleEvent, hangup, pipe_reader, pipe_writer,
    printed_messages::OutputStyle,
    terminal::{Terminal, TerminalContext},
};

/// The maximum number of lines that are read but not yet stored: enough for a paste. When the queue is full, the pipe
/// reader waits, and the terminal rejects lines with a message.
const LINE_QUEUE: usize = 1024;

/// The name of the input history file in the state directory.
const HISTORY: &str = "console_history";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Terminal,
    Pipe,
}

impl Mode {
    /// Returns `Terminal` if stdin and stdout are terminals and `TERM` is not `dumb`, otherwise `Pipe`.
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

/// Opens the console on this process's stdin and stdout. The console doesn't store input until [`Console::start_input`]
/// is called. `state` is the state directory, which contains the input history. Must be called within a tokio runtime.
///
/// # Errors
/// The terminal can't be used, or a thread can't be started.
pub fn open(
    mode: Mode,
    inbox: Arc<dyn Inbox>,
    clock: TimeSource,
    state: &Path,
) -> Result<(Console, mpsc::Receiver<ConsoleEvent>), ConsoleError> {
    match mode {
        Mode::Pipe => {
            let style = if io::stdout().is_terminal() { OutputStyle::Neutral } else { OutputStyle::Source };
            open_pipe(PipeEnds { reader: io::stdin(), writer: io::stdout() }, style, inbox, clock)
        }
        Mode::Terminal => open_terminal(&state.join(HISTORY), inbox, clock),
    }
}

/// The input and the output of a console in pipe mode.
pub(super) struct PipeEnds<R, W> {
    pub(super) reader: R,
    pub(super) writer: W,
}

pub(super) fn open_pipe<R, W>(
    ends: PipeEnds<R, W>,
    style: OutputStyle,
    inbox: Arc<dyn Inbox>,
    clock: TimeSource,
) -> Result<(Console, mpsc::Receiver<ConsoleEvent>), ConsoleError>
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    let PipeEnds { reader, writer } = ends;
    let (mut console, receiver, requests) = Console::new(Mode::Pipe, style);
    let (typed, lines) = mpsc::channel(LINE_QUEUE);
    // Use dedicated threads, because a blocking read must not delay the runtime or its shutdown.
    let start = |what: &'static str, run: Box<dyn FnOnce() + Send>| {
        let thread = thread::Builder::new().name(format!("console-{what}")).spawn(run);
        thread.map(drop).map_err(|source| ConsoleError::Thread { what, source })
    };
    start("output", Box::new(move || pipe_writer::write(writer, requests)))?;
    start("input", Box::new(move || pipe_reader::read(reader, &typed)))?;
    console.spawn_intake(lines, inbox, clock);
    Ok((console, receiver))
}

fn open_terminal(
    history: &Path,
    inbox: Arc<dyn Inbox>,
    clock: TimeSource,
) -> Result<(Console, mpsc::Receiver<ConsoleEvent>), ConsoleError> {
    let colours = colours();
    let (mut console, receiver, requests) = Console::new(Mode::Terminal, OutputStyle::Styled(colours));
    hangup::watch(console.events.clone())
        .map_err(|source| ConsoleError::Thread { what: "hang-up detection", source })?;
    let (typed, lines) = mpsc::channel(LINE_QUEUE);
    let context = TerminalContext { colours, busy: Arc::clone(&console.busy), events: console.events.clone(), typed };
    let terminal = Terminal::open(context, history).map_err(ConsoleError::Terminal)?;
    console.tasks.push(tokio::spawn(terminal.run(requests)));
    console.spawn_intake(lines, inbox, clock);
    Ok((console, receiver))
}

fn colours() -> Colours {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if refused { Colours::Off } else { Colours::On }
}
