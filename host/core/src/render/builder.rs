//! Builds a message from text, line breaks, indentation and styles. This module doesn't depend on Markdown syntax.

use super::{Entity, Message, Style, units};

/// Builds a message by appending text. Line breaks and indentation are written only when more text follows, so empty
/// elements add nothing, and styles never start in the white space between blocks.
#[derive(Debug, Default)]
pub struct MessageBuilder {
    text: String,
    /// The length of `text` in UTF-16 units.
    units: usize,
    entities: Vec<Entity>,
    /// The open styles, innermost last. A style nested in itself isn't added again.
    open: Vec<OpenStyle>,
    /// For each unclosed style, whether it has an entry in `open`. A style nested in itself, such as bold inside bold,
    /// has none.
    nesting: Vec<Nesting>,
    /// For each open container, such as a list item or a quote, the prefix of its lines after the first.
    prefixes: Vec<String>,
    /// The number of line breaks to write before the next text.
    breaks: usize,
}

/// The maximum number of nested containers that indent their lines. Deeper containers add no indentation, so that a
/// line of a thousand `>` does not add thousands of characters to every following line.
const DEEPEST: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Outermost,
    Inner,
}

#[derive(Debug)]
struct OpenStyle {
    style: Style,
    /// The offset at which the current span of the style starts, or `None` if the span has no text yet.
    start: Option<usize>,
}

impl MessageBuilder {
    /// Ends the line, and ensures that at least `breaks` line breaks precede the next text.
    pub fn end_line(&mut self, breaks: usize) {
        self.breaks = self.breaks.max(breaks);
    }

    /// Appends text in the open styles. Line breaks in the text start new lines of the current block.
    pub fn push(&mut self, text: &str) {
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.breaks += 1;
            }
            if !line.is_empty() {
                self.flush();
                self.begin_open(|_| true);
                self.append(line);
            }
        }
    }

    /// Appends inline code. Inside links and spoilers, where Telegram doesn't allow code, appends it as plain text.
    pub fn push_code(&mut self, code: &str) {
        if self.has_open(|style| matches!(style, Style::Link { .. } | Style::Spoiler)) {
            self.push(code);
        } else if !code.is_empty() {
            self.flush();
            self.verbatim(code, Style::Code);
        }
    }

    /// Appends a block of code on its own lines, without indentation, so that users can copy the code. Returns its
    /// offset, or `None` if it is blank and nothing was appended.
    pub fn push_pre(&mut self, code: &str, language: Option<String>) -> Option<usize> {
        if code.trim().is_empty() {
            return None;
        }
        self.end_line(1);
        self.write_breaks();
        let offset = self.units;
        self.verbatim(code, Style::Pre { language });
        Some(offset)
    }

    fn verbatim(&mut self, code: &str, style: Style) {
        for index in 0..self.open.len() {
            if !self.open[index].style.may_hold_code() {
                self.close_span(index);
            }
        }
        self.begin_open(Style::may_hold_code);
        let offset = self.units;
        self.append(code);
        self.entities.push(Entity { offset, length: self.units - offset, style });
    }

    pub fn open(&mut self, style: Style) {
        let nesting = if self.has_open(|open| *open == style) { Nesting::Inner } else { Nesting::Outermost };
        self.nesting.push(nesting);
        if nesting == Nesting::Outermost {
            self.open.push(OpenStyle { style, start: None });
        }
    }

    /// Closes the style that was opened last.
    pub fn close(&mut self) {
        if self.nesting.pop() == Some(Nesting::Outermost) {
            self.close_span(self.open.len() - 1);
            self.open.pop();
        }
    }

    pub fn has_open(&self, wanted: impl Fn(&Style) -> bool) -> bool {
        self.open.iter().any(|open| wanted(&open.style))
    }

    /// Enters a container: writes the prefix for its first line and sets the prefix for its subsequent lines.
    pub fn enter(&mut self, first: &str, further: &str) {
        self.push(first);
        let further = if self.prefixes.len() < DEEPEST { further } else { "" };
        self.prefixes.push(further.to_owned());
    }

    pub fn leave(&mut self) {
        self.prefixes.pop();
    }

    pub fn has_prefix(&self) -> bool {
        !self.prefixes.is_empty()
    }

    /// Returns the text written so far, excluding pending line breaks and prefixes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the message without trailing white space.
    pub fn finish(mut self) -> Message {
        while !self.nesting.is_empty() {
            self.close();
        }
        self.text.truncate(self.text.trim_end().len());
        let end = units(&self.text);
        self.entities.retain_mut(|entity| {
            entity.length = entity.end().min(end).saturating_sub(entity.offset);
            entity.length > 0
        });
        // Entities are stored in the order in which they ended, so of two equal spans, the outer one is stored last.
        // Reverse them first: the sort is stable, and the outer one must come first.
        self.entities.reverse();
        self.entities.sort_by_key(|entity| (entity.offset, usize::MAX - entity.length));
        Message { text: self.text, entities: self.entities }
    }

    fn flush(&mut self) {
        if self.write_breaks() {
            let prefix = self.prefixes[..self.prefixes.len().min(DEEPEST)].concat();
            self.append(&prefix);
        }
    }

    /// Writes the pending line breaks, except at the start of the text. Returns whether it wrote any.
    fn write_breaks(&mut self) -> bool {
        let due = std::mem::take(&mut self.breaks);
        let breaks = if self.text.is_empty() { 0 } else { due };
        self.append(&"\n".repeat(breaks));
        breaks > 0
    }

    fn append(&mut self, text: &str) {
        self.text.push_str(text);
        self.units += units(text);
    }

    fn begin_open(&mut self, which: impl Fn(&Style) -> bool) {
        for open in self.open.iter_mut().filter(|open| which(&open.style)) {
            open.start.get_or_insert(self.units);
        }
    }

    /// Ends the current span of an open style. The next text starts a new span of the style.
    fn close_span(&mut self, index: usize) {
        if let Some(offset) = self.open[index].start.take() {
            let style = self.open[index].style.clone();
            self.entities.push(Entity { offset, length: self.units - offset, style });
        }
    }
}

impl Style {
    /// Returns whether code may be inside this style. Telegram allows code only in quotes; other styles are split
    /// around code.
    const fn may_hold_code(&self) -> bool {
        match self {
            Self::Quote | Self::ExpandableQuote => true,
            Self::Bold
            | Self::Italic
            | Self::Strike
            | Self::Spoiler
            | Self::Code
            | Self::Pre { .. }
            | Self::Link { .. } => false,
        }
    }
}
