//! Splits a message into chunks that a front-end accepts, and divides the entities of the message among the chunks.
//! Drops only white space at the start or end of a chunk, and chunks without visible characters.

use std::{collections::VecDeque, ops::Range};

use super::{
    Entity, KeepFrom, MAX_ENTITIES, Message, Style, blank::is_blank, entity_limit::Importance, limit_entities, units,
};

/// The smallest usable chunk limit: one character may take two UTF-16 units.
const MIN_LIMIT: usize = 2;

/// Splits a message into chunks of at most `limit` UTF-16 units and [`MAX_ENTITIES`] entities. A `limit` below two is
/// treated as two. A chunk ends before its code and link entities exceed [`MAX_ENTITIES`]. If it has too many other
/// entities, [`limit_entities`] drops some of them.
///
/// A chunk ends at the best position within these limits: the last blank line outside code, or else the last line break
/// outside code, the last line break in code, the last white space, or a position between two characters. White space
/// at the end of a chunk and blank lines at the start of the next one are dropped. The indentation of a chunk's first
/// line is kept, unless it fills the whole chunk. Blank chunks are dropped. All other text is kept in order. A split
/// code block becomes a code block of the same language in both chunks.
#[must_use]
pub fn split(message: Message, limit: usize) -> Vec<Message> {
    let limit = limit.max(MIN_LIMIT);
    let mut rest = Remainder { text: &message.text, start: 0, entities: message.entities.into() };
    let mut chunks = Vec::new();
    while rest.skip_blank_lines(limit) {
        let (quality, end) = rest.cut(limit);
        chunks.extend(rest.take(end));
        if quality == BreakQuality::Word {
            rest.skip_spaces();
        }
    }
    chunks
}

/// The part of the message that is not in a chunk yet.
struct Remainder<'a> {
    text: &'a str,
    /// The offset of `text` in the whole message, in UTF-16 units like the offsets of entities.
    start: usize,
    /// The entities that overlap `text`, ordered by offset. None of them starts before `start`.
    entities: VecDeque<Entity>,
}

/// The quality of a split position, from worst to best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum BreakQuality {
    Character,
    Word,
    LineInCode,
    Line,
    Block,
}

impl<'a> Remainder<'a> {
    /// Drops leading blank lines, and indentation that would fill a whole chunk. Returns whether any text remains.
    fn skip_blank_lines(&mut self, limit: usize) -> bool {
        let shown = self.text.trim_start();
        let indent = self.text.len() - shown.len();
        let line = self.text[..indent].rfind('\n').map_or(0, |line_break| line_break + 1);
        self.advance(if indent - line < limit { line } else { indent });
        !shown.is_empty()
    }

    /// Drops white space up to the end of the line, after a split between two words. At the start of a line, white
    /// space is significant.
    fn skip_spaces(&mut self) {
        let behind = self.text.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
        self.advance(self.text.len() - behind.len());
    }

    /// Returns the best split quality that is possible within the limits, and the byte offset of the last position with
    /// that quality.
    fn cut(&self, limit: usize) -> (BreakQuality, usize) {
        let window = self.window(limit);
        if window == self.text.len() {
            return (BreakQuality::Block, window);
        }
        let mut best = (BreakQuality::Character, self.between_characters(window));
        let mut unit = self.start;
        let mut code = CodeSpans::new(&self.entities, self.start + limit);
        // White space at a split is dropped, so also consider the first character after the limit.
        let behind = self.text[window..].chars().next().map_or(0, char::len_utf8);
        for (at, c) in self.text[..window + behind].char_indices() {
            if at > 0 && c.is_whitespace() {
                let quality = self.quality(at, code.at(unit));
                if quality >= best.0 {
                    best = (quality, at);
                }
            }
            unit += c.len_utf16();
        }
        best
    }

    /// Returns the number of bytes that fit into a chunk, given the limits on its length and on its entities.
    fn window(&self, limit: usize) -> usize {
        let reaching = self.entities.iter().take_while(|entity| entity.offset <= self.start + limit);
        let mut important = reaching.filter(|entity| entity.style.importance() == Importance::High);
        let crowded = important.nth(MAX_ENTITIES).map_or(usize::MAX, |entity| entity.offset - self.start);
        // If more than `MAX_ENTITIES` entities begin at the start of the chunk, a shorter chunk doesn't help; `take`
        // drops some of them.
        let limit = if crowded == 0 { limit } else { limit.min(crowded) };
        let mut units = 0;
        let past = self.text.char_indices().find(|(_, c)| {
            units += c.len_utf16();
            units > limit
        });
        let end = past.map_or(self.text.len(), |(at, _)| at);
        if end == 0 { self.text.chars().next().map_or(0, char::len_utf8) } else { end }
    }

