//! The log output of one call: `log` records, standard output and error, and refused network requests. Each line of
//! them counts against the `log` limit.

mod line;
mod panic;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamError},
};

use super::bindings::log::Level;
use cordboard_core::scrub;
use line::{MAX_LINE, escape_line, split_lines};
use panic::GuestPanic;

/// The log target for plugin authors: the plugin's own lines, and warnings about its requests, buttons and secrets.
pub const LOG_TARGET: &str = module_path!();

/// The log of one call. Clones share its line count.
#[derive(Clone)]
pub struct GuestLog(Arc<GuestLogState>);

struct GuestLogState {
    plugin: Arc<str>,
    /// The maximum number of lines per call.
    limit: u32,
    written: AtomicU32,
}

/// Whether a line is within its call's `log` limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineCount {
    WithinLimit,
    /// The first line over the limit. It is replaced with a warning that the remaining lines are dropped.
    FirstOver,
    Over,
}

impl GuestLog {
    pub fn new(plugin: &Arc<str>, limit: u32) -> Self {
        Self(Arc::new(GuestLogState { plugin: Arc::clone(plugin), limit, written: AtomicU32::new(0) }))
    }

    /// Logs a message from the plugin, one record per line.
    pub fn write(&self, level: Level, message: &str) {
        if self.is_over() {
            return;
        }
        let message = scrub::text(message.to_owned());
        for text in split_lines(&message) {
            match self.count() {
                LineCount::WithinLimit => self.log_line(level, &escape_line(text)),
                over @ (LineCount::FirstOver | LineCount::Over) => return self.log_dropped(over),
            }
        }
    }

    fn log_line(&self, level: Level, message: &str) {
        let plugin = &*self.0.plugin;
        match level {
            Level::Error => tracing::error!(plugin, message, "plugin message"),
            Level::Warn => tracing::warn!(plugin, message, "plugin message"),
            Level::Info => tracing::info!(plugin, message, "plugin message"),
            Level::Debug => tracing::debug!(plugin, message, "plugin message"),
        }
    }

    /// Logs a network request that the host refused.
    pub fn request_denied(&self, why: &str) {
        let count = self.count();
        if count != LineCount::WithinLimit {
            return self.log_dropped(count);
        }
        let plugin = &*self.0.plugin;
        let why = escape_line(&scrub::text(why.to_owned()));
        tracing::warn!(plugin, why, "request denied");
    }

    fn log_dropped(&self, count: LineCount) {
        let (plugin, limit) = (&*self.0.plugin, self.0.limit);
        if count == LineCount::FirstOver {
            tracing::warn!(plugin, limit, "plugin exceeded its `log` limit: dropping the remaining lines of this call");
        }
    }

    /// Returns whether the limit was exceeded and reported, so that further output can be skipped.
    fn is_over(&self) -> bool {
        self.0.written.load(Ordering::Relaxed) > self.0.limit
    }

    fn count(&self) -> LineCount {
        let before = self.0.written.fetch_add(1, Ordering::Relaxed);
        // The counter can't wrap around: a call reaches its time limit long before that.
        if before < self.0.limit {
            LineCount::WithinLimit
        } else if before == self.0.limit {
            LineCount::FirstOver
        } else {
            LineCount::Over
        }
    }
}

/// The standard output or the standard error of a guest. Complete lines are logged, and the panic message is collected
/// from them.
#[derive(Clone)]
pub struct GuestOutput {
    log: GuestLog,
    level: Level,
    state: Arc<Mutex<OutputState>>,
}

#[derive(Default)]
struct OutputState {
    line: Vec<u8>,
    panic: GuestPanic,
}

impl GuestOutput {
    pub fn new(log: GuestLog, level: Level) -> Self {
        Self { log, level, state: Arc::default() }
    }

    fn print(&self, bytes: &[u8]) {
        let mut state = self.state();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = MAX_LINE.saturating_sub(state.line.len());
            state.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.end_line(&mut state);
            }
        }
    }

    /// Logs the text after the last line break.
    pub fn flush_line(&self) {
        self.end_line(&mut self.state());
    }

    fn end_line(&self, state: &mut OutputState) {
        let line = std::mem::take(&mut state.line);
        let line = String::from_utf8_lossy(&line);
        state.panic.read_line(&line);
        self.log.write(self.level, &line);
    }

    /// Returns the reason why the guest failed: its own panic message, or else wasmtime's `cause`.
    pub fn failure_reason(&self, cause: String) -> String {
        self.state().panic.reason(cause)
    }

    fn state(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only WASI 0.3 uses this stream, and WASI 0.3 isn't linked.
        Box::new(tokio::io::sink())
    }
}

#[async_trait::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(MAX_LINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_limit_is_reported_once() {
        let log = GuestLog::new(&Arc::from("x"), 1);
        let counts: Vec<_> = (0..4).map(|_| log.count()).collect();
        assert_eq!(counts, [LineCount::WithinLimit, LineCount::FirstOver, LineCount::Over, LineCount::Over]);
    }

    #[test]
    fn a_long_line_is_truncated() {
        let output = GuestOutput::new(GuestLog::new(&Arc::from("x"), 9), Level::Info);
        output.print(&vec![b'a'; 3 * MAX_LINE]);
        output.print(b"end");
        assert_eq!(output.state().line.len(), MAX_LINE);
    }
}
