//! Splits a pipe's input into lines, each of which is one message. Buffers at most [`MAX_LINE_LENGTH`] bytes per line, and
//! rejects longer lines entirely.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use tokio::sync::mpsc;

/// The maximum length of a line, in bytes: longer than any typical prompt, but small enough to keep in memory.
pub(super) const MAX_LINE_LENGTH: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InputLine {
    /// A line without its line break.
    Text(String),
    TooLong,
}

/// Reads lines until the input ends or fails, or the receiver is dropped. Call it on a dedicated thread, because it
/// blocks while waiting for input and while the channel is full.
pub(super) fn read(reader: impl Read, lines: &mpsc::Sender<InputLine>) {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    loop {
        match next(&mut reader) {
            Ok(Some(line)) => {
                if lines.blocking_send(line).is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "failed to read standard input: no more input is read");
                return;
            }
        }
    }
}

/// Returns the next line, or `None` at the end of input. The last line may have no line break.
fn next(reader: &mut impl BufRead) -> io::Result<Option<InputLine>> {
    let mut line = Vec::new();
    let mut read = 0;
    loop {
        let chunk = match reader.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok((read > 0).then(|| finished(line, read)));
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(chunk.len());
        read += taken;
        if read <= MAX_LINE_LENGTH {
            line.extend_from_slice(&chunk[..taken]);
        }
        reader.consume(end.map_or(taken, |end| end + 1));
        if end.is_some() {
            return Ok(Some(finished(line, read)));
        }
    }
}

fn finished(mut line: Vec<u8>, read: usize) -> InputLine {
    if read > MAX_LINE_LENGTH {
        return InputLine::TooLong;
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    InputLine::Text(String::from_utf8_lossy(&line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<InputLine> {
        let mut reader = BufReader::with_capacity(7, bytes);
        std::iter::from_fn(|| next(&mut reader).unwrap()).collect()
    }

    fn text(text: &str) -> InputLine {
        InputLine::Text(text.to_owned())
    }

    #[test]
    fn each_kind_of_line_is_parsed() {
        assert_eq!(lines(b""), []);
        assert_eq!(
            lines(b"one\r\n\ntwo, longer than the buffer\nlast"),
            [text("one"), text(""), text("two, longer than the buffer"), text("last")]
        );
        assert_eq!(lines(b"bad \xff byte\n"), [text("bad \u{fffd} byte")]);
        assert_eq!(lines("split über the buffer\n".as_bytes()), [text("split über the buffer")]);
    }

    #[test]
    fn an_oversized_line_is_refused_as_a_whole() {
        let mut bytes = vec![b'x'; MAX_LINE_LENGTH];
        bytes.extend(b"\n");
        assert_eq!(lines(&bytes), [text(&"x".repeat(MAX_LINE_LENGTH))]);
        bytes.insert(0, b'x');
        bytes.extend(b"next");
        assert_eq!(lines(&bytes), [InputLine::TooLong, text("next")]);
    }
}
