//! From the parser's events to the draft of a message: what each block and each span of Markdown looks like.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};

use super::{Message, Style, draft::Draft, swallowed::Definitions, table::Table};

pub fn render(markdown: &str) -> Message {
    let parser = parser(markdown);
    let mut writer = Writer::new(markdown, Definitions::of(markdown, &parser));
    for (event, range) in parser.into_offset_iter() {
        writer.handle(event, range);
    }
    writer.recover(markdown.len());
    writer.draft.finish()
}

pub fn parser(markdown: &str) -> Parser<'_> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS)
}

struct Writer<'a> {
    source: &'a str,
    definitions: Definitions,
    draft: Draft,
    line: Line,
    /// Up to here the source is shown, or known to be syntax.
    seen: usize,
    /// The code block at hand: its info string and its text.
    code: Option<(String, String)>,
    table: Option<Table>,
    /// The number that the next item of each open list has; nothing for bullets.
    lists: Vec<Option<u64>>,
    links: Vec<Link>,
    /// How many block quotes are open.
    quotes: usize,
    /// Whether a paragraph or a heading is open: between its events lies syntax alone.
    in_leaf: bool,
}

/// What stands before the next text in its container.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Nothing, or the mark of a list item or quote.
    Fresh,
    /// Text that goes on.
    Running,
    /// A block that has ended.
    Closed,
}

/// An open link or image.
struct Link {
    url: String,
    title: String,
    /// How much was written when it began.
    start: usize,
    shown: Shown,
}

/// What of a link the entity carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    TextAlone,
    TextAndUrl,
}

impl<'a> Writer<'a> {
    fn new(source: &'a str, definitions: Definitions) -> Self {
        Self {
            source,
            definitions,
            draft: Draft::default(),
            line: Line::Fresh,
            seen: 0,
            code: None,
            table: None,
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
                self.draft.push("———");
                self.end_block(range.end);
            }
            Event::Text(text)
            | Event::Html(text)
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
                self.draft.open(Style::Bold);
            }
            Tag::Emphasis => self.open_span(Style::Italic, range),
            Tag::Strong => self.open_span(Style::Bold, range),
            Tag::Strikethrough => self.open_span(Style::Strike, range),
            Tag::Link { dest_url, title, .. } | Tag::Image { dest_url, title, .. } => {
                self.start_link(&dest_url, &title, range);
            }
            // What is not switched on in the parser is text to it, and never comes here as a tag of its own.
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
                self.draft.close();
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

/// Blocks, and what lies between them.
impl Writer<'_> {
    /// Shows the definitions up to `end` that the parser keeps to itself and nothing refers to.
    fn recover(&mut self, end: usize) {
        let gap = self.seen..end.max(self.seen);
        self.seen = gap.end;
        for (start, line) in self.definitions.unused(self.source, gap) {
            self.separate(start);
            self.draft.push(line);
            self.line = Line::Closed;
        }
    }

    /// Ends the line before a block, with a blank line where the source has one.
    fn separate(&mut self, start: usize) {
        match self.line {
            Line::Fresh => {}
            Line::Running | Line::Closed => self.draft.end_line(if self.follows_blank_line(start) { 2 } else { 1 }),
        }
        self.line = Line::Fresh;
    }

    fn follows_blank_line(&self, start: usize) -> bool {
        let mut before = self.source.get(..start).unwrap_or_default().rsplit('\n').skip(1);
        before.next().is_some_and(|line| line.chars().all(|c| c.is_whitespace() || c == '>'))
    }

    fn begin_block(&mut self, start: usize) {
        self.recover(start);
        self.separate(start);
    }

    fn begin_leaf(&mut self, start: usize) {
        self.begin_block(start);
        self.in_leaf = true;
    }

    fn end_block(&mut self, end: usize) {
        self.seen = self.seen.max(end);
        self.line = Line::Closed;
        self.in_leaf = false;
    }

    /// Text, or the start of a span. In a tight list it stands in the item itself, and may follow on a block.
    fn inline(&mut self, range: &Range<usize>, write: impl FnOnce(&mut Self)) {
        if !self.in_leaf && self.line != Line::Running {
            self.recover(range.start);
            if self.line == Line::Closed {
                self.separate(range.start);
            }
        }
        self.line = Line::Running;
        write(self);
        self.seen = self.seen.max(range.end);
    }

    fn start_item(&mut self, range: &Range<usize>) {
        self.begin_block(range.start);
        let marker = match self.lists.last_mut() {
            Some(Some(next)) => {
                let (number, delimiter) = numeral(self.source.get(range.clone()).unwrap_or_default());
                let number = number.max(*next);
                *next = number.saturating_add(1);
                format!("{number}{delimiter} ")
            }
            Some(None) | None => "• ".to_owned(),
        };
        self.draft.enter(&marker, &" ".repeat(marker.chars().count()));
    }

    fn end_container(&mut self, end: usize) {
        self.recover(end);
        self.draft.leave();
        self.line = Line::Closed;
    }

