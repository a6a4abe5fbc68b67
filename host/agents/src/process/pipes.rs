//! Writes queued lines to an agent's stdin, and reads its stdout and stderr. If the receiver of the output falls
//! behind, the agent blocks on its own pipe. Limits the length of lines, but does not interpret them.

use std::{io, os::fd::OwnedFd, time::Duration};

use cordboard_failpoints::{Failpoint, hit};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    net::unix::pipe,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{OutputKind, ProcessEvent};

/// The maximum length, in bytes, of a line that is kept in full. Agents print messages of 10 MB and more, such as a
/// base64-encoded picture that a tool has read.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// The number of bytes to keep of a line that is too long: enough to identify the kind of message.
const BEGINNING: usize = 4 * 1024;

/// The maximum length of a line of stderr that is kept, in characters.
const LONGEST_STDERR_LINE: usize = 2_000;

/// The size of the read buffer, in bytes. Most lines fit into it, and long lines need few reads.
const CHUNK: usize = 64 * 1024;

/// The time to wait for more output after the process tree has ended. At that point, only a process that was not found
/// or could not be killed can still hold the pipe open. Time during which the receiver of the lines is busy doesn't
/// count.
const ABANDON_AFTER: Duration = Duration::from_secs(2);

/// The maximum capacity of a pipe, in bytes: the default of `/proc/sys/fs/pipe-max-size`. An exited tree leaves at most
/// this much output in its pipe, so any more output comes from another process.
const LARGEST_PIPE: u64 = 1024 * 1024;

/// The tasks that write stdin, and drain stdout and stderr.
pub(super) struct Pipes {
    stdin: JoinHandle<()>,
    stdout: JoinHandle<()>,
    stderr: Option<JoinHandle<()>>,
    /// Whether the whole process tree has exited or was abandoned.
    tree_ended: watch::Sender<bool>,
    last_stderr_line: std::sync::Arc<std::sync::Mutex<Option<String>>>,
}

/// The host's ends of a process's pipes.
pub(super) struct HostPipes {
    stdin: pipe::Sender,
    stdout: pipe::Receiver,
    /// `None` if stdout and stderr share one pipe, so that their order is kept.
    stderr: Option<pipe::Receiver>,
}

/// The process's ends of its pipes.
pub(super) struct ChildStdio {
    pub stdin: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

impl HostPipes {
    pub(super) fn create(output: OutputKind) -> io::Result<(Self, ChildStdio)> {
        let (child_stdin, stdin) = io::pipe()?;
        let (stdout, child_stdout) = io::pipe()?;
        let (stderr, child_stderr) = match output {
            OutputKind::Merged => (None, child_stdout.try_clone()?),
            OutputKind::Lines => {
                let (stderr, child_stderr) = io::pipe()?;
                (Some(pipe::Receiver::from_owned_fd(stderr.into())?), child_stderr)
            }
        };
        let stdin = pipe::Sender::from_owned_fd(stdin.into())?;
        let stdout = pipe::Receiver::from_owned_fd(stdout.into())?;
        let child = ChildStdio { stdin: child_stdin.into(), stdout: child_stdout.into(), stderr: child_stderr.into() };
        Ok((Self { stdin, stdout, stderr }, child))
    }
}

impl Pipes {
    pub(super) fn connect(host: HostPipes, input: mpsc::Receiver<Vec<u8>>, events: mpsc::Sender<ProcessEvent>) -> Self {
        let tree_ended = watch::Sender::new(false);
        let last_stderr_line = std::sync::Arc::default();
        let output = if host.stderr.is_some() { OutputKind::Lines } else { OutputKind::Merged };
        let stderr = host.stderr.map(|stderr| {
            let lines = PipeLines::new(stderr, OutputKind::Lines, tree_ended.subscribe());
            tokio::spawn(read_stderr(lines, std::sync::Arc::clone(&last_stderr_line)))
        });
        let stdout = PipeLines::new(host.stdout, output, tree_ended.subscribe());
        let stdout = tokio::spawn(read_stdout(stdout, events));
        Self { stdin: tokio::spawn(write_stdin(host.stdin, input)), stdout, stderr, tree_ended, last_stderr_line }
    }

