//! What the kit says while it works: progress to standard error, results to standard output, colours on a terminal alone.

use std::{
    io::{IsTerminal as _, Write as _, stderr, stdout},
    time::{Duration, Instant},
};

use cordboard_core::render::terminal::Colours;

pub const GREEN: &str = "32";
pub const RED: &str = "31";
pub const BOLD: &str = "1";
pub const DIM: &str = "2";

/// Something begins that takes its time.
pub fn step(text: &str) {
    let mark = paint("-->", BOLD, colours(stderr().is_terminal()));
    // A reader that is gone is no failure.
    drop(writeln!(stderr(), "{mark} {text}"));
}

/// What is done within this time is not told.
const HARDLY_ANY: Duration = Duration::from_millis(500);

/// Waits for `work`. Where it takes longer than a moment, a line says so: on a terminal with the seconds that have passed, until it is
/// done; elsewhere once.
pub async fn while_waiting<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(HARDLY_ANY, &mut work).await {
        return done;
    }
    if !stderr().is_terminal() {
        step(what);
        return work.await;
    }
    let (began, mut second) = (Instant::now(), tokio::time::interval(Duration::from_secs(1)));
    let mark = paint("-->", BOLD, colours(true));
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                drop(write!(stderr(), "\r\x1b[K"));
                return done;
            }
            _ = second.tick() => drop(write!(stderr(), "\r\x1b[K{mark} {what}, {} s", began.elapsed().as_secs())),
        }
    }
}

/// A line to standard error.
pub fn note(text: &str) {
    drop(writeln!(stderr(), "{}", paint(text, DIM, colours(stderr().is_terminal()))));
}

/// Whole lines to standard output.
pub fn print(text: &str) {
    drop(stdout().lock().write_all(text.as_bytes()));
}

/// How standard output is written to: styled on a terminal, unless `NO_COLOR` forbids it; none where it is a pipe.
pub fn out() -> Option<Colours> {
    let terminal = stdout().is_terminal();
    terminal.then(|| colours(terminal))
}

fn colours(terminal: bool) -> Colours {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if terminal && wanted { Colours::On } else { Colours::Off }
}

pub fn paint(text: &str, code: &str, colours: Colours) -> String {
    match colours {
        Colours::On => format!("\x1b[{code}m{text}\x1b[0m"),
        Colours::Off => text.to_owned(),
    }
}
