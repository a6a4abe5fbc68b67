//! How an answer looks: Markdown becomes a text and the entities that style it, cut to what a front-end takes.
//!
//! Nothing of the source may get lost on the way: what cannot be styled appears as it was written. It knows of Telegram what
//! its entities are, and never how they are sent.

mod blank;
mod builder;
mod definitions;
mod escape;
mod markdown;
mod split;
mod table;
pub mod terminal;
mod untrusted;

pub use blank::is_blank;
pub use escape::{code, escape, literal, unescape};
pub use split::{MOST_ENTITIES, split};
pub use untrusted::{FOREIGN, is_one_line, is_unseen, one_line, spelt_out};

/// A text and how parts of it are to look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    pub text: String,
    /// In the order in which they begin, a longer one before a shorter one that begins at the same place.
    pub entities: Vec<Entity>,
}

/// One style on one span; offset and length count UTF-16 code units, as Telegram does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    pub offset: usize,
    pub length: usize,
    pub style: Style,
}

impl Entity {
    /// The first unit behind it.
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

/// Renders Markdown, complete or cut off anywhere: an answer that still streams in is rendered as often as it is shown.
///
/// Paragraphs keep their line breaks, and blocks the blank lines between them. Telegram lets no code stand inside bold or
/// a link, and no quote inside a quote: styles are cut or left out accordingly, never text.
#[must_use]
pub fn render(markdown: &str) -> Message {
    let Message { text, entities } = markdown::render(&terminal::neutral(markdown));
    Message { text: untrusted::visible(text), entities }
}

/// What [`render`] shows, without any style.
#[must_use]
pub fn plain(markdown: &str) -> String {
    render(markdown).text
}

#[cfg(test)]
mod tests;
