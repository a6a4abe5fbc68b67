//! Writes the output of commands to standard output.

use std::io::{self, ErrorKind, Write};

/// The error for output that could not be written completely.
#[derive(Debug, thiserror::Error)]
#[error("write to standard output: {0}")]
pub struct OutputError(#[source] io::Error);

/// Writes a text to standard output. A reader that exits early, as `head` does, is not an error.
///
/// # Errors
/// The write failed, for example because the disk is full.
pub fn print(text: &str) -> Result<(), OutputError> {
    print_while_read(text).map(drop)
}

/// Writes a text to standard output. Returns whether the reader still reads.
///
/// # Errors
/// The write failed, for example because the disk is full.
pub fn print_while_read(text: &str) -> Result<bool, OutputError> {
    write_all(&mut io::stdout().lock(), text)
}

fn write_all(out: &mut impl Write, text: &str) -> Result<bool, OutputError> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(OutputError(error)),
        Ok(()) => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_closed_reader_is_no_error() {
        assert!(!write_all(&mut Failing(ErrorKind::BrokenPipe), "x").unwrap());
        let error = write_all(&mut Failing(ErrorKind::StorageFull), "x").unwrap_err();
        assert_eq!(error.to_string(), "write to standard output: no storage space");
        let mut out = Vec::new();
        assert!(write_all(&mut out, "x").unwrap() && out == b"x");
    }
}
