//! Renders Markdown as the blocks of a rich message, which can contain real tables and long code blocks. Other blocks
//! look the same as in a message with entities.

use std::ops::Range;

use super::{Entity, Message, Style, controls, markdown, strip_controls, units};

/// The maximum length of a rich message, in UTF-16 code units.
const MAX_LENGTH: usize = 32_768;

/// The maximum number of columns of a table.
const MAX_COLUMNS: usize = 20;

/// The text shown in an empty cell, because Telegram hides cells without text.
const EMPTY: &str = "–";

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RichMessage {
    pub blocks: Vec<RichBlock>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RichBlock {
    /// One line. Its entities are inline styles.
    Paragraph(Message),
    Code {
        language: Option<String>,
        code: String,
    },
    /// Contains no quotes.
    Quote(Vec<Self>),
    Table(RichTable),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RichTable {
    /// The rows, starting with the header. All have the same number of cells, and no cell is blank.
    pub rows: Vec<Vec<String>>,
    /// The alignment of each column.
    pub alignments: Vec<CellAlignment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellAlignment {
    Left,
    Center,
    Right,
}

impl RichMessage {
    /// Returns whether the message contains a table or a code block of more than `code` UTF-16 units.
    #[must_use]
    pub fn has_table_or_code_over(&self, code: usize) -> bool {
        fn any(blocks: &[RichBlock], longest: usize) -> bool {
            blocks.iter().any(|block| match block {
                RichBlock::Paragraph(_) => false,
                RichBlock::Code { code, .. } => units(code) > longest,
                RichBlock::Quote(blocks) => any(blocks, longest),
                RichBlock::Table(_) => true,
            })
        }
        any(&self.blocks, code)
    }
}

/// Renders Markdown as a rich message. Returns `None` if the result exceeds the limits of rich messages.
#[must_use]
pub fn render_rich(markdown: &str) -> Option<RichMessage> {
    let (mut message, tables) = markdown::render_with_tables(&strip_controls(markdown), usize::MAX);
    message.text = controls::replace_controls(message.text);
    let fits = |table: &RichTable| table.alignments.len() <= MAX_COLUMNS;
    let tables: Vec<(usize, RichTable)> =
        tables.into_iter().map(|(offset, table)| (offset, table.into_rich(EMPTY))).collect();
    if units(&message.text) > MAX_LENGTH || !tables.iter().all(|(_, table)| fits(table)) {
        return None;
    }
    let mut starts: Vec<usize> =
        message.text.char_indices().flat_map(|(at, c)| std::iter::repeat_n(at, c.len_utf16())).collect();
    starts.push(message.text.len());
    let end = starts.len() - 1;
    let rendered = Rendered { message, starts, tables };
    Some(RichMessage { blocks: rendered.blocks(0..end, |style| matches!(style, Style::Quote | Style::Pre { .. })) })
}

/// A rendered message, which has yet to be divided into blocks. Ranges are in UTF-16 units.
struct Rendered {
    message: Message,
    /// For each UTF-16 unit of the text, the position of its character in bytes.
    starts: Vec<usize>,
    /// The tables, each with the offset of the code block that shows it in `message`.
    tables: Vec<(usize, RichTable)>,
}

impl Rendered {
    /// Returns the blocks in a part of the text. `is_block` returns whether a style is a block style.
    fn blocks(&self, range: Range<usize>, is_block: fn(&Style) -> bool) -> Vec<RichBlock> {
        let mut blocks = Vec::new();
        let mut at = range.start;
        let inside = |entity: &&Entity| entity.offset >= range.start && entity.end() <= range.end;
        for entity in self.message.entities.iter().filter(|entity| is_block(&entity.style)).filter(inside) {
            if entity.offset >= at {
                blocks.extend(self.paragraphs(at..entity.offset));
                blocks.push(self.block(entity));
                at = entity.end();
            }
        }
        blocks.extend(self.paragraphs(at..range.end));
        blocks
    }

    fn block(&self, entity: &Entity) -> RichBlock {
        let range = entity.offset..entity.end();
        if let Style::Pre { language } = &entity.style {
            return match self.tables.iter().find(|(offset, _)| *offset == entity.offset) {
                Some((_, table)) => RichBlock::Table(table.clone()),
                None => RichBlock::Code { language: language.clone(), code: self.text(range).to_owned() },
            };
        }
        RichBlock::Quote(self.blocks(range, |style| matches!(style, Style::Pre { .. })))
    }

    fn text(&self, range: Range<usize>) -> &str {
        &self.message.text[self.starts[range.start]..self.starts[range.end]]
    }

    /// Returns the non-blank lines, with no-break spaces as indentation, because Telegram collapses normal spaces.
    fn paragraphs(&self, range: Range<usize>) -> Vec<RichBlock> {
        let mut paragraphs = Vec::new();
        let mut start = range.start;
        for line in self.text(range).split('\n') {
            let shown = line.trim_end();
            let end = start + units(shown);
            if !shown.is_empty() {
                let entities = self.message.entities.iter().filter_map(|entity| inline(entity, start..end)).collect();
                let text = shown.trim_start_matches(' ');
                let indent = "\u{a0}".repeat(shown.len() - text.len());
                paragraphs.push(RichBlock::Paragraph(Message { text: format!("{indent}{text}"), entities }));
            }
            start += units(line) + 1;
        }
        paragraphs
    }
}

/// Returns the part of an inline style that is on `line`, with an offset relative to that line.
fn inline(entity: &Entity, line: Range<usize>) -> Option<Entity> {
    let is_block = matches!(entity.style, Style::Pre { .. } | Style::Quote | Style::ExpandableQuote);
    let (start, end) = (entity.offset.max(line.start), entity.end().min(line.end));
    let style = entity.style.clone();
    (!is_block && start < end).then(|| Entity { offset: start - line.start, length: end - start, style })
}