    /// Waits until stdout and stderr have ended or are abandoned, and all output that was read is delivered. Returns
    /// the last line of stderr that is not blank.
    pub(super) async fn finish(self) -> Option<String> {
        self.tree_ended.send_replace(true);
        for task in [Some(self.stdout), self.stderr].into_iter().flatten() {
            if let Err(error) = task.await {
                tracing::error!(%error, "failed to read an agent's output");
            }
        }
        // This task may still be writing to a process that dropped its tags and doesn't read its input.
        self.stdin.abort();
        self.last_stderr_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

/// Writes the queued lines, and closes stdin when the queue is closed.
async fn write_stdin(mut stdin: pipe::Sender, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(mut line) = lines.recv().await {
        line.push(b'\n');
        if let Err(error) = stdin.write_all(&line).await {
            // The agent exited or closed its input. If it exited, its exit is reported separately.
            tracing::debug!(%error, "the agent closed its input");
            return;
        }
        hit(Failpoint::PromptHandedOver);
    }
}

async fn read_stdout<R: AsyncRead + Unpin>(mut lines: PipeLines<R>, events: mpsc::Sender<ProcessEvent>) {
    while let Some(line) = lines.next().await {
        let event = match line {
            OutputLine::Whole(line) => ProcessEvent::Line(line),
            OutputLine::TooLong { bytes, beginning } => ProcessEvent::TooLong { bytes, beginning },
            OutputLine::Piece(piece) => ProcessEvent::Piece(piece),
        };
        // Ignore a missing receiver: the pipe must be drained anyway.
        drop(events.send(event).await);
    }
}

async fn read_stderr(
    mut lines: PipeLines<pipe::Receiver>,
    last_stderr_line: std::sync::Arc<std::sync::Mutex<Option<String>>>,
) {
    while let Some(line) = lines.next().await {
        let OutputLine::Whole(line) = line else { continue };
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if !text.is_empty() {
            tracing::debug!(line = text, "agent's stderr");
            let line = text.chars().take(LONGEST_STDERR_LINE).collect();
            *last_stderr_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(line);
        }
    }
}

/// Reads the lines of a pipe until its end. After the process tree has ended, stops when it has read more bytes than
/// the pipe can hold, or has waited for [`ABANDON_AFTER`].
struct PipeLines<R> {
    lines: LineReader<R>,
    tree_ended: watch::Receiver<bool>,
    /// The part of [`ABANDON_AFTER`] that is left.
    grace: Duration,
    /// The number of bytes that had been read when the end of the tree was noticed.
    read_before: Option<u64>,
}

impl<R: AsyncRead + Unpin> PipeLines<R> {
    fn new(reader: R, kind: OutputKind, tree_ended: watch::Receiver<bool>) -> Self {
        let lines = LineReader::new(reader, kind, LONGEST_LINE);
        Self { lines, tree_ended, grace: ABANDON_AFTER, read_before: None }
    }

    async fn next(&mut self) -> Option<OutputLine> {
        if *self.tree_ended.borrow() {
            let before = *self.read_before.get_or_insert(self.lines.read);
            if self.lines.read - before > LARGEST_PIPE {
                return abandon();
            }
        }
        let (tree_ended, grace, mut since) = (&mut self.tree_ended, self.grace, None);
        let leaked = async {
            if tree_ended.wait_for(|tree_ended| *tree_ended).await.is_err() {
                return std::future::pending().await;
            }
            since = Some(Instant::now());
            sleep(grace).await;
        };
        let line = tokio::select! {
            biased;
            line = self.lines.next() => line,
            () = leaked => abandon(),
        };
        self.grace = grace.saturating_sub(since.map_or(Duration::ZERO, |since| since.elapsed()));
        line
    }
}

fn abandon() -> Option<OutputLine> {
    tracing::warn!("an unknown process holds the pipe of an agent's output open: closing the pipe");
    None
}

#[derive(Debug, PartialEq, Eq)]
enum OutputLine {
    Whole(Vec<u8>),
    TooLong {
        bytes: u64,
        beginning: Vec<u8>,
    },
    /// A part of the output that may begin and end anywhere in a line.
    Piece(Vec<u8>),
}

/// Splits a stream into lines. Merged output is read in pieces as they arrive, because the end of a line may never
/// come. Keeps only the beginning of a line that is longer than `longest` bytes.
struct LineReader<R> {
    reader: BufReader<R>,
    kind: OutputKind,
    longest: usize,
    /// The number of bytes read so far.
    read: u64,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    fn new(reader: R, kind: OutputKind, longest: usize) -> Self {
        Self { reader: BufReader::with_capacity(CHUNK, reader), kind, longest, read: 0 }
    }

    /// Returns the next line without its newline, which the last line may lack, or the next piece of merged output.
    /// Returns `None` at the end of the stream or after a read error.
    async fn next(&mut self) -> Option<OutputLine> {
        match self.kind {
            OutputKind::Lines => self.next_line().await,
            OutputKind::Merged => self.next_piece().await.map(OutputLine::Piece),
        }
    }

    async fn next_piece(&mut self) -> Option<Vec<u8>> {
        let piece = self.reader.fill_buf().await.unwrap_or_default().to_vec();
        self.reader.consume(piece.len());
        self.read += piece.len() as u64;
        (!piece.is_empty()).then_some(piece)
    }

    async fn next_line(&mut self) -> Option<OutputLine> {
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
                // Free the memory at once: the rest of the line may be gigabytes.
                line.truncate(BEGINNING);
                line.shrink_to_fit();
            }
            let used = piece.len() + usize::from(end.is_some());
            self.reader.consume(used);
            self.read += used as u64;
            if end.is_some() {
                return Some(self.finish(line, bytes));
            }
        }
    }

