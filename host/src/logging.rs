//! Writes the log to standard error or to systemd's journal. Each record on standard error is one line: line breaks in
//! it are escaped. Secrets are removed from all records.

mod journal;
mod line;
mod recent_lines;
mod recent_problems;
mod record;

use std::{
    io::{self, IsTerminal},
    sync::{Arc, OnceLock},
};

use cordboard_core::config::{Log, LogFormat, is_log_target};
use tracing_subscriber::{
    Registry,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    reload,
    util::SubscriberInitExt as _,
};

pub use journal::{JournalSource, PARENT_TARGET};
pub use line::{JsonLineWriter, LineWriter};
pub use recent_lines::{LinesSince, RecentLines, recent_lines};
pub use recent_problems::{LoggedProblem, recent_problems};
pub use record::LogRecord;

use journal::{Journal, JournalWriter};
use recent_lines::RecentLineWriter;
use recent_problems::RecentProblems;

/// Libraries that log on behalf of guests, without the guest's name or a rate limit. Guests receive the same
/// information in their errors.
const GUEST_LIBRARIES: [&str; 3] = ["wasmtime_wasi", "wasmtime_wasi_http", "wasmtime_wasi_io"];

/// Starts logging for a command other than `cordboard run`, with the filter in `CORDBOARD_LOG`, such as `debug` or
/// `cordboard_runtime=trace`. If the variable is unset, empty or invalid, `default` applies.
pub fn start(default: &str) {
    let requested = EnvironmentFilter::read();
    let filter = requested.filter.clone().map_or_else(|| parse_filter(default), Ok).unwrap_or_default();
    let lines = fmt::layer().with_writer(stderr).with_ansi(has_colors()).with_target(false);
    tracing_subscriber::registry().with(filter).with(lines).init();
    requested.report();
}

/// Starts the log of a host. `default` is the level of targets that `settings` doesn't name.
pub fn start_host(default: &'static str, settings: &Log) -> LogLevels {
    let requested = EnvironmentFilter::read();
    let is_set_by_environment = requested.filter.is_some();
    let first = requested.filter.clone().unwrap_or_else(|| level_filter(default, settings));
    let (filter, handle) = reload::Layer::new(first);
    let registry = tracing_subscriber::registry().with(filter).with(RecentProblems);
    let output = Output::open(settings.format);
    // The journal keeps more records than this process could.
    let remembers = fmt::layer().json().with_writer(|| RecentLineWriter);
    match &output {
        Output::Text(_) => {
            let lines = fmt::layer().with_writer(stderr).with_ansi(has_colors()).with_target(false);
            registry.with(remembers).with(lines).init();
        }
        Output::Json => {
            registry.with(remembers).with(fmt::layer().json().with_writer(|| JsonLineWriter(io::stderr()))).init();
        }
        Output::Journal(journal) => {
            // A process starts its log once.
            drop(JOURNAL.set(JournalSource::own()));
            let journal = Arc::clone(journal);
            let writer = move || JournalWriter::new(Arc::clone(&journal));
            registry.with(fmt::layer().json().without_time().with_writer(writer)).init();
        }
    }
    requested.report();
    if let Output::Text(Some(error)) = output {
        tracing::error!(%error, "failed to connect to systemd's journal: the log goes to standard error");
    }
    LogLevels { handle, default, is_set_by_environment }
}

static JOURNAL: OnceLock<JournalSource> = OnceLock::new();

/// Returns where in the journal this process's records are. `None` if they are in [`recent_lines`].
pub fn journal() -> Option<&'static JournalSource> {
    JOURNAL.get()
}

/// Changes the levels of the running host's log.
#[derive(Debug, Clone)]
pub struct LogLevels {
    handle: reload::Handle<Targets, Registry>,
    default: &'static str,
    /// Whether `CORDBOARD_LOG` sets the filter.
    is_set_by_environment: bool,
}

impl LogLevels {
    /// Applies the levels of a changed configuration.
    pub fn apply(&self, settings: &Log) {
        if !self.is_set_by_environment {
            // This fails only if the subscriber was dropped.
            drop(self.handle.reload(level_filter(self.default, settings)));
        }
    }
}

/// Returns the filter with these levels.
fn level_filter(default: &str, settings: &Log) -> Targets {
    let levels = settings.levels.iter().map(|(target, level)| format!(",{target}={}", level.as_str()));
    parse_filter(&levels.fold(default.to_owned(), |all, one| all + &one)).unwrap_or_default()
}

/// The filter in `CORDBOARD_LOG`.
struct EnvironmentFilter {
    filter: Option<Targets>,
    error: Option<InvalidFilter>,
}

