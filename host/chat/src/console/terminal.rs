//! The terminal: an editable prompt with all output printed above it. The only module that uses `rustyline_async`. It
//! restores the terminal mode when it ends, and doesn't wait for the store while the user types.

use std::{
    io::{self, ErrorKind, Write},
    path::Path,
    sync::Arc,
};

use cordboard_core::render::{one_line, plain, strip_controls, terminal::Colours};
use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcgetwinsize, tcsetattr};
use rustyline_async::{Readline, ReadlineError, ReadlineEvent, SharedWriter};
use tokio::sync::{mpsc, oneshot};

use super::{
    CommandRunning, ConsoleEvent, Events, Order,
    history::History,
    lines::{LINE_AT_MOST, Line},
    type_ahead,
};

const PROMPT: &str = "› ";

/// The width if the terminal doesn't report one, in columns.
const WIDTH: usize = 80;

/// The command that Ctrl-C sends while an agent works.
const STOP: &str = "/stop";

/// The parts that the terminal shares with its console.
pub(super) struct Screen {
    pub(super) colours: Colours,
    pub(super) busy: Arc<CommandRunning>,
    pub(super) events: Events,
    pub(super) typed: mpsc::Sender<Line>,
}

pub(super) struct Terminal {
    readline: Readline,
    above: SharedWriter,
    screen: Screen,
    history: History,
    prompt: String,
    stay: Stay,
}

/// Whether the user has ended the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    Here,
    Leaving,
}

/// Whether the terminal keeps running.
#[derive(Debug)]
enum Goes {
    On,
    /// Carries the channel that reports that the terminal is restored, if a request closed it.
    Ended(Option<oneshot::Sender<()>>),
}

impl Terminal {
    pub(super) fn open(screen: Screen, history: &Path) -> io::Result<Self> {
        let ahead = type_ahead::take()?;
        let (mut readline, above) = Readline::new(PROMPT.to_owned()).map_err(io::Error::other)?;
        // `on_line` prints typed lines instead, without the status that preceded the prompt.
        readline.should_print_line_on(false, false);
        let (history, lines) = History::open(history);
        for line in lines {
            readline.add_history_entry(line);
        }
        if let Err(error) = keep_line_breaks() {
            tracing::debug!(%error, "failed to query the cursor: log lines may be misplaced");
        }
        let mut terminal = Self { readline, above, screen, history, prompt: PROMPT.to_owned(), stay: Stay::Here };
        // The kernel has already echoed these lines.
        ahead.into_iter().for_each(|line| terminal.take_in(line));
        Ok(terminal)
    }

    /// Runs until the console is closed or dropped, or the terminal was closed.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let closed = loop {
            let goes = tokio::select! {
                event = self.readline.readline() => self.on_read(event),
                order = orders.recv() => order.map_or(Goes::Ended(None), |order| self.on_order(order)),
            };
            if let Goes::Ended(closed) = goes {
                break closed;
            }
        };
        // Restores the terminal.
        drop(self);
        if let Some(closed) = closed {
            let _ = closed.send(());
        }
    }

    fn on_read(&mut self, event: Result<ReadlineEvent, ReadlineError>) -> Goes {
        match event {
            Ok(event) => {
                self.on_event(event);
                Goes::On
            }
            Err(error) => {
                tracing::warn!(%error, "the terminal was closed");
                self.screen.events.tell(ConsoleEvent::OutputGone);
                Goes::Ended(None)
            }
        }
    }

    fn on_event(&mut self, event: ReadlineEvent) {
        match event {
            ReadlineEvent::Line(line) => self.on_line(line),
            ReadlineEvent::Eof => {
                self.stay = Stay::Leaving;
                self.screen.events.tell(ConsoleEvent::End);
            }
            ReadlineEvent::Interrupted if self.stay == Stay::Here && self.screen.busy.is_set() => {
                self.hand_in(Line::Text(STOP.to_owned()));
            }
            // A second Ctrl-C makes the host exit sooner.
            ReadlineEvent::Interrupted => {
                self.stay = Stay::Leaving;
                self.screen.events.tell(ConsoleEvent::Quit);
            }
        }
    }

    fn on_line(&mut self, line: String) {
        let shown = strip_controls(&line);
        // The next read reports a failure.
        drop(self.print(&format!("{PROMPT}{shown}\n")));
        self.take_in(line);
    }

    fn take_in(&mut self, line: String) {
        if line.trim().is_empty() {
            return;
        }
        if self.stay == Stay::Leaving {
            return drop(self.print("Not sent: Cordboard is shutting down. Press Ctrl-C to stop it now.\n"));
        }
        self.history.add(&line);
        self.readline.add_history_entry(line.clone());
        self.hand_in(if line.len() > LINE_AT_MOST { Line::TooLong } else { Line::Text(line) });
    }

    /// Sends a line to the inbox without waiting, because waiting would block the terminal.
    fn hand_in(&mut self, line: Line) {
        if self.screen.typed.try_send(line).is_err() {
            drop(self.print("Not sent: too many lines are waiting to be stored. Try again in a moment.\n"));
        }
    }

    fn on_order(&mut self, order: Order) -> Goes {
        match order {
            Order::Print { text, done } => drop(done.send(self.print(&text))),
            Order::Status(status) => self.on_status(status.as_deref()),
            Order::Close { done } => {
                if let Err(error) = self.readline.flush() {
                    tracing::debug!(%error, "failed to clear the terminal");
                }
                return Goes::Ended(Some(done));
            }
        }
        Goes::On
    }

    fn on_status(&mut self, status: Option<&str>) {
        let prompt = prompt(status, self.screen.colours, width() / 2);
        if prompt != self.prompt {
            // The next read reports a failure.
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

/// Formats the prompt with the status before it. The status is Markdown, and is cut to `room` characters.
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
fn keep_line_breaks() -> io::Result<()> {
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
