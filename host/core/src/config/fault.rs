//! Faults in a configuration text and their positions. This module contains the messages about invalid TOML and byte
//! order marks; all others come from the modules that find the faults.

use std::{fmt, ops::Range};

use super::value::shorten;
use crate::text_file::BYTE_ORDER_MARK;

/// The maximum number of faults listed in an error: about as many as a person would fix before trying again.
const MAX_FAULTS: usize = 20;

/// The maximum length of a line in an excerpt, in characters, excluding any closing brackets after the fault.
const WIDEST: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line number, starting at 1.
    pub line: usize,
    /// The column in characters, starting at 1.
    pub column: usize,
    /// Describes the fault and how to fix it.
    pub message: String,
    excerpt: String,
}

/// The faults of a rejected configuration, in order of position. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    faults: Vec<Fault>,
    /// The number of faults that are not listed.
    more: usize,
}

/// A fault whose position is a range of bytes in the text.
#[derive(Debug)]
pub(super) struct Finding {
    pub at: Range<usize>,
    pub message: String,
    /// The offset at which the excerpt must end because the fault may be inside a secret. This is the start of the
    /// value, or of the faulty line if the value begins on an earlier line.
    pub hidden_from: Option<usize>,
}

impl Finding {
    pub(super) const fn new(at: Range<usize>, message: String) -> Self {
        Self { at, message, hidden_from: None }
    }
}

impl Fault {
    /// Returns the line that contains the fault, with carets below the fault. The excerpt omits everything after the
    /// fault except closing brackets, and any earlier entries of an inline table, because both may contain a secret.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    fn place(text: &str, finding: Finding) -> Self {
        let start = floor_boundary(text, finding.at.start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[..start].matches('\n').count() + 1;
        let column = text[line_start..start].chars().count() + 1;
        let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |length| start + length);
        let end = floor_boundary(text, finding.at.end).clamp(start, line_end);
        let excerpt = match finding.hidden_from {
            Some(from) => excerpt(line, &text[line_start..from], "", "…"),
            None => excerpt(line, &text[line_start..start], &text[start..end], &text[end..line_end]),
        };
        Self { line, column, message: finding.message, excerpt }
    }
}

/// Formats the line that contains the faulty text `marked`, with carets below that text. Replaces `after` with an
/// ellipsis unless it consists of closing brackets and white space. Shortens long lines.
fn excerpt(line: usize, before: &str, marked: &str, after: &str) -> String {
    let plain = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<Vec<_>>();
    let other_values = if before.contains('{') {
        let quote = before.rfind(['"', '\'']).map(|quote| quote + 1);
        quote.max(before.rfind(',')).unwrap_or(0)
    } else {
        0
    };
    let (before, marked) = (plain(&before[other_values..]), plain(marked));
    let cut = before.len().saturating_sub(WIDEST / 2);
    let lead = if cut > 0 || other_values > 0 { "…" } else { "" };
    let shown = before[cut..].iter().chain(marked.iter().take(WIDEST / 2)).copied();
    let closes = after.chars().all(|c| c.is_whitespace() || "]}".contains(c));
    let tail = if closes && marked.len() <= WIDEST / 2 { plain(after.trim_end()) } else { vec!['…'] };
    let shown: String = shown.chain(tail).collect();
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    let indent = " ".repeat(lead.chars().count() + before.len() - cut);
    let carets = "^".repeat(marked.len().clamp(1, WIDEST / 2));
    format!("{number} | {lead}{shown}\n{gutter} | {indent}{carets}")
}

/// The second part of a message about a byte order mark. The first part names the line or key that contains the mark.
pub(super) const CONTAINS_MARK: &str =
    "contains a byte order mark (U+FEFF), which most editors don't show: delete the line and type it again";

/// Finds the first byte order mark in the line that contains `offset`. Concatenating files can leave such a mark in the
/// middle of a text.
fn byte_order_mark(text: &str, offset: usize) -> Option<usize> {
    let offset = floor_boundary(text, offset);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next()?;
    line.find(BYTE_ORDER_MARK).map(|at| start + at)
}

