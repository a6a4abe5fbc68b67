//! Writes text to a pipe in the requested order, and reports when it is written. Each request contains complete lines,
//! so lines never interleave.

use std::io::{self, Write};

use tokio::sync::mpsc;

use super::OutputRequest;

/// Writes until a request closes the output, the channel closes, or a write fails. Call it on a dedicated thread,
/// because it blocks while the pipe is full.
pub(super) fn write(mut writer: impl Write, mut requests: mpsc::Receiver<OutputRequest>) {
    while let Some(request) = requests.blocking_recv() {
        match request {
            OutputRequest::Print { text, done } => {
                let written = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
                let failed = written.as_ref().err().map(io::Error::kind);
                // The caller may have stopped waiting.
                drop(done.send(written));
                if let Some(kind) = failed {
                    tracing::debug!(%kind, "standard output was closed");
                    return;
                }
            }
            // Pipes don't show a status.
            OutputRequest::Status(_) => {}
            OutputRequest::Close { done } => {
                let _ = done.send(());
                return;
            }
        }
    }
}
