//! Runs the terminal, which shows an editable prompt and prints all output above it. Restores the terminal mode on
//! exit. Must not wait for the store, because that would block typing. This is the only module that uses
//! `rustyline_async`.

use std::{
    io::{self, ErrorKind, Write},
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cordboard_core::render::{one_line, plain, strip_controls, terminal::Colours};
use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcgetwinsize, tcsetattr};
use rustyline_async::{Readline, ReadlineError, ReadlineEvent, SharedWriter};
use tokio::sync::{mpsc, oneshot};

use super::{
    ConsoleEvent, Events, OutputRequest,
    history_file::History,
    pipe_reader::{InputLine, MAX_LINE_LENGTH},
    type_ahead,
};

const PROMPT: &str = "› ";

/// The width, in columns, to assume if the terminal doesn't report one.
const WIDTH: usize = 80;

/// The command that Ctrl-C sends while an agent is working.
const STOP: &str = "/stop";

/// State that the terminal shares with its console.
pub(super) struct TerminalContext {
    pub(super) colours: Colours,
    pub(super) busy: Arc<AtomicBool>,
    pub(super) events: Events,
    pub(super) typed: mpsc::Sender<InputLine>,
}

pub(super) struct Terminal {
    readline: Readline,
    /// The writer that prints above the prompt.
    above: SharedWriter,
    context: TerminalContext,
    history: History,
    prompt: String,
    input: InputState,
}

/// The state of the input: closed once the user has ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InputState {
    Open,
    Closed,
}

/// Tells the terminal's loop whether to continue. `Break` ends the terminal. If the output was closed on request,
/// `Break` contains the channel on which to report that the terminal is restored.
type Flow = ControlFlow<Option<oneshot::Sender<()>>>;

impl Terminal {
    pub(super) fn open(context: TerminalContext, history: &Path) -> io::Result<Self> {
        let typed_ahead = type_ahead::take()?;
        let (mut readline, above) = Readline::new(PROMPT.to_owned()).map_err(io::Error::other)?;
        // `on_line` prints the typed lines instead, so that they appear without the status.
        readline.should_print_line_on(false, false);
        let (history, lines) = History::open(history);
        for line in lines {
            readline.add_history_entry(line);
        }
        if let Err(error) = translate_line_feeds() {
            tracing::debug!(%error, "failed to set the output mode of the terminal: log lines may be misplaced");
        }
        let mut terminal =
            Self { readline, above, context, history, prompt: PROMPT.to_owned(), input: InputState::Open };
        // Don't print these lines: the kernel has already echoed them.
        typed_ahead.into_iter().for_each(|line| terminal.accept_line(line));
        Ok(terminal)
    }

