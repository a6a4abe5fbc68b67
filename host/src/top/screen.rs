//! Runs the screen: draws each report and each change by a key, until the user quits or a signal arrives. The terminal
//! gets its previous state back in any case, also after a panic.

use std::{fmt::Display, future::Future, io, time::Duration};

use cordboard_core::types::SessionName;
use futures::StreamExt as _;
use ratatui::crossterm::event::{Event, EventStream, KeyEventKind};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, watch},
    time::sleep,
};

use super::{
    draw::{Palette, draw},
    view::{AfterKey, View},
};
use crate::{control::StatusReport, logging::allows_colors};

/// The interval between two reports.
const INTERVAL: Duration = Duration::from_secs(1);

/// Restores the terminal when it is dropped. During a panic, a hook restores it before the message is printed.
struct RestoredTerminal;

impl Drop for RestoredTerminal {
    fn drop(&mut self) {
        // There is no remedy if the terminal is gone.
        drop(ratatui::try_restore());
    }
}

/// Shows reports, beginning with `first`. `read` reads a report with the last turns of a session.
///
/// # Errors
/// The terminal can't be used.
pub async fn run<R, E>(first: StatusReport, read: impl Fn(Option<SessionName>) -> R + Send + 'static) -> io::Result<()>
where
    R: Future<Output = Result<StatusReport, E>> + Send + 'static,
    E: Display + Send + 'static,
{
    let mut signals = Signals::listen()?;
    let _restored = RestoredTerminal;
    let mut terminal = ratatui::try_init()?;
    let (wanted, session) = watch::channel(None);
    let (sender, mut reports) = mpsc::channel(1);
    let reading = tokio::spawn(read_reports(read, session, sender));
    let mut events = EventStream::new();
    let mut view = View::new(first);
    let palette = if allows_colors() { Palette::Colors } else { Palette::Monochrome };
    let ended = loop {
        if let Err(error) = terminal.draw(|frame| draw(frame, &mut view, palette)) {
            break Err(error);
        }
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(Event::Key(key))) if key.kind == KeyEventKind::Press => {
                    if view.press(key) == AfterKey::Quit {
                        break Ok(());
                    }
                    let session = view.session().cloned();
                    wanted.send_if_modified(|wanted| {
                        let is_new = *wanted != session;
                        *wanted = session;
                        is_new
                    });
                }
                // Drawing adapts to a new size.
                Some(Ok(_)) => {}
                Some(Err(error)) => break Err(error),
                None => break Ok(()),
            },
            Some(report) = reports.recv() => view.update(report),
            () = signals.next() => break Ok(()),
        }
    };
    reading.abort();
    ended
}

/// Reads a report at each interval, and at once if another session is shown.
async fn read_reports<R, E>(
    read: impl Fn(Option<SessionName>) -> R,
    mut session: watch::Receiver<Option<SessionName>>,
    reports: mpsc::Sender<Result<StatusReport, String>>,
) where
    R: Future<Output = Result<StatusReport, E>>,
    E: Display,
{
    loop {
        let name = session.borrow_and_update().clone();
        let report = read(name).await.map_err(|error| error.to_string());
        if reports.send(report).await.is_err() {
            return;
        }
        tokio::select! {
            () = sleep(INTERVAL) => {}
            changed = session.changed() => if changed.is_err() { return },
        }
    }
}

/// The signals that end the command.
struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?]))
    }

    async fn next(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
