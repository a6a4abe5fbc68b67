//! Faults in a configuration text and their positions. Other modules word the messages, except those for invalid TOML.

use std::{fmt, ops::Range};

use super::value::shorten;
use crate::encoding::BYTE_ORDER_MARK;

/// The maximum number of faults in one error: about as many as a person fixes before trying again.
const MOST_FAULTS: usize = 20;

/// The maximum number of characters of a line in an excerpt.
const WIDEST: usize = 100;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Starts at 1.
    pub line: usize,
    /// In characters, starting at 1.
    pub column: usize,
    /// The fault and its remedy.
    pub message: String,
    excerpt: String,
}

/// The reason why a configuration was rejected. Has at least one fault; the faults are in order of position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    faults: Vec<Fault>,
    /// The number of faults that are not listed.
    more: usize,
}

/// A fault whose position is still an offset into the text.
#[derive(Debug)]
pub(super) struct Finding {
    pub at: Range<usize>,
    pub message: String,
}

impl Fault {
    /// The line with a caret below the position. The rest of the line, and the part of an inline table before the
    /// position, are left out because they may contain a secret.
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
        let excerpt = excerpt(line, &text[line_start..start], &text[start..end], &text[end..line_end]);
        Self { line, column, message: finding.message, excerpt }
    }
}

/// Formats `before` and `marked` as they are, with an ellipsis in place of the rest.
fn excerpt(line: usize, before: &str, marked: &str, after: &str) -> String {
    let plain = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<Vec<_>>();
    let quoted = before.rfind(['"', '\'']).filter(|_| before.contains('{')).map_or(0, |quote| quote + 1);
    let (before, marked) = (plain(&before[quoted..]), plain(marked));
    let cut = before.len().saturating_sub(WIDEST / 2);
    let lead = if cut > 0 || quoted > 0 { "…" } else { "" };
    let shown: String = before[cut..].iter().chain(marked.iter().take(WIDEST / 2)).collect();
    let closes = after.chars().all(|c| c.is_whitespace() || "]}".contains(c));
    let tail = if closes && marked.len() <= WIDEST / 2 { after.trim_end() } else { "…" };
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    let indent = " ".repeat(lead.chars().count() + before.len() - cut);
    let carets = "^".repeat(marked.len().clamp(1, WIDEST / 2));
    format!("{number} | {lead}{shown}{tail}\n{gutter} | {indent}{carets}")
}

/// The fault of a line or a text with a byte order mark, after its subject.
pub(super) const CONTAINS_MARK: &str =
    "contains a byte order mark (U+FEFF), which most editors don't show: delete the line and type it again";

/// The offset of a byte order mark in the line of `offset`. Concatenated files have one in the middle.
fn byte_order_mark(text: &str, offset: usize) -> Option<usize> {
    let offset = floor_boundary(text, offset);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next()?;
    line.find(BYTE_ORDER_MARK).map(|at| start + at)
}

/// Clamps the parser's offset to the text and to a character boundary.
fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl ConfigError {
    pub(super) fn new(text: &str, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.at.start);
        let more = findings.len().saturating_sub(MOST_FAULTS);
        findings.truncate(MOST_FAULTS);
        for finding in &mut findings {
            // Report only the mark: other faults in the line usually follow from it and are hard to see.
            if let Some(mark) = byte_order_mark(text, finding.at.start) {
                *finding = Finding { at: mark..mark, message: format!("this line {CONTAINS_MARK}") };
            }
        }
        Self { faults: findings.into_iter().map(|finding| Fault::place(text, finding)).collect(), more }
    }

    /// The error for a text that is not TOML. Lists only the parser's first error, because later ones mostly follow
    /// from it.
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().unwrap_or(0..0);
        let marked = text.get(at.clone()).unwrap_or_default();
        let message = match (error.message(), marked) {
            ("duplicate key", "lifecycle") => {
                "'lifecycle' appears twice: remove lifecycle = \"lifecycle\", the default, to use a table [plugins.lifecycle]"
                    .to_owned()
            }
            ("duplicate key", key) => format!("'{}' appears twice: remove one", shorten(key)),
            (other, _) => format!("invalid TOML: {other}"),
        };
        Self::new(text, vec![Finding { at, message }])
    }

    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// All faults, each with its line of the text.
    #[must_use]
    pub fn excerpt(&self) -> String {
        let shown: Vec<_> = self.faults.iter().map(|fault| format!("{fault}\n{}", fault.excerpt)).collect();
        format!("{}{}", shown.join("\n"), More(self.more))
    }
}

/// A line with the number of faults that are not listed, empty if all are.
struct More(usize);

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, "\nand {} more errors", self.0) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// Prints one fault per line.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "\n" })?;
        }
        More(self.more).fmt(f)
    }
}

impl std::error::Error for ConfigError {}
