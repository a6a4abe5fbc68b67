//! Cutting a message to what a front-end takes at once: where to cut, and what becomes of the entities there. It changes no
//! text, and leaves out nothing but the white space at which it cuts.

use std::{collections::VecDeque, ops::Range};

use super::{Entity, Message, Style, blank::is_blank, units};

/// The most entities of one message: Telegram ignores those past about a hundred.
pub const MOST_ENTITIES: usize = 100;

/// The shortest chunk, in UTF-16 units: every character must fit.
const SHORTEST: usize = 2;

/// Cuts a message into chunks of at most `limit` UTF-16 units (two at least) and [`MOST_ENTITIES`] entities.
///
/// It cuts at the last blank line outside code that fits, else the last line break outside code, else the last line break in
/// it, else the last white space, else between two characters. The white space around a cut goes: at the end of a chunk
/// all of it, at the start of the next one the line breaks and blank lines, so that its first line stays indented. Nor is
/// anything sent that shows nothing. The rest of the text comes out as it is, in order; a code block that is cut is
/// a code block of the same language in both chunks.
#[must_use]
pub fn split(message: Message, limit: usize) -> Vec<Message> {
    let limit = limit.max(SHORTEST);
    let mut rest = Rest { text: &message.text, start: 0, entities: message.entities.into() };
    let mut chunks = Vec::new();
    while rest.skip_blank_lines(limit) {
        let (worth, end) = rest.cut(limit);
        chunks.extend(rest.take(end));
        if worth == Worth::Word {
            rest.skip_spaces();
        }
    }
    chunks
}

/// What is still to be sent.
struct Rest<'a> {
    text: &'a str,
    /// Where `text` begins in the whole message, in UTF-16 units, as the entities count.
    start: usize,
    /// Those that reach into `text`, in the order in which they begin, none before `start`.
    entities: VecDeque<Entity>,
}

/// How good a place to cut is, from bad to good.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Character,
    Word,
    LineInCode,
    Line,
    Block,
}

impl<'a> Rest<'a> {
    /// Whether anything is left behind the blank lines, which go; so does an indentation that would fill a chunk.
    fn skip_blank_lines(&mut self, limit: usize) -> bool {
        let shown = self.text.trim_start();
        let indent = self.text.len() - shown.len();
        let line = self.text[..indent].rfind('\n').map_or(0, |line_break| line_break + 1);
        self.advance(if indent - line < limit { line } else { indent });
        !shown.is_empty()
    }

    /// Between two words of a line, unlike at the start of a line, they mean nothing.
    fn skip_spaces(&mut self) {
        let behind = self.text.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
        self.advance(self.text.len() - behind.len());
    }

    /// Where the next chunk ends, in bytes: the best place in what fits, the last of its kind.
    fn cut(&self, limit: usize) -> (Worth, usize) {
        let window = self.window(limit);
        if window == self.text.len() {
            return (Worth::Block, window);
        }
        let mut best = (Worth::Character, self.between_characters(window));
        let mut unit = self.start;
        let mut code = CodeSpans::new(&self.entities);
        // The break itself may lie just behind what fits: it is not sent.
        let behind = self.text[window..].chars().next().map_or(0, char::len_utf8);
        for (at, c) in self.text[..window + behind].char_indices() {
            if at > 0 && c.is_whitespace() {
                let worth = self.worth(at, code.hold(unit));
                if worth >= best.0 {
                    best = (worth, at);
                }
            }
            unit += c.len_utf16();
        }
        best
    }

    /// How many bytes fit a chunk, by its length and by its entities.
    fn window(&self, limit: usize) -> usize {
        let crowded = self.entities.get(MOST_ENTITIES).map_or(usize::MAX, |entity| entity.offset - self.start);
        // Only a caller's own pile of entities on one place has no room for the text itself; the last of them are dropped.
        let limit = if crowded == 0 { limit } else { limit.min(crowded) };
        let mut units = 0;
        let past = self.text.char_indices().find(|(_, c)| {
            units += c.len_utf16();
            units > limit
        });
        let end = past.map_or(self.text.len(), |(at, _)| at);
        if end == 0 { self.text.chars().next().map_or(0, char::len_utf8) } else { end }
    }

