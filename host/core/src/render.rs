//! Renders answers: converts Markdown to a text and the entities that style it, and splits it into messages that a
//! front-end accepts.
//!
//! No part of the source is lost: source that cannot be styled appears as written. The module knows Telegram's
//! entities, but does not send them.

mod blank;
mod builder;
mod controls;
mod escape;
mod markdown;
mod one_line;
mod split;
mod table;
pub mod terminal;

pub use blank::is_blank;
pub(crate) use blank::is_ignorable;
pub use controls::{is_unseen, strip_controls};
pub use escape::{code, escape, literal, unescape};
pub(crate) use one_line::shorten;
pub use one_line::{UNTRUSTED_LENGTH, escape_invisible, is_one_line, one_line};
pub use split::{MOST_ENTITIES, split};

/// A text and its styles.
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
    /// The offset of the first unit after the span.
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
    Code,
    Pre { language: Option<String> },
    Link { url: String },
    Quote,
}

/// The length of a text in UTF-16 code units.
#[must_use]
pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Renders Markdown that may end anywhere: a streaming answer is rendered on each update.
///
/// Paragraphs keep their line breaks, and blocks the blank lines between them. Telegram allows no code inside bold or a
/// link, and no quote inside a quote: styles are split or dropped accordingly, text never is.
#[must_use]
pub fn render(markdown: &str) -> Message {
    let Message { text, entities } = markdown::render(&strip_controls(markdown));
    Message { text: controls::replace_controls(text), entities }
}

/// The text of [`render`], without styles.
#[must_use]
pub fn plain(markdown: &str) -> String {
    render(markdown).text
}

#[cfg(test)]
mod tests;
