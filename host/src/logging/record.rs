//! Reads a log record that was written as JSON.

use std::fmt::Write as _;

use cordboard_core::render::is_unseen;
use serde_json::{Map, Value};

/// A record of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogRecord {
    /// The time in UTC, in RFC 3339. Empty if the record has none.
    pub timestamp: String,
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: String,
    /// The module that logged the record.
    pub target: String,
    pub message: String,
    /// All fields, including the message.
    fields: Map<String, Value>,
}

impl LogRecord {
    /// Reads a line. Text that isn't JSON becomes the message.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let Ok(mut record) = serde_json::from_str::<Map<String, Value>>(line) else {
            return Self { message: line.trim_end().to_owned(), ..Self::default() };
        };
        let owned = |value: Option<Value>| value.as_ref().map(text).unwrap_or_default();
        let fields = match record.remove("fields") {
            Some(Value::Object(fields)) => fields,
            Some(_) | None => Map::new(),
        };
        Self {
            timestamp: owned(record.remove("timestamp")),
            level: owned(record.remove("level")),
            target: owned(record.remove("target")),
            message: fields.get("message").map(text).unwrap_or_default(),
            fields,
        }
    }

    /// Returns the fields except for the message, as their names and values.
    pub fn fields(&self) -> impl Iterator<Item = (&str, String)> {
        self.fields.iter().filter(|(name, _)| *name != "message").map(|(name, value)| (name.as_str(), text(value)))
    }

    /// Returns the message, followed by the fields.
    #[must_use]
    pub fn text(&self) -> String {
        self.fields().fold(self.message.clone(), |all, (name, value)| format!("{all} {name}={value}"))
    }

    /// Returns whether `target` is the record's module, a module above it, or its crate.
    #[must_use]
    pub fn is_from(&self, target: &str) -> bool {
        self.target.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }

    /// Returns the record as one line, without invisible characters.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = format!("{} {:>5} ", self.timestamp, self.level);
        for letter in self.text().chars() {
            // Writing to a string can't fail.
            _ = if is_unseen(letter) { write!(line, "{}", letter.escape_default()) } else { line.write_char(letter) };
        }
        line
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"timestamp":"2026-11-30T00:00:00Z","level":"WARN","target":"cordboard::hub","fields":{"message":"failed\u001b[2J","count":3,"why":"a\nb"}}"#;

    #[test]
    fn a_record_is_one_line() {
        let record = LogRecord::parse(RECORD);
        assert_eq!(record.line(), r"2026-11-30T00:00:00Z  WARN failed\u{1b}[2J count=3 why=a\nb");
        assert_eq!(LogRecord::parse("no json\n").text(), "no json");
    }

    #[test]
    fn a_target_includes_the_modules_below_it() {
        let record = LogRecord::parse(RECORD);
        let from = ["cordboard", "cordboard::hub", "cordboard::h", "cordboard::hub::x"].map(|one| record.is_from(one));
        assert_eq!(from, [true, true, false, false]);
    }
}
