//! What one call writes to the log: lines of `log`, of its standard output and error, and what was refused to it, counted together.

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

use super::{bindings::log::Level, secrets::Vault};

/// The most of a panic message that is kept, and of a line that is printed, in bytes.
const LONGEST: usize = 4096;

/// Clones write to the same log, and count together.
#[derive(Clone)]
pub struct Journal(Arc<Book>);

struct Book {
    plugin: Arc<str>,
    vault: Vault,
    /// Lines.
    limit: u32,
    written: AtomicU32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Write,
    /// The first one past the bound: say once that the rest is dropped.
    SayDropped,
    Drop,
}

impl Journal {
    pub fn new(plugin: &Arc<str>, limit: u32, vault: Vault) -> Self {
        Self(Arc::new(Book { plugin: Arc::clone(plugin), vault, limit, written: AtomicU32::new(0) }))
    }

    /// A line in the plugin's own words.
    pub fn write(&self, level: Level, message: &str) {
        let plugin = &*self.0.plugin;
        let line = self.count();
        if line != Line::Write {
            return self.say_dropped(line);
        }
        let message = self.0.vault.scrub(message.to_owned());
        match level {
            Level::Error => tracing::error!(plugin, message, "plugin says"),
            Level::Warn => tracing::warn!(plugin, message, "plugin says"),
            Level::Info => tracing::info!(plugin, message, "plugin says"),
            Level::Debug => tracing::debug!(plugin, message, "plugin says"),
        }
    }

    /// A request that went nowhere.
    pub fn refused(&self, plugin: &str, why: &str) {
        let line = self.count();
        if line != Line::Write {
            return self.say_dropped(line);
        }
        let why = self.0.vault.scrub(why.to_owned());
        tracing::warn!(plugin, why, "a request was refused");
    }

    fn say_dropped(&self, line: Line) {
        let (plugin, limit) = (&*self.0.plugin, self.0.limit);
        if line == Line::SayDropped {
            tracing::warn!(plugin, limit, "plugin logs past its `log` limit: the rest of this call's lines is dropped");
        }
    }

    fn count(&self) -> Line {
        let before = self.0.written.fetch_add(1, Ordering::Relaxed);
        // Far below where it would begin anew: a call ends by its time before it has written so much.
        if before < self.0.limit {
            Line::Write
        } else if before == self.0.limit {
            Line::SayDropped
        } else {
            Line::Drop
        }
    }
}

/// Standard output or error of a guest: whole lines go to the log, and the last of it is kept.
#[derive(Clone)]
pub struct Printed {
    journal: Journal,
    level: Level,
    state: Arc<Mutex<Text>>,
}

#[derive(Default)]
struct Text {
    line: Vec<u8>,
    last: Vec<u8>,
}

impl Printed {
    pub fn new(journal: Journal, level: Level) -> Self {
        Self { journal, level, state: Arc::default() }
    }

    fn print(&self, bytes: &[u8]) {
        let mut text = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        text.last.extend_from_slice(bytes);
        let over = text.last.len().saturating_sub(LONGEST);
        text.last.drain(..over);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST.saturating_sub(text.line.len());
            text.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut text.line);
                self.tell(&line);
            }
        }
    }

    /// What was printed last, and no line's end behind it.
    pub fn finish(&self) {
        let line = std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).line);
        self.tell(&line);
    }

    fn tell(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if !line.is_empty() {
            self.journal.write(self.level, line);
        }
    }

    pub fn last(&self) -> Vec<u8> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).last.clone()
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // For the other versions of WASI, which are not linked.
        Box::new(tokio::io::sink())
    }
}

#[async_trait::async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl OutputStream for Printed {
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
    fn the_line_past_the_bound_is_told_once() {
        let journal = Journal::new(&Arc::from("x"), 1, Vault::default());
        let said: Vec<_> = (0..4).map(|_| journal.count()).collect();
        assert_eq!(said, [Line::Write, Line::SayDropped, Line::Drop, Line::Drop]);
    }

    #[test]
    fn a_long_line_is_cut_and_the_last_of_it_kept() {
        let printed = Printed::new(Journal::new(&Arc::from("x"), 9, Vault::default()), Level::Info);
        printed.print(&vec![b'a'; 3 * LONGEST]);
        printed.print(b"end");
        let text = printed.state.lock().unwrap();
        assert_eq!((text.line.len(), text.last.len()), (LONGEST, LONGEST));
        assert!(text.last.ends_with(b"aend"));
    }
}
