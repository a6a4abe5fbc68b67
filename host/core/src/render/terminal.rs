//! Styles an answer for a terminal, line by line as the answer arrives. Agents can't control the terminal or change the
//! writing direction: their control characters are removed, and only the host adds escape sequences.

use super::{Entity, Message, Style, controls::strip_controls, one_line, render, units};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    On,
    Off,
}

/// Styles the lines of one answer, and keeps track of the open code fence.
#[derive(Debug, Clone)]
pub struct Styler {
    colours: Colours,
    fence: Option<Fence>,
}

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const ITALIC: &str = "\x1b[3m";
const UNDERLINE: &str = "\x1b[4m";
const STRIKE: &str = "\x1b[9m";
const CYAN: &str = "\x1b[36m";
const QUOTE_MARK: &str = "│ ";

impl Styler {
    #[must_use]
    pub const fn new(colours: Colours) -> Self {
        Self { colours, fence: None }
    }

    /// Styles one complete line, passed without its line break. With [`Colours::Off`], only removes control characters.
    ///
    /// Styles that span several lines aren't applied; their Markdown markers are shown.
    #[must_use]
    pub fn line(&mut self, line: &str) -> String {
        match self.colours {
            Colours::On => self.styled(&strip_controls(line)),
            Colours::Off => strip_controls(line).into_owned(),
        }
    }

    fn styled(&mut self, line: &str) -> String {
        match (self.fence, Fence::of(line)) {
            (Some(open), Some(found)) if found.closes(open) => {
                self.fence = None;
                apply_style(line, DIM)
            }
            (Some(_), _) => apply_style(line, CYAN),
            (None, Some(found)) if found.opens(line) => {
                self.fence = Some(found);
                apply_style(line, DIM)
            }
            (None, _) => style_prose(line),
        }
    }
}

/// Puts `text` between the escape sequence `code` and a reset, unless `text` or `code` is empty. `text` has no control
/// characters: [`Styler::line`] removes those of the source, and [`render`] replaces those that result from references
/// such as `&#27;`.
fn apply_style(text: &str, code: &str) -> String {
    if text.is_empty() || code.is_empty() { text.to_owned() } else { format!("{code}{text}{RESET}") }
}

/// A line that starts with three or more backticks or tildes, which may begin or end a code block.
#[derive(Debug, Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
    bare: Bare,
}

/// States whether a fence is bare: nothing follows it on its line. Only a bare fence can end a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bare {
    Yes,
    No,
}

impl Fence {
    const MIN_LENGTH: usize = 3;

    fn of(line: &str) -> Option<Self> {
        let line = line.trim();
        let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let rest = line.trim_start_matches(mark);
        let length = line.len() - rest.len();
        let bare = if rest.is_empty() { Bare::Yes } else { Bare::No };
        (length >= Self::MIN_LENGTH).then_some(Self { mark, length, bare })
    }

    /// Returns whether the fence on `line` begins a block. If the line contains more backticks after the fence, they
    /// all delimit inline code.
    fn opens(self, line: &str) -> bool {
        self.mark == '~' || !line.trim().trim_start_matches('`').contains('`')
    }

    fn closes(self, open: Self) -> bool {
        self.mark == open.mark && self.length >= open.length && self.bare == Bare::Yes
    }
}

/// Styles a line outside code blocks. The line is rendered without its indentation, because Markdown could interpret an
/// indented line as a code block.
fn style_prose(line: &str) -> String {
    let text = line.trim_start();
    let indent = &line[..line.len() - text.len()];
    let mark = if text.starts_with('>') { QUOTE_MARK } else { "" };
    format!("{indent}{mark}{}", to_ansi(&render(text)))
}

/// Converts a message to text with escape sequences, one span at a time. The style is constant within a span.
fn to_ansi(message: &Message) -> String {
    let mut ends: Vec<usize> = message.entities.iter().flat_map(|entity| [entity.offset, entity.end()]).collect();
    ends.push(units(&message.text));
    ends.sort_unstable();
    let mut coming = message.entities.iter().peekable();
    let mut open: Vec<(&Entity, usize)> = Vec::new();
    let (mut written, mut unit, mut at) = (String::new(), 0, 0);
    for end in ends {
        let text = &message.text[at..];
        let text = &text[..bytes(text, end - unit)];
        written.push_str(&apply_style(text, &open.iter().map(|(entity, _)| code(&entity.style)).collect::<String>()));
        (unit, at) = (end, at + text.len());
        for (entity, start) in open.extract_if(.., |(entity, _)| entity.end() <= end) {
            written.push_str(&address(entity, &message.text[start..at]));
        }
        while let Some(entity) = coming.next_if(|entity| entity.offset <= end) {
            open.push((entity, at));
        }
    }
    written
}

/// Returns the length in bytes of the first `units` UTF-16 units of a text.
fn bytes(text: &str, units: usize) -> usize {
    let mut left = units;
    let taken = text.chars().take_while(|c| left.checked_sub(c.len_utf16()).inspect(|&rest| left = rest).is_some());
    taken.map(char::len_utf8).sum()
}

/// Returns the address to show after the text of a link, because not every terminal can follow links. Returns an empty
/// string if the text is already the address, or if the entity isn't a link.
fn address(entity: &Entity, text: &str) -> String {
    match &entity.style {
        Style::Link { url } if url != text => format!(" ({})", one_line(url, usize::MAX)),
        Style::Link { .. }
        | Style::Bold
        | Style::Italic
        | Style::Strike
        | Style::Spoiler
        | Style::Code
        | Style::Pre { .. }
        | Style::Quote
        | Style::ExpandableQuote => String::new(),
    }
}

const fn code(style: &Style) -> &'static str {
    match style {
        Style::Bold => BOLD,
        Style::Italic => ITALIC,
        Style::Strike => STRIKE,
        Style::Code | Style::Pre { .. } => CYAN,
        Style::Link { .. } => UNDERLINE,
        Style::Spoiler | Style::Quote | Style::ExpandableQuote => DIM,
    }
}

#[cfg(test)]
mod tests;
