//! Prints progress and notes for the `cordboard plugin` commands to standard error. Uses colors only on a terminal.

use std::{
    io::{IsTerminal as _, Write, stderr, stdout},
    time::Duration,
};

use cordboard_core::render::terminal::Colours;
use tokio::time::Instant;

pub const GREEN: &str = "32";
pub const RED: &str = "31";
pub const BOLD: &str = "1";
pub const DIM: &str = "2";

/// Reports the start of a long step.
pub fn step(text: &str) {
    let mark = paint("-->", BOLD, colours(stderr().is_terminal()));
    // Ignore a closed standard error.
    drop(writeln!(stderr(), "{mark} {text}"));
}

/// The escape sequence that returns to the start of the line and clears the line.
const CLEAR: &str = "\r\x1b[K";

/// The delay before a running operation shows its progress.
const PROGRESS_DELAY: Duration = Duration::from_millis(500);

/// Waits for `work`. If it takes longer than [`PROGRESS_DELAY`], shows a line. On a terminal, the line counts the
/// seconds until the work is done; otherwise it is printed once.
pub async fn while_waiting<T>(what: &str, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(PROGRESS_DELAY, &mut work).await {
        return done;
    }
    if !stderr().is_terminal() {
        step(what);
        return work.await;
    }
    let mark = paint("-->", BOLD, colours(true));
    redrawing((&format!("{mark} {what}"), began), work, &mut stderr()).await
}

/// Waits for `work`, redraws a line each second, and clears it at the end.
async fn redrawing<T>(
    (line, began): (&str, Instant),
    mut work: impl Future<Output = T> + Unpin,
    out: &mut impl Write,
) -> T {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                drop(write!(out, "{CLEAR}"));
                return done;
            }
            _ = second.tick() => {
                let seconds = began.elapsed().as_secs();
                drop(write!(out, "{CLEAR}{line}, {seconds} s"));
            }
        }
    }
}

/// Prints a line to standard error.
pub fn note(text: &str) {
    drop(writeln!(stderr(), "{}", paint(text, DIM, colours(stderr().is_terminal()))));
}

/// Returns the color setting for standard output: `Off` if `NO_COLOR` is set, and `None` if the output is not a
/// terminal.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn progress_is_redrawn_each_second_and_then_erased() {
        let mut out = Vec::new();
        let work = std::pin::pin!(tokio::time::sleep(Duration::from_millis(1500)));
        redrawing(("--> at work", Instant::now()), work, &mut out).await;
        let drawn = String::from_utf8(out).expect("it is text");
        assert_eq!(drawn, "\r\x1b[K--> at work, 0 s\r\x1b[K--> at work, 1 s\r\x1b[K");
    }
}
