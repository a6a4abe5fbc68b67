//! What the kit says while it works: progress to standard error, results to standard output, colours on a terminal alone.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};

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