    /// Telegram's quotes hold no quotes and begin at the margin: others are marked as in a mail.
    fn start_quote(&mut self, range: &Range<usize>) {
        self.begin_block(range.start);
        self.quotes += 1;
        if self.quotes == 1 && !self.draft.has_prefix() {
            self.draft.open(Style::Quote);
            self.draft.enter("", "");
        } else {
            self.draft.enter("> ", "> ");
        }
    }

    fn end_quote(&mut self, end: usize) {
        self.end_container(end);
        self.quotes -= 1;
        if self.quotes == 0 && self.draft.has_open(|style| *style == Style::Quote) {
            self.draft.close();
        }
    }

    fn start_code(&mut self, kind: CodeBlockKind<'_>, range: &Range<usize>) {
        self.begin_leaf(range.start);
        let info = match kind {
            CodeBlockKind::Indented => CowStr::Borrowed(""),
            CodeBlockKind::Fenced(info) => info,
        };
        self.code = Some((info.trim().to_owned(), String::new()));
    }

    fn end_code(&mut self, end: usize) {
        let (info, code) = self.code.take().unwrap_or_default();
        let code = code.strip_suffix('\n').unwrap_or(&code);
        let language = info.split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default();
        // What the entity cannot carry is shown above the code.
        if language.len() < info.len() || language.len() > LONGEST_LANGUAGE || code.trim().is_empty() {
            self.draft.push(&info);
        }
        let fits = (1..=LONGEST_LANGUAGE).contains(&language.len());
        self.draft.push_pre(code, fits.then(|| language.to_owned()));
        self.end_block(end);
    }
}

/// The longest language name of a code block that goes into its entity, in bytes: longer ones are no names.
const LONGEST_LANGUAGE: usize = 32;

/// Tables and spans.
impl Writer<'_> {
    fn in_table(&mut self, change: impl FnOnce(&mut Table)) {
        if let Some(table) = &mut self.table {
            change(table);
        }
    }

    /// The parser drops the cells that a row has beyond those of the head.
    fn end_row(&mut self, end: usize) {
        let rest = self.source.get(self.seen..end).unwrap_or_default();
        let excess: Vec<&str> = rest.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect();
        self.in_table(|table| {
            for cell in excess {
                table.begin_cell();
                table.push(cell);
            }
        });
        self.seen = end;
    }

    fn end_table(&mut self, end: usize) {
        if let Some(table) = self.table.take() {
            self.draft.push_pre(&table.lay_out(), None);
        }
        self.end_block(end);
    }

    fn text(&mut self, text: &str) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(text);
            return;
        }
        match &mut self.table {
            Some(table) => table.push(text),
            None => self.draft.push(text),
        }
    }

    fn code_span(&mut self, code: &str) {
        match &mut self.table {
            Some(table) => table.push(code),
            None => self.draft.push_code(code),
        }
    }

    /// The line or cell that spans are written to.
    fn written(&self) -> &str {
        self.table.as_ref().map_or_else(|| self.draft.text(), Table::cell)
    }

    fn open_span(&mut self, style: Style, range: &Range<usize>) {
        self.inline(&(range.start..range.start), |writer| writer.draft.open(style));
    }

    fn close_span(&mut self, range: &Range<usize>) {
        self.draft.close();
        self.seen = self.seen.max(range.end);
    }

    /// Entities of links cannot lie in each other, nor in a table's.
    fn start_link(&mut self, url: &str, title: &str, range: &Range<usize>) {
        self.inline(&(range.start..range.start), |writer| {
            let nested = writer.table.is_some() || writer.draft.has_open(|style| matches!(style, Style::Link { .. }));
            let shown = if nested || !is_web(url) { Shown::TextAndUrl } else { Shown::TextAlone };
            if shown == Shown::TextAlone {
                writer.draft.open(Style::Link { url: url.to_owned() });
            }
            let start = writer.written().len();
            writer.links.push(Link { url: url.to_owned(), title: title.to_owned(), start, shown });
        });
    }

    /// A link that cannot be one in the chat, as `src/main.rs`, shows its address behind its text.
    fn end_link(&mut self, range: &Range<usize>) {
        let Some(Link { url, title, start, shown }) = self.links.pop() else { return };
        let text = self.written().get(start..).unwrap_or_default().trim();
        if text.is_empty() {
            self.text(&url);
        } else if shown == Shown::TextAndUrl && text != url && !url.is_empty() {
            self.text(&format!(" ({url})"));
        }
        if shown == Shown::TextAlone {
            self.draft.close();
        }
        if !title.is_empty() {
            self.text(&format!(" ({title})"));
        }
        self.seen = self.seen.max(range.end);
    }
}

/// The addresses that Telegram takes in a link.
fn is_web(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| matches!(scheme.as_str(), "http" | "https" | "tg"))
}

/// The number that an item's source begins with, and the `.` or `)` behind it.
fn numeral(item: &str) -> (u64, char) {
    let item = item.trim_start();
    let digits = item.find(|c: char| !c.is_ascii_digit()).unwrap_or(item.len());
    let delimiter = if item[digits..].starts_with(')') { ')' } else { '.' };
    (item[..digits].parse().unwrap_or(0), delimiter)
}
