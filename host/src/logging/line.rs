//! Writes each log record to a stream, as one line of text or JSON.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use cordboard_core::{render::is_unseen, scrub};

/// Writes each log record on one line. Each record must be written in a single call that ends with a line break.
/// Removes secrets from every record, because libraries may log requests and responses.
pub struct LineWriter<W>(pub W);

impl<W: Write> Write for LineWriter<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let record_text = scrub::text(String::from_utf8_lossy(record).into_owned());
        self.0.write_all(escape_line(&record_text).as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes each log record, which is a JSON object, on one line. Each record must be written in a single call.
pub struct JsonLineWriter<W>(pub W);

impl<W: Write> Write for JsonLineWriter<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.write_all(one_json_line(record).as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Returns the record as one line, with secrets removed. JSON already escapes line breaks, so this escapes only
/// characters that are invisible or change the writing direction. A JSON escape is always valid for them, because they
/// can occur only in strings.
pub(super) fn one_json_line(record: &[u8]) -> String {
    let record = scrub::text(String::from_utf8_lossy(record).into_owned());
    let mut line = String::with_capacity(record.len());
    for c in record.trim_end().chars() {
        if is_unseen(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| _ = write!(line, "\\u{unit:04x}"));
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

/// Returns a record as one line. Keeps tabs and colors. Escapes line breaks, other control characters, invisible
/// characters, and those that change the writing direction.
fn escape_line(record: &str) -> String {
    let mut line = String::with_capacity(record.len());
    let record = record.strip_suffix('\n').unwrap_or(record);
    for (at, c) in record.char_indices() {
        match c {
            '\t' => line.push(c),
            '\u{1b}' if is_color_sequence(&record[at + 1..]) => line.push(c),
            c if is_unseen(c) => _ = write!(line, "{}", c.escape_default()),
            c => line.push(c),
        }
    }
    line.push('\n');
    line
}

/// Returns whether the text after an escape character continues a color sequence. Only tracing-subscriber writes such
/// sequences: it escapes the escape characters in messages and fields.
fn is_color_sequence(rest: &str) -> bool {
    let end = rest.strip_prefix('[').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
    end.is_some_and(|end| end.starts_with('m'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_record_stays_json_and_is_scrubbed() {
        scrub::remember("<token>", "987654321:JsO-abcdefghijklmnop");
        let fields = serde_json::json!({ "a": "x\u{202e}\n\u{e0001}\"987654321:JsO-abcdefghijklmnop\"" });
        let mut lines = Vec::new();
        JsonLineWriter(&mut lines).write_all(format!("{fields}\n").as_bytes()).unwrap();
        let line = String::from_utf8(lines).unwrap();
        assert_eq!(line, "{\"a\":\"x\\u202e\\n\\udb40\\udc01\\\"<token>\\\"\"}\n");
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["a"], "x\u{202e}\n\u{e0001}\"<token>\"");
    }
}