    fn worth(&self, at: usize, in_code: InCode) -> Worth {
        let behind = &self.text[at..];
        match in_code {
            _ if !behind.starts_with('\n') => Worth::Word,
            InCode::Yes => Worth::LineInCode,
            InCode::No if is_blank_line(&behind[1..]) => Worth::Block,
            InCode::No => Worth::Line,
        }
    }

    /// The last place up to `window` that takes no accent from its letter and no colour from its emoji.
    fn between_characters(&self, window: usize) -> usize {
        let mut after = self.text[window..].chars().next();
        for (at, c) in self.text[..window].char_indices().rev().take(LONGEST_CLUSTER) {
            if !after.is_some_and(|after| is_joined(c, after)) {
                return at + c.len_utf8();
            }
            after = Some(c);
        }
        window
    }

    /// Takes the chunk that ends at `end`; nothing where it would show nothing.
    fn take(&mut self, end: usize) -> Option<Message> {
        let text = self.text[..end].trim_end();
        let chunk = self.start..self.start + units(text);
        let reaching = self.entities.iter().take_while(|entity| entity.offset < chunk.end).take(MOST_ENTITIES);
        let entities = reaching
            .map(|entity| Entity {
                offset: entity.offset - chunk.start,
                length: entity.end().min(chunk.end) - entity.offset,
                style: entity.style.clone(),
            })
            .collect();
        self.advance(end);
        (!is_blank(text)).then(|| Message { text: text.to_owned(), entities })
    }

    /// Leaves out `bytes` of the text, and what of the entities lies in them.
    fn advance(&mut self, bytes: usize) {
        let (gone, rest) = self.text.split_at(bytes);
        self.text = rest;
        self.start += units(gone);
        let passed = self.entities.iter().take_while(|entity| entity.offset < self.start).count();
        let cut: Vec<Entity> = self.entities.drain(..passed).filter_map(|entity| clipped(entity, self.start)).collect();
        for entity in cut.into_iter().rev() {
            self.entities.push_front(entity);
        }
    }
}

/// What of an entity lies behind `start`.
fn clipped(entity: Entity, start: usize) -> Option<Entity> {
    let length = entity.end().checked_sub(start).filter(|&length| length > 0)?;
    Some(Entity { offset: start, length, ..entity })
}

#[derive(Clone, Copy)]
enum InCode {
    Yes,
    No,
}

/// The code blocks of a chunk, asked for place after place.
struct CodeSpans(VecDeque<Range<usize>>);

impl CodeSpans {
    fn new(entities: &VecDeque<Entity>) -> Self {
        let blocks = entities.iter().take(MOST_ENTITIES).filter(|entity| matches!(entity.style, Style::Pre { .. }));
        Self(blocks.map(|block| block.offset..block.end()).collect())
    }

    /// Whether the place before `unit` lies inside a block; the places asked for only grow.
    fn hold(&mut self, unit: usize) -> InCode {
        while self.0.pop_front_if(|block| block.end <= unit).is_some() {}
        if self.0.front().is_some_and(|block| block.start < unit) { InCode::Yes } else { InCode::No }
    }
}

/// Whether only white space stands before the next line break.
fn is_blank_line(text: &str) -> bool {
    text.trim_start_matches(|c: char| c.is_whitespace() && c != '\n').starts_with('\n')
}

/// The most characters that are looked back on for a place between two clusters; a longer pile of marks is cut.
const LONGEST_CLUSTER: usize = 32;

/// Whether two characters are drawn as one. This is the common part of Unicode's rules: combining marks, variation selectors,
/// joiners, skin tones and flags.
const fn is_joined(before: char, after: char) -> bool {
    const JOINER: char = '\u{200d}';
    let marked = matches!(after, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}');
    let toned = matches!(after, '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}');
    let flag = matches!((before, after), ('\u{1f1e6}'..='\u{1f1ff}', '\u{1f1e6}'..='\u{1f1ff}'));
    marked || toned || flag || matches!(after, JOINER) || matches!(before, JOINER)
}

#[cfg(test)]
mod tests;
