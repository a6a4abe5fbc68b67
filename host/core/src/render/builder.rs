//! The message that is being written: line breaks, indentation and open styles. It knows nothing of Markdown's grammar.

use super::{Entity, Message, Style, units};

/// Text is only appended, and what precedes it (line breaks, indentation) is written together with the first of it, so that
/// nothing empty leaves a trace and no style begins on white space between blocks.
#[derive(Debug, Default)]
pub struct Draft {
    text: String,
    /// The length of `text` in UTF-16 units.
    units: usize,
    entities: Vec<Entity>,
    /// One of a kind each, so a handful at most.
    open: Vec<Open>,
    /// For each style that was opened and not closed, whether it is in `open`: bold inside bold is not.
    nesting: Vec<Nesting>,
    /// What each container that is open puts before every further line.
    prefixes: Vec<String>,
    /// Line breaks to be written before the next text.
    breaks: usize,
}

/// How many containers indent their lines. Deeper ones stay at that depth: a line of a thousand `>` must not cost a thousand
/// characters on every line that follows.
const DEEPEST: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Outermost,
    Inner,
}

#[derive(Debug)]
struct Open {
    style: Style,
    /// Where its text began; nothing as long as it has none.
    start: Option<usize>,
}

impl Draft {
    /// Ends the line, so that at least `breaks` line breaks stand before what comes next.
    pub fn end_line(&mut self, breaks: usize) {
        self.breaks = self.breaks.max(breaks);
    }

    /// Appends text in the styles that are open; its line breaks become lines of the block at hand.
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

    /// Appends code inside a line. Code and a link exclude each other, and the link is worth more.
    pub fn push_code(&mut self, code: &str) {
        if self.has_open(|style| matches!(style, Style::Link { .. })) {
            self.push(code);
        } else if !code.is_empty() {
            self.flush();
            self.verbatim(code, Style::Code);
        }
    }

    /// Appends a block of code on lines of its own, without indentation: it is there to be copied.
    pub fn push_pre(&mut self, code: &str, language: Option<String>) {
        if code.trim().is_empty() {
            return;
        }
        self.end_line(1);
        self.write_breaks();
        self.verbatim(code, Style::Pre { language });
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
            self.open.push(Open { style, start: None });
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

    /// Writes what a container's first line begins with, and sets what its further lines begin with.
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

    /// What is written so far; breaks and prefixes that are due are not.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The message, without the white space at its end.
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
        // They lie here in the order in which they ended: of two equal spans the outer one is the later.
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

    /// Writes the breaks that are due; before the first text there is no line to end.
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

    /// Ends the span of an open style; the style goes on with the next text.
    fn close_span(&mut self, index: usize) {
        if let Some(offset) = self.open[index].start.take() {
            let style = self.open[index].style.clone();
            self.entities.push(Entity { offset, length: self.units - offset, style });
        }
    }
}

impl Style {
    /// Telegram lets only a quote hold code; bold and the like are cut around it.
    const fn may_hold_code(&self) -> bool {
        match self {
            Self::Quote => true,
            Self::Bold | Self::Italic | Self::Strike | Self::Code | Self::Pre { .. } | Self::Link { .. } => false,
        }
    }
}