    /// Runs until the console is closed or dropped, or until the terminal can't be read.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<OutputRequest>) {
        let closed = loop {
            let flow = tokio::select! {
                event = self.readline.readline() => self.on_read(event),
                request = requests.recv() => request.map_or(Flow::Break(None), |request| self.on_request(request)),
            };
            if let Flow::Break(closed) = flow {
                break closed;
            }
        };
        // Dropping the editor restores the terminal.
        drop(self);
        if let Some(closed) = closed {
            let _ = closed.send(());
        }
    }

    fn on_read(&mut self, event: Result<ReadlineEvent, ReadlineError>) -> Flow {
        match event {
            Ok(event) => {
                self.on_event(event);
                Flow::Continue(())
            }
            Err(error) => {
                tracing::warn!(%error, "the terminal was closed");
                self.context.events.send(ConsoleEvent::OutputClosed);
                Flow::Break(None)
            }
        }
    }

    fn on_event(&mut self, event: ReadlineEvent) {
        match event {
            ReadlineEvent::Line(line) => self.on_line(line),
            ReadlineEvent::Eof => {
                self.input = InputState::Closed;
                self.context.events.send(ConsoleEvent::InputEnded);
            }
            ReadlineEvent::Interrupted
                if self.input == InputState::Open && self.context.busy.load(Ordering::Relaxed) =>
            {
                self.send_line(InputLine::Text(STOP.to_owned()));
            }
            // A second Ctrl-C makes the host exit sooner.
            ReadlineEvent::Interrupted => {
                self.input = InputState::Closed;
                self.context.events.send(ConsoleEvent::Quit);
            }
        }
    }

    fn on_line(&mut self, line: String) {
        let shown = strip_controls(&line);
        // Ignore an error: the next read reports it.
        drop(self.print(&format!("{PROMPT}{shown}\n")));
        self.accept_line(line);
    }

    fn accept_line(&mut self, line: String) {
        if line.trim().is_empty() {
            return;
        }
        if self.input == InputState::Closed {
            return drop(self.print("Not sent: Cordboard is shutting down. Press Ctrl-C to stop it now.\n"));
        }
        self.history.add(&line);
        self.readline.add_history_entry(line.clone());
        self.send_line(if line.len() > MAX_LINE_LENGTH { InputLine::TooLong } else { InputLine::Text(line) });
    }

    /// Queues a line for the inbox. Doesn't wait, because that would block the terminal.
    fn send_line(&mut self, line: InputLine) {
        if self.context.typed.try_send(line).is_err() {
            drop(self.print("Not sent: too many lines are waiting to be stored. Try again in a moment.\n"));
        }
    }

    fn on_request(&mut self, request: OutputRequest) -> Flow {
        match request {
            OutputRequest::Print { text, done } => drop(done.send(self.print(&text))),
            OutputRequest::Status(status) => self.on_status(status.as_deref()),
            OutputRequest::Close { done } => {
                if let Err(error) = self.readline.flush() {
                    tracing::debug!(%error, "failed to clear the terminal");
                }
                return Flow::Break(Some(done));
            }
        }
        Flow::Continue(())
    }

    fn on_status(&mut self, status: Option<&str>) {
        let prompt = prompt(status, self.context.colours, width() / 2);
        if prompt != self.prompt {
            // Ignore an error: the next read reports it.
            drop(self.readline.update_prompt(&prompt));
            self.prompt = prompt;
        }
    }

    /// Prints complete lines above the prompt.
    fn print(&mut self, text: &str) -> io::Result<()> {
        match self.above.write_all(text.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // The writer has buffered the text. Flush to make room, then write the rest.
                self.readline.flush().map_err(io::Error::other)?;
                self.above.write(b"").map(|_| ())
            }
            written => written,
        }
    }
}

/// Formats the prompt with the status before it. The status is Markdown, truncated to `room` characters.
fn prompt(status: Option<&str>, colours: Colours, room: usize) -> String {
    let status = one_line(&plain(status.unwrap_or_default()), usize::MAX);
    if status.is_empty() {
        return PROMPT.to_owned();
    }
    let short = if status.chars().count() > room {
        status.chars().take(room.saturating_sub(1)).chain(['…']).collect()
    } else {
        status
    };
    match colours {
        Colours::On => format!("\x1b[2m{short}\x1b[0m {PROMPT}"),
        Colours::Off => format!("{short} {PROMPT}"),
    }
}

fn width() -> usize {
    tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0).unwrap_or(WIDTH)
}

/// Restores the translation of line feeds, which raw mode turns off. Without it, log lines on stderr would not start
/// at the left margin.
fn translate_line_feeds() -> io::Result<()> {
    let mut modes = tcgetattr(io::stdout())?;
    modes.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
    Ok(tcsetattr(io::stdout(), OptionalActions::Now, &modes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_precedes_the_prompt_on_one_line() {
        assert_eq!(prompt(None, Colours::On, 40), "› ");
        assert_eq!(prompt(Some(" "), Colours::On, 40), "› ");
        assert_eq!(prompt(Some("reads\na file\x1b[2J\u{202e}"), Colours::Off, 40), "reads a file[2J › ");
        assert_eq!(prompt(Some("reads a very long file"), Colours::Off, 8), "reads a… › ");
        assert_eq!(prompt(Some("_reads_"), Colours::On, 8), "\x1b[2mreads\x1b[0m › ");
    }
}
