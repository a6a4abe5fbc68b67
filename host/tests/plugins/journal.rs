//! Captures the log for a test.

use std::{
    io,
    sync::{Arc, Mutex},
};

/// Captures the log records of this thread until dropped.
pub struct Listening {
    lines: Lines,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

pub fn listen() -> Listening {
    let lines = Lines::default();
    let heard = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(move || heard.clone()).finish();
    Listening { lines, _guard: tracing::subscriber::set_default(subscriber) }
}

impl Listening {
    pub fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
