//! What is wrong with a configuration's text, and where. It words no fault: those who find one do.

use std::{fmt, ops::Range};

use super::value::shown;
use crate::encoding::BYTE_ORDER_MARK;

/// The most faults that one error lists: what a person mends before trying again.
const MOST_FAULTS: usize = 20;

/// The most characters of a line that an excerpt shows.
const WIDEST: usize = 100;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
    excerpt: String,
}

/// Why a configuration was refused; at least one fault, in order of their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    faults: Vec<Fault>,
    /// Faults beyond those that are listed.
    more: usize,
}

/// A fault whose place is still an offset into the text.
#[derive(Debug)]
pub(super) struct Finding {
    pub at: Range<usize>,
    pub message: String,
}

impl Fault {
    /// The line with a caret below the place. What follows it, and what an inline table holds before it, is left out: it may
    /// be a secret.
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

/// `before` and `marked` as they are, and a sign for what comes after.
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

/// The position of a byte order mark in the line of `offset`. Concatenated files have one in the middle.
fn byte_order_mark(text: &str, offset: usize) -> Option<usize> {
    let offset = floor_boundary(text, offset);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next()?;
    line.find(BYTE_ORDER_MARK).map(|at| start + at)
}

/// The parser's offsets are trusted to lie in the text, not to fall between characters.
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
        Self { faults: findings.into_iter().map(|finding| Fault::place(text, finding)).collect(), more }
    }

    /// Of a text that is no TOML; the parser's later complaints mostly follow from its first.
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().unwrap_or(0..0);
        if let Some(mark) = byte_order_mark(text, at.start) {
            let message = "a byte order mark (U+FEFF) is here, which no editor shows: write this line anew".to_owned();
            return Self::new(text, vec![Finding { at: mark..mark, message }]);
        }
        let marked = text.get(at.clone()).unwrap_or_default();
        let message = match (error.message(), marked) {
            ("duplicate key", "lifecycle") => {
                "'lifecycle' appears twice: lifecycle = \"lifecycle\" is the default, remove it to have [plugins.lifecycle]"
                    .to_owned()
            }
            ("duplicate key", key) => format!("'{}' appears twice: remove one", shown(key)),
            (other, _) => format!("this is not TOML: {other}"),
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

/// The line that says how many faults are not listed, nothing where all are.
struct More(usize);

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, "\nand {} more faults", self.0) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// One line a fault.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "\n" })?;
        }
        More(self.more).fmt(f)
    }
}

impl std::error::Error for ConfigError {}