    fn finish(&self, line: Vec<u8>, bytes: usize) -> OutputLine {
        if bytes <= self.longest {
            OutputLine::Whole(line)
        } else {
            OutputLine::TooLong { bytes: bytes as u64, beginning: line }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns pipes that read from `stdout`, and the receiver for their events.
    fn pipes<R: AsyncRead + Unpin + Send + 'static>(stdout: R) -> (Pipes, mpsc::Receiver<ProcessEvent>) {
        let (events, events_received) = mpsc::channel(crate::process::EVENT_QUEUE);
        let tree_ended = watch::Sender::new(false);
        let stdout =
            tokio::spawn(read_stdout(PipeLines::new(stdout, OutputKind::Lines, tree_ended.subscribe()), events));
        let last_stderr_line = std::sync::Arc::default();
        let idle = || tokio::spawn(async {});
        (Pipes { stdin: idle(), stdout, stderr: None, tree_ended, last_stderr_line }, events_received)
    }

    /// An agent prints more lines than the queue holds, and exits. The receiver is busy for a long time, and still gets
    /// all lines.
    #[tokio::test(start_paused = true)]
    async fn buffered_lines_reach_a_late_receiver() {
        let (mut agent, stdout) = tokio::io::duplex(CHUNK);
        let (pipes, mut events_received) = pipes(stdout);
        agent.write_all(&b"line\n".repeat(500)).await.unwrap();
        drop(agent);
        let finished = tokio::spawn(pipes.finish());
        sleep(10 * ABANDON_AFTER).await;
        let mut lines = 0;
        while events_received.recv().await.is_some() {
            lines += 1;
        }
        assert_eq!(lines, 500);
        finished.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_pipe_held_open_is_abandoned_despite_writes() {
        for pause in [Duration::ZERO, Duration::from_millis(100), 10 * ABANDON_AFTER] {
            let (mut hider, stdout) = tokio::io::duplex(CHUNK);
            let (pipes, mut events_received) = pipes(stdout);
            let hidden = tokio::spawn(async move {
                while hider.write_all(&[b'x'; 1000]).await.is_ok() && hider.write_all(b"\n").await.is_ok() {
                    sleep(pause).await;
                }
            });
            let receiver = tokio::spawn(async move { while events_received.recv().await.is_some() {} });
            let began = Instant::now();
            pipes.finish().await;
            assert!(began.elapsed() <= ABANDON_AFTER + Duration::from_secs(1), "{:?}", began.elapsed());
            receiver.await.unwrap();
            hidden.abort();
        }
    }

    async fn lines(input: &[u8], longest: usize) -> Vec<OutputLine> {
        let (mut lines, mut all) = (LineReader::new(input, OutputKind::Lines, longest), Vec::new());
        while let Some(line) = lines.next().await {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_counted_and_skipped() {
        let whole = |text: &[u8]| OutputLine::Whole(text.to_vec());
        assert_eq!(
            lines(b"a\n\nbcd\ntoo long\nlast", 4).await,
            [
                whole(b"a"),
                whole(b""),
                whole(b"bcd"),
                OutputLine::TooLong { bytes: 8, beginning: Vec::new() },
                whole(b"last")
            ]
        );
    }

    #[tokio::test]
    async fn a_line_longer_than_a_read_is_joined() {
        let long = vec![b'x'; 3 * CHUNK + 1];
        let input = [long.as_slice(), b"\nnext\n"].concat();
        assert_eq!(lines(&input, LONGEST_LINE).await, [OutputLine::Whole(long), OutputLine::Whole(b"next".to_vec())]);
    }
}
