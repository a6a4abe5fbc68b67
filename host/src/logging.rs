//! Writes the log to standard error, with colors on a terminal. Each record takes one line, even if it contains line
//! breaks.

mod recent_problems;

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

use cordboard_core::{render::is_unseen, scrub};
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

pub use recent_problems::{LoggedProblem, recent_problems};

use recent_problems::RecentProblems;

/// Libraries that log on behalf of guests, without the guest's name or a rate limit. Guests receive the same
/// information in their errors.
const GUEST_LIBRARIES: [&str; 3] = ["wasmtime_wasi", "wasmtime_wasi_http", "wasmtime_wasi_io"];

/// Starts logging with the filters in `CORDBOARD_LOG`, such as `debug` or `cordboard_runtime=trace`. If the variable is
/// unset, empty or invalid, `default` applies.
pub fn start(default: &str) {
    let requested = std::env::var("CORDBOARD_LOG").ok().filter(|requested| !requested.is_empty());
    let parsed = requested.as_deref().map(filter).transpose();
    let invalid = parsed.as_ref().err().map(ToString::to_string);
    let filter = parsed.ok().flatten().map_or_else(|| filter(default), Ok).unwrap_or_default();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = io::stderr().is_terminal() && !no_color;
    let subscriber =
        fmt().with_env_filter(filter).with_writer(|| LineWriter(io::stderr())).with_ansi(colours).with_target(false);
    subscriber.finish().with(RecentProblems).init();
    if let Some(why) = invalid {
        tracing::error!(why, "ignored CORDBOARD_LOG: use filters such as debug or cordboard_runtime=trace");
    }
}

/// Returns the filter for `directives`, with logging by `GUEST_LIBRARIES` turned off.
///
/// # Errors
/// The filter can't be parsed.
pub fn filter(directives: &str) -> Result<EnvFilter, ParseError> {
    let mut filter = EnvFilter::try_new(directives)?;
    for library in GUEST_LIBRARIES {
        filter = filter.add_directive(format!("{library}=off").parse()?);
    }
    Ok(filter)
}

/// Writes each log record on one line. Each record must be written in a single call, and its last byte ends the line.
/// Libraries may log their requests and responses, so secrets are removed here, for every logger.
pub struct LineWriter<W>(pub W);

impl<W: Write> Write for LineWriter<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let record_text = scrub::text(String::from_utf8_lossy(record).into_owned());
        self.0.write_all(one_line(&record_text).as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Returns a record as one line. Keeps tabs and colors. Escapes line breaks, other control characters, invisible
/// characters, and those that change the writing direction.
fn one_line(record: &str) -> String {
    let mut line = String::with_capacity(record.len());
    let record = record.strip_suffix('\n').unwrap_or(record);
    for (at, letter) in record.char_indices() {
        match letter {
            '\t' => line.push(letter),
            '\u{1b}' if is_colour(&record[at + 1..]) => line.push(letter),
            letter if is_unseen(letter) => _ = write!(line, "{}", letter.escape_default()),
            letter => line.push(letter),
        }
    }
    line.push('\n');
    line
}

/// Returns whether the text after an escape character is a color sequence.
fn is_colour(rest: &str) -> bool {
    let end = rest.strip_prefix('[').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
    end.is_some_and(|end| end.starts_with('m'))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(wanted: &str, log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = fmt()
            .with_env_filter(filter(wanted).unwrap())
            .with_writer(move || LineWriter(writer.clone()))
            .with_ansi(true)
            .without_time()
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_record_is_one_line() {
        let text = "it said\n2026-11-21T00:00:00Z  WARN forged\r over\u{1b}[2J\u{202e}\u{2028}";
        let log = logged("warn", || tracing::warn!(why = %text, "failed: {text}"));
        assert_eq!(log.matches('\n').count(), 1, "{log:?}");
        assert!(log.ends_with('\n') && !log.contains('\r') && !log.contains("\u{1b}[2J"), "{log:?}");
        assert!(log.contains("it said\\n2026"), "{log:?}");
        assert!(!log.contains(['\u{202e}', '\u{2028}']) && log.contains("\\u{202e}"), "{log:?}");
    }

    #[test]
    fn no_record_contains_a_secret_at_any_level() {
        scrub::remember("<token>", "987654321:ZyX-abcdefghijklmnop");
        let log = logged("trace", || {
            tracing::trace!(path = ?"/bot987654321%3AZyX%2Dabcdefghijklmnop/getMe", "sent");
            tracing::debug!("GET /BOT987654321:ZYX-ABCDEFGHIJKLM");
        });
        assert!(log.matches("<token>").count() == 2 && !log.to_lowercase().contains("abcdefgh"), "{log}");
    }

    #[test]
    fn library_logs_caused_by_guests_are_dropped() {
        for wanted in ["info", "debug", "wasmtime_wasi_http=debug"] {
            let log = logged(wanted, || {
                tracing::warn!(target: "wasmtime_wasi_http::p2::error", "http request error: nameless");
                tracing::error!(target: "wasmtime_wasi::p2", "nameless");
            });
            assert_eq!(log, "", "{wanted}");
        }
        assert!(logged("info", || tracing::warn!("of the host")).contains("of the host"));
    }
}
