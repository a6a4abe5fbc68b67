//! Extracts a guest's panic or exception message from its standard error. It recognizes the formats of Rust, Python and
//! JavaScript, and ignores earlier output.

use super::line::escape_line;

/// The maximum length in bytes of a panic message in a chat. The log contains the complete message, line by line.
const MAX_MESSAGE: usize = 400;

/// The line that Python prints before the stack frames of an exception.
const TRACEBACK: &str = "Traceback (most recent call last):";

/// The prefix that `guard.mjs` in the plugin templates prints before a JavaScript exception.
const UNCAUGHT: &str = "uncaught ";

/// The panic message found so far.
#[derive(Default)]
pub struct GuestPanic {
    message: Option<PanicMessage>,
    last: String,
}

enum PanicMessage {
    /// The text that starts at `panicked at`. The thread name is left out, because a component has one thread.
    Panic(String),
    /// A Python exception: its innermost frame, and its text, which follows the frames.
    Traceback {
        place: String,
        exception: String,
    },
    Uncaught {
        exception: String,
        place: String,
    },
}

impl GuestPanic {
    /// Reads the next line of standard error.
    pub fn read_line(&mut self, line: &str) {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with("note: run with") {
            return;
        }
        self.last = cut(line.trim_start());
        match (&mut self.message, message_start(line)) {
            // Python's runtime may panic after an exception in the plugin. The exception is the cause, so keep it.
            (Some(PanicMessage::Traceback { .. }), Some(PanicMessage::Panic(_))) => {}
            (message, Some(new)) => *message = Some(new),
            (Some(PanicMessage::Panic(text)), None) if text.len() < MAX_MESSAGE => {
                text.push(' ');
                text.push_str(line.trim_start());
            }
            (Some(PanicMessage::Traceback { place, exception }), None) if exception.is_empty() => {
                match line.trim_start() {
                    inner if inner.len() == line.len() => line.clone_into(exception),
                    inner if inner.starts_with("File \"") => inner.clone_into(place),
                    _ => {}
                }
            }
            (Some(PanicMessage::Uncaught { place, .. }), None) if place.is_empty() => {
                if let Some(at) = line.trim_start().strip_prefix("at ") {
                    at.clone_into(place);
                }
            }
            (Some(_) | None, None) => {}
        }
    }

    /// Returns the reason on one line. `cause` is wasmtime's error, which is used if the guest printed no panic
    /// message.
    pub fn reason(&self, cause: String) -> String {
        let at = |exception: &str, place: &str| match place {
            "" => exception.to_owned(),
            place => format!("{} ({place})", cut(exception)),
        };
        let reason = match &self.message {
            Some(PanicMessage::Panic(text)) => text.clone(),
            Some(PanicMessage::Traceback { place, exception }) if !exception.is_empty() => at(exception, place),
            Some(PanicMessage::Uncaught { exception, place }) => at(exception, place),
            Some(PanicMessage::Traceback { .. }) | None if self.last.is_empty() => return cause,
            Some(PanicMessage::Traceback { .. }) | None => format!("{cause}; its last line of output: {}", self.last),
        };
        cut(&reason)
    }
}

/// Returns the message that starts on this line, if any.
fn message_start(line: &str) -> Option<PanicMessage> {
    let panicked = |mark: &str| line.contains("thread '").then(|| line.find(mark)).flatten().map(|at| at + 2);
    if let Some(at) = panicked("' panicked at ").or_else(|| panicked(") panicked at ")) {
        return Some(PanicMessage::Panic(line[at..].to_owned()));
    }
    if line == TRACEBACK {
        return Some(PanicMessage::Traceback { place: String::new(), exception: String::new() });
    }
    let exception = line.strip_prefix(UNCAUGHT)?.to_owned();
    Some(PanicMessage::Uncaught { exception, place: String::new() })
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_MESSAGE);
    let whole = if end < text.len() { format!("{}…", &text[..end]) } else { text.to_owned() };
    escape_line(&whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(lines: &str) -> String {
        let mut panic = GuestPanic::default();
        lines.lines().for_each(|line| panic.read_line(line));
        panic.reason("wasm trap".to_owned())
    }

    #[test]
    fn a_panic_excludes_earlier_output() {
        let text = "debugging\nhere thread '<unnamed>' (1) panicked at src/lib.rs:7:5:\nas it\nwas asked to\nnote: run with `RUST_BACKTRACE=1`\n";
        assert_eq!(reason(text), "panicked at src/lib.rs:7:5: as it was asked to");
        let long = format!("thread 'main' panicked at src/lib.rs:7:5:\n{}", "ä".repeat(4000));
        assert!(reason(&long).starts_with("panicked at src/lib.rs:7:5: ä") && reason(&long).len() < MAX_MESSAGE + 9);
    }

    #[test]
    fn a_python_exception_names_its_innermost_frame() {
        let first = "Traceback (most recent call last):\n  File \"plugin.py\", line 3, in a\n    b()\nKeyError: 'x'\n";
        let second = "During handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"plugin.py\", line 9, in run\n    a()\n  File \"plugin.py\", line 5, in a\n    raise ValueError(\"bad\")\nValueError: bad\nthread '<unnamed>' panicked at runtime.rs:1:\nend\n";
        assert_eq!(reason(&format!("noise\n{first}{second}")), "ValueError: bad (File \"plugin.py\", line 5, in a)");
    }

    #[test]
    fn a_javascript_exception_names_its_first_frame() {
        let text = "noise\nuncaught Error: bad *thing*\n    at run@plugin.js:12:30\n    at wrapped@guard.mjs:1:1\nexpected a string, received [object]\n";
        assert_eq!(reason(text), "Error: bad *thing* (run@plugin.js:12:30)");
    }

    #[test]
    fn the_runtime_error_is_used_without_a_guest_message() {
        assert_eq!(reason(""), "wasm trap");
        assert_eq!(reason("one\n\n assertion failed: x\n"), "wasm trap; its last line of output: assertion failed: x");
    }
}