/// Returns the start of the value on the line that contains `offset`, or the start of that line if the value begins on
/// an earlier one. Returns `None` if only a key or table name precedes `offset` on its line.
fn value_before(text: &str, offset: usize) -> Option<usize> {
    let offset = floor_boundary(text, offset);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let value = match line.find('=') {
        Some(equals) => equals + 1 + line[equals + 1..].chars().take_while(|c| *c == ' ').count(),
        None if line.trim_start().trim_start_matches(BYTE_ORDER_MARK).starts_with('[') => return None,
        // The line continues a value that begins on an earlier line.
        None => 0,
    };
    Some(start + value).filter(|value| *value <= offset)
}

/// If the name of a key or table contains one of these words, its value may be a secret, even though a configuration
/// should contain only the locations of secrets. A word matches anywhere in the name, because the name may be
/// misspelled.
const SECRET_KEYS: [&str; 8] = ["secret", "token", "password", "key", "hmac", "env", "http", "tcp"];

/// Returns whether `offset` in a text that is not valid TOML may be inside a value whose key or table name contains one
/// of [`SECRET_KEYS`]. The text can't be parsed, so this function finds tables and keys only by the `[` or `=` on their
/// lines.
fn may_be_secret(text: &str, offset: usize) -> bool {
    let offset = floor_boundary(text, offset);
    let end = text[offset..].find('\n').map_or(text.len(), |length| offset + length);
    let (mut table, mut key) = ("", "");
    for line in text[..end].lines().map(str::trim_start) {
        if let Some((before, _)) = line.split_once('=') {
            key = before;
        } else if line.starts_with('[') {
            table = line;
        }
    }
    let is_secret = |name: &str| SECRET_KEYS.iter().any(|word| name.contains(word));
    is_secret(key) || is_secret(table)
}

/// Limits a byte offset to the length of the text, and rounds it down to a character boundary.
fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl ConfigError {
    pub(super) fn new(text: &str, mut findings: Vec<Finding>) -> Self {
        for finding in &mut findings {
            // A byte order mark is invisible and usually causes the other faults on its line, so report only the mark.
            if let Some(mark) = byte_order_mark(text, finding.at.start) {
                *finding = Finding::new(mark..mark, format!("this line {CONTAINS_MARK}"));
                // The mark may be inside a secret, and an excerpt couldn't show it anyway, so hide the value.
                finding.hidden_from = value_before(text, mark);
            }
        }
        findings.sort_by_key(|finding| finding.at.start);
        findings.dedup_by(|a, b| a.at == b.at && a.message == b.message);
        let more = findings.len().saturating_sub(MAX_FAULTS);
        findings.truncate(MAX_FAULTS);
        Self { faults: findings.into_iter().map(|finding| Fault::place(text, finding)).collect(), more }
    }

    /// Returns the error for a text that is not valid TOML. It lists only the parser's first error, which usually
    /// causes the others.
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().unwrap_or(0..0);
        let marked = text.get(at.clone()).unwrap_or_default();
        let message = match (error.message(), marked) {
            ("duplicate key", "lifecycle") => {
                "'lifecycle' appears twice: to use a table [plugins.lifecycle], remove lifecycle = \"lifecycle\", which is the default"
                    .to_owned()
            }
            ("duplicate key", key) => format!("'{}' appears twice: remove one", shorten(key)),
            (other, _) => format!("invalid TOML: {other}"),
        };
        let hidden_from = value_before(text, at.start).filter(|_| may_be_secret(text, at.start));
        Self::new(text, vec![Finding { at, message, hidden_from }])
    }

    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Formats the listed faults, each with its excerpt, and the number of faults that are not listed.
    #[must_use]
    pub fn excerpt(&self) -> String {
        let shown: Vec<_> = self.faults.iter().map(|fault| format!("{fault}\n{}", fault.excerpt)).collect();
        format!("{}{}", shown.join("\n"), More(self.more))
    }
}

/// Prints the number of faults that are not listed, or nothing if all faults are listed.
struct More(usize);

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str("\nand 1 more error"),
            more => write!(f, "\nand {more} more errors"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// Prints one fault per line, and the number of faults that are not listed.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "\n" })?;
        }
        More(self.more).fmt(f)
    }
}

impl std::error::Error for ConfigError {}