impl EnvironmentFilter {
    fn read() -> Self {
        let requested = std::env::var("CORDBOARD_LOG").ok().filter(|requested| !requested.is_empty());
        match requested.as_deref().map(parse_filter).transpose() {
            Ok(filter) => Self { filter, error: None },
            Err(error) => Self { filter: None, error: Some(error) },
        }
    }

    fn report(self) {
        if let Some(error) = self.error {
            tracing::error!(%error, "ignored CORDBOARD_LOG: use filters such as debug or cordboard_runtime=trace");
        }
    }
}

/// The destination and the format of records.
enum Output {
    /// Lines on standard error. Contains the error if the journal was requested and can't be used.
    Text(Option<io::Error>),
    Json,
    Journal(Arc<Journal>),
}

impl Output {
    fn open(format: LogFormat) -> Self {
        match format {
            LogFormat::Auto if !journal::is_stderr() => Self::Text(None),
            LogFormat::Text => Self::Text(None),
            LogFormat::Json => Self::Json,
            LogFormat::Auto | LogFormat::Journald => match Journal::connect() {
                Ok(journal) => Self::Journal(Arc::new(journal)),
                Err(error) => Self::Text(Some(error)),
            },
        }
    }
}

fn stderr() -> LineWriter<io::Stderr> {
    LineWriter(io::stderr())
}

fn has_colors() -> bool {
    io::stderr().is_terminal() && allows_colors()
}

/// Returns whether the user accepts colors: <https://no-color.org>.
#[must_use]
pub fn allows_colors() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A part of a filter that can't be parsed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is neither a level nor TARGET=LEVEL")]
pub struct InvalidFilter(String);

/// Parses a list such as `info,cordboard_runtime=trace` into a filter that also drops all records of
/// [`GUEST_LIBRARIES`]. The parser of [`Targets`] isn't used because it takes a misspelled level for a target.
///
/// # Errors
/// A part of the list is neither a level nor a target with a level.
pub fn parse_filter(list: &str) -> Result<Targets, InvalidFilter> {
    let mut filter = Targets::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let invalid = || InvalidFilter(part.to_owned());
        let (target, level) = part.split_once('=').map_or((None, part), |(target, level)| (Some(target), level));
        let level: LevelFilter = level.parse().map_err(|_| invalid())?;
        filter = match target {
            None => filter.with_default(level),
            Some(target) if is_log_target(target) => filter.with_target(target, level),
            Some(_) => return Err(invalid()),
        };
    }
    Ok(filter.with_targets(GUEST_LIBRARIES.map(|library| (library, LevelFilter::OFF))))
}

#[cfg(test)]
mod tests {
    use std::{io::Write, sync::Mutex};

    use cordboard_core::{config, scrub};

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
        let lines = fmt::layer().with_writer(move || LineWriter(writer.clone())).with_ansi(true).without_time();
        let subscriber = tracing_subscriber::registry().with(parse_filter(wanted).unwrap()).with(lines);
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

    #[test]
    fn invalid_filters_are_rejected() {
        for valid in ["debug", "INFO, cordboard::hub=trace,", "a=off"] {
            assert!(parse_filter(valid).is_ok(), "{valid}");
        }
        let filter = parse_filter("warn,a::b=debug").unwrap();
        let enables = |target: &str| filter.would_enable(target, &tracing::Level::DEBUG);
        assert_eq!(["a", "a::b::c"].map(enables), [false, true]);
        for invalid in ["dbug", "cordboard=loud", "[span]=debug", "a=b=debug", "=debug"] {
            let error = parse_filter(&format!("info,{invalid}")).unwrap_err();
            assert_eq!(error.to_string(), format!("'{invalid}' is neither a level nor TARGET=LEVEL"));
        }
    }

    #[test]
    fn levels_apply_to_their_targets_while_the_log_runs() {
        let captured = Captured::default();
        let writer = captured.clone();
        let (filter, handle) = reload::Layer::new(level_filter("warn", &Log::default()));
        let lines = fmt::layer().with_writer(move || LineWriter(writer.clone())).without_time().with_target(false);
        let lines = lines.with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(filter).with(lines);
        let log_levels = LogLevels { handle, default: "warn", is_set_by_environment: false };
        let fixed = LogLevels { is_set_by_environment: true, ..log_levels.clone() };
        let settings = config::load("[log.levels]\n\"a::b\" = \"debug\"\nwasmtime_wasi = \"debug\"\n").unwrap().log;
        tracing::subscriber::with_default(subscriber, || {
            let log = || {
                tracing::debug!(target: "a::b::c", "debug");
                tracing::info!(target: "a", "info");
                tracing::error!(target: "wasmtime_wasi", "of a guest");
            };
            log();
            fixed.apply(&settings);
            log();
            log_levels.apply(&settings);
            log();
            log_levels.apply(&Log::default());
            log();
        });
        let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        assert_eq!(log, "DEBUG debug\n");
    }
}
