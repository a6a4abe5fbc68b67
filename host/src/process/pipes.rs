//! An agent's pipes: stdin is written from a queue, stdout and stderr are always drained, so that a full pipe never stops
//! the agent. Owns the bounds of a line; must never look into one.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::{ChildStderr, ChildStdin, ChildStdout},
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use super::ProcessEvent;

/// Agents print lines of 10 MB and more (a picture read by a tool, base64). Past this a line is no message any more.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// Enough of a stderr line for a person to read.
const LONGEST_LAST_WORDS: usize = 2_000;

/// A read's size: most lines fit, and a long one needs few turns.
const CHUNK: usize = 64 * 1024;

/// How long the pipes may stay open after the whole tree is gone: only a process that shed its mark can still hold them.
const LEAK_GRACE: Duration = Duration::from_secs(2);

/// The tasks that feed stdin, and drain stdout and stderr.
pub(super) struct Pipes {
    stdin: JoinHandle<()>,
    stdout: JoinHandle<()>,
    stderr: JoinHandle<()>,
    last_words: std::sync::Arc<std::sync::Mutex<Option<String>>>,
}

/// This side of a process's stdin, stdout and stderr.
pub(super) type Ends = (ChildStdin, ChildStdout, ChildStderr);

impl Pipes {
    pub(super) fn connect(pipes: Ends, lines: mpsc::Receiver<Vec<u8>>, events: mpsc::Sender<ProcessEvent>) -> Self {
        let (stdin, stdout, stderr) = pipes;
        let last_words = std::sync::Arc::default();
        let stdout = tokio::spawn(forward(stdout, events));
        let stderr = tokio::spawn(listen(stderr, std::sync::Arc::clone(&last_words)));
        Self { stdin: tokio::spawn(write(stdin, lines)), stdout, stderr, last_words }
    }

    /// Waits for the pipes' ends, but not for ever; what was read so far has been told.
    pub(super) async fn finish(mut self) -> Option<String> {
        let end = Instant::now() + LEAK_GRACE;
        for task in [&mut self.stdout, &mut self.stderr] {
            if timeout_at(end, &mut *task).await.is_err() {
                tracing::warn!("an agent's output is still held open by a process that hides; it is given up");
                task.abort();
            }
        }
        // It may still wait for a reader that hides.
        self.stdin.abort();
        self.last_words.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

/// Writes what is queued, a line each; ends the input when the queue is closed.
async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(mut line) = lines.recv().await {
        line.push(b'\n');
        if let Err(error) = stdin.write_all(&line).await {
            // It died, or closed its input: its exit tells the rest.
            tracing::debug!(%error, "the agent reads no more");
            return;
        }
    }
}

async fn forward(stdout: ChildStdout, events: mpsc::Sender<ProcessEvent>) {
    let mut lines = Lines::new(stdout, LONGEST_LINE);
    while let Some(line) = lines.next().await {
        let event = match line {
            Line::Whole(line) => ProcessEvent::Line(line),
            Line::TooLong(bytes) => ProcessEvent::TooLong { bytes },
        };
        // Nobody listens any more: the pipe is drained all the same.
        drop(events.send(event).await);
    }
}

async fn listen(stderr: ChildStderr, last_words: std::sync::Arc<std::sync::Mutex<Option<String>>>) {
    let mut lines = Lines::new(stderr, LONGEST_LINE);
    while let Some(line) = lines.next().await {
        let Line::Whole(line) = line else { continue };
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if !text.is_empty() {
            tracing::debug!(line = text, "agent's stderr");
            let words = text.chars().take(LONGEST_LAST_WORDS).collect();
            *last_words.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(words);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Whole(Vec<u8>),
    TooLong(u64),
}

/// Cuts a stream into lines of at most `longest` bytes.
struct Lines<R> {
    reader: BufReader<R>,
    longest: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(reader: R, longest: usize) -> Self {
        Self { reader: BufReader::with_capacity(CHUNK, reader), longest }
    }

    /// The next line without its newline; a last one needs none. None at the end, and after a read error, which is one too.
    async fn next(&mut self) -> Option<Line> {
        let (mut line, mut bytes) = (Vec::new(), 0_usize);
        loop {
            let buffer = self.reader.fill_buf().await.unwrap_or_default();
            if buffer.is_empty() {
                return (bytes > 0).then(|| self.finish(line, bytes));
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let piece = &buffer[..end.unwrap_or(buffer.len())];
            bytes += piece.len();
            if bytes <= self.longest {
                line.extend_from_slice(piece);
            } else {
                // Given back at once: the rest of it may be gigabytes.
                line = Vec::new();
            }
            let used = piece.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Some(self.finish(line, bytes));
            }
        }
    }

    fn finish(&self, line: Vec<u8>, bytes: usize) -> Line {
        if bytes <= self.longest { Line::Whole(line) } else { Line::TooLong(bytes as u64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &[u8], longest: usize) -> Vec<Line> {
        let (mut lines, mut all) = (Lines::new(input, longest), Vec::new());
        while let Some(line) = lines.next().await {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn a_line_past_the_bound_is_counted_and_skipped() {
        let whole = |text: &[u8]| Line::Whole(text.to_vec());
        assert_eq!(
            lines(b"a\n\nbcd\ntoo long\nlast", 4).await,
            [whole(b"a"), whole(b""), whole(b"bcd"), Line::TooLong(8), whole(b"last")]
        );
    }

    #[tokio::test]
    async fn a_line_longer_than_a_read_is_put_together() {
        let long = vec![b'x'; 3 * CHUNK + 1];
        let input = [long.as_slice(), b"\nnext\n"].concat();
        assert_eq!(lines(&input, LONGEST_LINE).await, [Line::Whole(long), Line::Whole(b"next".to_vec())]);
    }
}
