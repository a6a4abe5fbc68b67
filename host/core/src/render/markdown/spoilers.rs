//! Finds spoilers, written `||text||` in Telegram and Discord. The Markdown parser doesn't support them.

use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

use super::parser_options::parser;

const BARS: &str = "||";

/// The `||` delimiters of spoilers.
///
/// A pair of bars delimits a spoiler if there is no white space just inside the bars and no word just outside, so `a ||
/// b` and `a||b||c` stay as written. Both delimiters must be in the same block and the same inline element, and outside
/// code and tables.
#[derive(Debug, Default)]
pub struct Spoilers {
    /// The offsets of the bars, in source order. Opening and closing bars alternate.
    bars: Vec<usize>,
}

/// The role of bars in the source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DelimiterRole {
    Open,
    Close,
}

impl Spoilers {
    /// Finds the spoilers in the source. Parses it a second time only if it contains `||` at least twice.
    pub fn of(markdown: &str) -> Self {
        if markdown.matches(BARS).nth(1).is_none() {
            return Self::default();
        }
        let mut search = Search { source: markdown, elements: vec![None], excluded_depth: 0, bars: Vec::new() };
        for (event, range) in parser(markdown).into_offset_iter() {
            search.handle(&event, range);
        }
        search.bars.sort_unstable();
        Self { bars: search.bars }
    }

    /// Splits text from the source at its bars. Returns the text before each delimiter with the delimiter's role, and
    /// the text after the last one.
    pub fn split<'a>(&self, text: &'a str, range: &Range<usize>) -> (Vec<(&'a str, DelimiterRole)>, &'a str) {
        let first = self.bars.partition_point(|&at| at < range.start);
        let inside = self.bars[first..].iter().take_while(|&&at| at < range.end).enumerate();
        let (mut pieces, mut rest) = (Vec::new(), text);
        for (count, &at) in inside {
            let role = if (first + count).is_multiple_of(2) { DelimiterRole::Open } else { DelimiterRole::Close };
            let start = range.start + (text.len() - rest.len());
            pieces.push((&rest[..at - start], role));
            rest = &rest[at - start + BARS.len()..];
        }
        (pieces, rest)
    }
}

struct Search<'a> {
    source: &'a str,
    /// For each open element, innermost last, the offset of the bars inside it that can open a spoiler.
    elements: Vec<Option<usize>>,
    /// The number of open code blocks and tables. Spoilers inside them are ignored.
    excluded_depth: usize,
    bars: Vec<usize>,
}

impl Search<'_> {
    fn handle(&mut self, event: &Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => {
                if !is_inline(tag)
                    && let Some(opening) = self.elements.last_mut()
                {
                    *opening = None;
                }
                self.elements.push(None);
                self.excluded_depth += usize::from(matches!(tag, Tag::CodeBlock(_) | Tag::Table(_)));
            }
            Event::End(tag) => {
                self.elements.pop();
                self.excluded_depth -= usize::from(matches!(tag, TagEnd::CodeBlock | TagEnd::Table));
            }
            Event::Text(text) if self.excluded_depth == 0 && self.source.get(range.clone()) == Some(text) => {
                for (at, _) in text.match_indices(BARS) {
                    self.handle_delimiter(range.start + at, &range);
                }
            }
            Event::Text(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_) => {}
        }
    }

    /// Handles the bars at offset `at` of the source, inside the text at `range`.
    fn handle_delimiter(&mut self, at: usize, range: &Range<usize>) {
        let (before, after) = (&self.source[..at], &self.source[at + BARS.len()..]);
        let (before, after) = (before.chars().next_back(), after.chars().next());
        let is_escaped = at == range.start && before == Some('\\');
        if is_escaped || before == Some('|') || after == Some('|') {
            return;
        }
        let Some(opening) = self.elements.last_mut() else { return };
        if let Some(open) = *opening
            && before.is_some_and(|before| !before.is_whitespace())
            && !after.is_some_and(|after| is_operand_char(after) || "([{".contains(after))
        {
            self.bars.extend([open, at]);
            *opening = None;
        } else if after.is_some_and(|after| !after.is_whitespace())
            && !before.is_some_and(|before| is_operand_char(before) || ")]}".contains(before))
        {
            *opening = Some(at);
        }
    }
}

/// Returns whether `c` may be part of an operand, which makes adjacent bars an operator. Excludes non-ASCII letters,
/// because some scripts don't put spaces between words.
const fn is_operand_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '"' | '\'')
}

const fn is_inline(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. })
}
