//! Captures the log records of a test's thread, so that the test can check them.

use std::{
    io,
    sync::{Arc, Mutex},
};

/// The captured log records of the current thread. Dropping this value ends the capture.
pub struct CapturedLog {
    bytes: Bytes,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Bytes(Arc<Mutex<Vec<u8>>>);

pub fn start() -> CapturedLog {
    let bytes = Bytes::default();
    let written = bytes.clone();
    let subscriber =
        tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(move || written.clone()).finish();
    CapturedLog { bytes, _guard: tracing::subscriber::set_default(subscriber) }
}

impl CapturedLog {
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
