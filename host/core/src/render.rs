//! Renders answers: converts Markdown to text and the entities that style it, and splits the text into messages that a
//! front-end accepts.
//!
//! Rendering never loses visible text: Markdown that can't be styled appears as written. The entities are those of the
//! Bot API. This module doesn't send messages.

mod blank;
mod builder;
mod controls;
mod entity_limit;
mod escape;
mod find_code_blocks;
mod long_quotes;
mod markdown;
mod one_line;
mod rich;
mod split;
mod table;
mod tail;
pub mod terminal;

pub use blank::is_blank;
pub(crate) use blank::is_ignorable;
pub use controls::{is_unseen, strip_controls};
pub use entity_limit::{KeepFrom, MAX_ENTITIES, limit_entities};
pub use escape::{code, escape, literal, unescape};
pub use find_code_blocks::{CodeBlock, find_code_blocks};
pub use long_quotes::{LONG_QUOTE, MessageEnd, collapse_long_quotes};
pub(crate) use one_line::shorten;
pub use one_line::{UNTRUSTED_LENGTH, escape_invisible, is_one_line, one_line};
pub use rich::{CellAlignment, RichBlock, RichMessage, RichTable, render_rich};
pub use split::split;
pub use tail::tail;

/// Text and the entities that style it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    pub text: String,
    /// Ordered by offset; of entities with the same offset, the longer one comes first.
    pub entities: Vec<Entity>,
}

/// A styled span. Offset and length count UTF-16 code units, as in the Bot API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    pub offset: usize,
    pub length: usize,
    pub style: Style,
}

impl Entity {
    /// Returns the offset of the first code unit after the span.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.offset + self.length
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Style {
    Bold,
    Italic,
    Strike,
    /// Hidden until the reader taps it.
    Spoiler,
    Code,
    Pre {
        language: Option<String>,
    },
    Link {
        url: String,
    },
    Quote,
    /// A quote that shows only its first lines until the reader expands it.
    ExpandableQuote,
}

/// Returns the length of a text in UTF-16 code units.
#[must_use]
pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Renders Markdown. The source may end anywhere, because a streaming answer is rendered again on each update.
///
/// Keeps line breaks within paragraphs, and keeps one blank line between blocks that are separated by blank lines.
/// Telegram doesn't allow code inside bold text or links, or nested quotes, so these styles are split or dropped.
/// Visible text is never dropped.
#[must_use]
pub fn render(markdown: &str) -> Message {
    render_within(markdown, usize::MAX)
}

/// Like [`render`], for a front-end that shows at most `columns` characters of code on a line. A wider table becomes a
/// list.
#[must_use]
pub fn render_within(markdown: &str, columns: usize) -> Message {
    let Message { text, entities } = markdown::render(&strip_controls(markdown), columns);
    Message { text: controls::replace_controls(text), entities }
}

/// Returns the text of [`render`], without styles.
#[must_use]
pub fn plain(markdown: &str) -> String {
    render(markdown).text
}

#[cfg(test)]
mod tests;