    fn quality(&self, at: usize, in_code: InCode) -> BreakQuality {
        let behind = &self.text[at..];
        match in_code {
            _ if !behind.starts_with('\n') => BreakQuality::Word,
            InCode::Yes => BreakQuality::LineInCode,
            InCode::No if is_blank_line(&behind[1..]) => BreakQuality::Block,
            InCode::No => BreakQuality::Line,
        }
    }

    /// Returns the last position up to `window` that doesn't separate a combining mark from its letter or a modifier
    /// from its emoji. Returns `window` if there is none nearby.
    fn between_characters(&self, window: usize) -> usize {
        let mut after = self.text[window..].chars().next();
        for (at, c) in self.text[..window].char_indices().rev().take(MAX_CLUSTER_LENGTH) {
            if !after.is_some_and(|after| is_joined(c, after)) {
                return at + c.len_utf8();
            }
            after = Some(c);
        }
        window
    }

    /// Takes the chunk that ends at `end`. Returns `None` if it is blank.
    fn take(&mut self, end: usize) -> Option<Message> {
        let text = self.text[..end].trim_end();
        let chunk = self.start..self.start + units(text);
        let reaching = self.entities.iter().take_while(|entity| entity.offset < chunk.end);
        let entities = reaching
            .map(|entity| Entity {
                offset: entity.offset - chunk.start,
                length: entity.end().min(chunk.end) - entity.offset,
                style: entity.style.clone(),
            })
            .collect();
        let entities = limit_entities(text, entities, KeepFrom::Start);
        self.advance(end);
        (!is_blank(text)).then(|| Message { text: text.to_owned(), entities })
    }

    /// Drops the first `bytes` bytes of the text, and the parts of entities that cover them.
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

/// Returns the part of an entity after `start`, or `None` if the entity ends there or earlier.
fn clipped(entity: Entity, start: usize) -> Option<Entity> {
    let length = entity.end().checked_sub(start).filter(|&length| length > 0)?;
    Some(Entity { offset: start, length, ..entity })
}

#[derive(Clone, Copy)]
enum InCode {
    Yes,
    No,
}

/// The ranges of the code blocks that the next chunk may contain.
struct CodeSpans(VecDeque<Range<usize>>);

impl CodeSpans {
    /// Collects the code blocks that begin at `end` or earlier.
    fn new(entities: &VecDeque<Entity>, end: usize) -> Self {
        let reaching = entities.iter().take_while(|entity| entity.offset <= end);
        let blocks = reaching.filter(|entity| matches!(entity.style, Style::Pre { .. }));
        Self(blocks.map(|block| block.offset..block.end()).collect())
    }

    /// Returns whether a split before the code unit `unit` would divide a code block. Positions must be queried in
    /// ascending order.
    fn at(&mut self, unit: usize) -> InCode {
        while self.0.pop_front_if(|block| block.end <= unit).is_some() {}
        if self.0.front().is_some_and(|block| block.start < unit) { InCode::Yes } else { InCode::No }
    }
}

/// Returns whether only white space precedes the first line break in `text`.
fn is_blank_line(text: &str) -> bool {
    text.trim_start_matches(|c: char| c.is_whitespace() && c != '\n').starts_with('\n')
}

/// The maximum number of characters to search backwards for a grapheme cluster boundary. Longer clusters are split.
const MAX_CLUSTER_LENGTH: usize = 32;

/// Returns whether two characters are drawn as one. Covers only common cases of Unicode's rules: combining marks,
/// variation selectors, joiners, skin tones and flags.
const fn is_joined(before: char, after: char) -> bool {
    const JOINER: char = '\u{200d}';
    let marked = matches!(after, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}');
    let toned = matches!(after, '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}');
    let flag = matches!((before, after), ('\u{1f1e6}'..='\u{1f1ff}', '\u{1f1e6}'..='\u{1f1ff}'));
    marked || toned || flag || matches!(after, JOINER) || matches!(before, JOINER)
}

#[cfg(test)]
mod tests;
