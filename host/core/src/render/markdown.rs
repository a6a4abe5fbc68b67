//! Converts Markdown parser events to a message. This module defines how each Markdown element appears.

mod blocks;
mod link_definitions;
mod parser_options;
mod spans;
mod spoilers;

use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

pub use self::parser_options::parser;
use self::{link_definitions::Definitions, spans::Link, spoilers::Spoilers};
use super::{Message, Style, builder::MessageBuilder, table::Table};

/// Renders Markdown. A table that is wider than `columns` becomes a list.
pub fn render(markdown: &str, columns: usize) -> Message {
    render_with_tables(markdown, columns).0
}

/// Like [`render`], but also returns the tables that are shown as code blocks, each with the offset of its code block.
pub fn render_with_tables(markdown: &str, columns: usize) -> (Message, Vec<(usize, Table)>) {
    let parser = parser(markdown);
    let definitions = Definitions::of(markdown, &parser);
    let spoilers = Spoilers::of(markdown);
    let mut writer = Writer { columns, spoilers, ..Writer::new(markdown, definitions) };
    for (event, range) in parser.into_offset_iter() {
        writer.handle(event, range);
    }
    writer.recover(markdown.len());
    (writer.builder.finish(), writer.tables)
}

struct Writer<'a> {
    source: &'a str,
    definitions: Definitions,
    spoilers: Spoilers,
    builder: MessageBuilder,
    line: LineState,
    /// The offset up to which the source has been handled. All source text before it is already in the message or is
    /// only syntax.
    seen: usize,
    /// The current code block: its info string and its text.
    code: Option<(String, String)>,
    table: Option<Table>,
    /// The tables that are shown as code blocks in the message.
    tables: Vec<(usize, Table)>,
    /// The maximum width of a table that is shown with aligned columns.
    columns: usize,
    /// For each open list, the number of the next item, or `None` for a bullet list.
    lists: Vec<Option<u64>>,
    links: Vec<Link>,
    /// The number of open block quotes.
    quotes: usize,
    /// Whether a block that can't contain other blocks, such as a paragraph, is open. In such a block, the source
    /// between two events is only syntax.
    in_leaf: bool,
}

/// The content that precedes the next text in the same container.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineState {
    /// Nothing, or the marker of a list item or quote.
    Fresh,
    /// Text of the same block.
    Running,
    /// A block that has ended.
    Closed,
}

impl<'a> Writer<'a> {
    fn new(source: &'a str, definitions: Definitions) -> Self {
        Self {
            source,
            definitions,
            spoilers: Spoilers::default(),
            builder: MessageBuilder::default(),
            line: LineState::Fresh,
            seen: 0,
            code: None,
            table: None,
            tables: Vec::new(),
            columns: usize::MAX,
            lists: Vec::new(),
            links: Vec::new(),
            quotes: 0,
            in_leaf: false,
        }
    }

    fn handle(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, &range),
            Event::End(tag) => self.end(tag, &range),
            Event::Code(code) => self.inline(&range, |writer| writer.code_span(&code)),
            Event::SoftBreak | Event::HardBreak => self.inline(&range, |writer| writer.text("\n")),
            Event::TaskListMarker(done) => {
                self.inline(&range, |writer| writer.text(if done { "☑ " } else { "☐ " }));
            }
            Event::Rule => {
                self.begin_block(range.start);
                self.builder.push("———");
                self.end_block(range.end);
            }
            Event::Text(text) => self.inline(&range, |writer| writer.text_with_spoilers(&text, &range)),
            Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.inline(&range, |writer| writer.text(&text)),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::Item => self.start_item(range),
            Tag::BlockQuote(_) => self.start_quote(range),
            Tag::List(first) => self.lists.push(first),
            Tag::CodeBlock(kind) => self.start_code(kind, range),
            Tag::Table(alignments) => {
                self.begin_leaf(range.start);
                self.table = Some(Table::new(alignments));
            }
            Tag::TableHead | Tag::TableRow => self.in_table(Table::begin_row),
            Tag::TableCell => self.in_table(Table::begin_cell),
            Tag::Heading { .. } => {
                self.begin_leaf(range.start);
                self.builder.open(Style::Bold);
            }
            Tag::Emphasis => self.open_span(Style::Italic, range),
            Tag::Strong => self.open_span(Style::Bold, range),
            Tag::Strikethrough => self.open_span(Style::Strike, range),
            Tag::Link { dest_url, title, .. } | Tag::Image { dest_url, title, .. } => {
                self.start_link(&dest_url, &title, range);
            }
            // Only paragraphs and HTML blocks reach this arm. The other tags belong to disabled extensions, whose
            // syntax the parser reports as plain text.
            Tag::Paragraph
            | Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => self.begin_leaf(range.start),
        }
    }

    fn end(&mut self, tag: TagEnd, range: &Range<usize>) {
        match tag {
            TagEnd::Item => self.end_container(range.end),
            TagEnd::BlockQuote(_) => self.end_quote(range.end),
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.end_code(range.end),
            TagEnd::Table => self.end_table(range.end),
            TagEnd::TableHead | TagEnd::TableRow => self.end_row(range.end),
            TagEnd::TableCell => self.seen = range.end,
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => self.close_span(range),
            TagEnd::Link | TagEnd::Image => self.end_link(range),
            TagEnd::Heading(_) => {
                self.builder.close();
                self.end_block(range.end);
            }
            TagEnd::Paragraph
            | TagEnd::HtmlBlock
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => self.end_block(range.end),
        }
    }
}
