//! The log output of one call: `log` records, standard output and error, and refused requests. All of them count
//! against one limit of lines.

mod line;
mod panic;

use std::sync::{
    Arc, Mutex, PoisonError,
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
use line::{LONGEST, lines, shown};
use panic::GuestPanic;

/// The log target for plugin authors: the plugin's own lines, and warnings about its buttons and secrets.
pub const AUTHORS: &str = module_path!();

/// Clones write to the same log and share its line count.
#[derive(Clone)]
pub struct GuestLog(Arc<GuestLogState>);

struct GuestLogState {
    plugin: Arc<str>,
    /// The most lines per call.
    limit: u32,
    written: AtomicU32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Write,
    /// The first line over the limit, which logs once that further lines are dropped.
    SayDropped,
    Drop,
}

impl GuestLog {
    pub fn new(plugin: &Arc<str>, limit: u32) -> Self {
        Self(Arc::new(GuestLogState { plugin: Arc::clone(plugin), limit, written: AtomicU32::new(0) }))
    }

    /// Logs a message of the plugin, one record per line.
    pub fn write(&self, level: Level, message: &str) {
        if self.is_over() {
            return;
        }
        let message = scrub::text(message.to_owned());
        for text in lines(&message) {
            match self.count() {
                Line::Write => self.put(level, &shown(text)),
                line @ (Line::SayDropped | Line::Drop) => return self.say_dropped(line),
            }
        }
    }

    fn put(&self, level: Level, message: &str) {
        let plugin = &*self.0.plugin;
        match level {
            Level::Error => tracing::error!(plugin, message, "plugin message"),
            Level::Warn => tracing::warn!(plugin, message, "plugin message"),
            Level::Info => tracing::info!(plugin, message, "plugin message"),
            Level::Debug => tracing::debug!(plugin, message, "plugin message"),
        }
    }

    /// Logs a request that the host refused.
    pub fn refused(&self, plugin: &str, why: &str) {
        let line = self.count();
        if line != Line::Write {
            return self.say_dropped(line);
        }
        let why = shown(&scrub::text(why.to_owned()));
        tracing::warn!(plugin, why, "request denied");
    }

    fn say_dropped(&self, line: Line) {
        let (plugin, limit) = (&*self.0.plugin, self.0.limit);
        if line == Line::SayDropped {
            tracing::warn!(plugin, limit, "plugin exceeded its `log` limit: dropping the remaining lines of this call");
        }
    }

    /// Whether the limit was exceeded and reported, so that further output can be skipped.
    fn is_over(&self) -> bool {
        self.0.written.load(Ordering::Relaxed) > self.0.limit
    }

    fn count(&self) -> Line {
        let before = self.0.written.fetch_add(1, Ordering::Relaxed);
        // The counter can't wrap around: a call reaches its time limit long before.
        if before < self.0.limit {
            Line::Write
        } else if before == self.0.limit {
            Line::SayDropped
        } else {
            Line::Drop
        }
    }
}

/// Standard output or error of a guest. It logs complete lines and collects the panic message from them.
#[derive(Clone)]
pub struct GuestOutput {
    journal: GuestLog,
    level: Level,
    state: Arc<Mutex<Text>>,
}

#[derive(Default)]
struct Text {
    line: Vec<u8>,
    fall: GuestPanic,
}

impl GuestOutput {
    pub fn new(journal: GuestLog, level: Level) -> Self {
        Self { journal, level, state: Arc::default() }
    }

    fn print(&self, bytes: &[u8]) {
        let mut text = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST.saturating_sub(text.line.len());
            text.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.tell(&mut text);
            }
        }
    }

    /// Logs the last line if it doesn't end with a line break.
    pub fn finish(&self) {
        self.tell(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn tell(&self, text: &mut Text) {
        let line = std::mem::take(&mut text.line);
        let line = String::from_utf8_lossy(&line);
        text.fall.hear(&line);
        self.journal.write(self.level, &line);
    }

    /// Explains why the guest failed, by its own panic message or else by the runtime's `cause`.
    pub fn fall(&self, cause: String) -> String {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).fall.told(cause)
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
        // Only WASI 0.3 uses this stream, and it isn't linked.
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
        Ok(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_limit_is_reported_once() {
        let journal = GuestLog::new(&Arc::from("x"), 1);
        let said: Vec<_> = (0..4).map(|_| journal.count()).collect();
        assert_eq!(said, [Line::Write, Line::SayDropped, Line::Drop, Line::Drop]);
    }

    #[test]
    fn a_long_line_is_truncated() {
        let printed = GuestOutput::new(GuestLog::new(&Arc::from("x"), 9), Level::Info);
        printed.print(&vec![b'a'; 3 * LONGEST]);
        printed.print(b"end");
        assert_eq!(printed.state.lock().unwrap().line.len(), LONGEST);
    }
}
