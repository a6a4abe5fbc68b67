//! Writes blocks: the space between them, lists, quotes, code, tables, and text that the parser does not report.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, CowStr};

use super::{LineState, Writer};
use crate::render::{Style, table::Table};

/// The maximum length in bytes of a code block's language in its entity. A longer word isn't a language name.
const MAX_LANGUAGE_LENGTH: usize = 32;

impl Writer<'_> {
    /// Writes the unused link definitions before `end`, which the parser does not report.
    pub(super) fn recover(&mut self, end: usize) {
        let gap = self.seen..end.max(self.seen);
        self.seen = gap.end;
        for (start, line) in self.definitions.unused(self.source, gap) {
            self.separate(start);
            self.builder.push(line);
            self.line = LineState::Closed;
        }
    }

    /// Ends the line before a block, and adds a blank line if the source has one.
    pub(super) fn separate(&mut self, start: usize) {
        match self.line {
            LineState::Fresh => {}
            LineState::Running | LineState::Closed => {
                self.builder.end_line(if self.follows_blank_line(start) { 2 } else { 1 })
            }
        }
        self.line = LineState::Fresh;
    }

    fn follows_blank_line(&self, start: usize) -> bool {
        let mut before = self.source.get(..start).unwrap_or_default().rsplit('\n').skip(1);
        before.next().is_some_and(|line| line.chars().all(|c| c.is_whitespace() || c == '>'))
    }

    pub(super) fn begin_block(&mut self, start: usize) {
        self.recover(start);
        self.separate(start);
    }

    pub(super) fn begin_leaf(&mut self, start: usize) {
        self.begin_block(start);
        self.in_leaf = true;
    }

    pub(super) fn end_block(&mut self, end: usize) {
        self.seen = self.seen.max(end);
        self.line = LineState::Closed;
        self.in_leaf = false;
    }

    /// Writes inline content. In a tight list, inline content belongs to the item itself rather than to a paragraph,
    /// and may follow a block of the item.
    pub(super) fn inline(&mut self, range: &Range<usize>, write: impl FnOnce(&mut Self)) {
        if !self.in_leaf && self.line != LineState::Running {
            self.recover(range.start);
            if self.line == LineState::Closed {
                self.separate(range.start);
            }
        }
        self.line = LineState::Running;
        write(self);
        self.seen = self.seen.max(range.end);
    }

    pub(super) fn start_item(&mut self, range: &Range<usize>) {
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
        self.builder.enter(&marker, &" ".repeat(marker.chars().count()));
    }

    pub(super) fn end_container(&mut self, end: usize) {
        self.recover(end);
        self.builder.leave();
        self.line = LineState::Closed;
    }

    /// Opens a quote. Telegram's quotes cannot be nested or indented, so each line of a nested or indented quote starts
    /// with `>` instead.
    pub(super) fn start_quote(&mut self, range: &Range<usize>) {
        self.begin_block(range.start);
        self.quotes += 1;
        if self.quotes == 1 && !self.builder.has_prefix() {
            self.builder.open(Style::Quote);
            self.builder.enter("", "");
        } else {
            self.builder.enter("> ", "> ");
        }
    }

    pub(super) fn end_quote(&mut self, end: usize) {
        self.end_container(end);
        self.quotes -= 1;
        if self.quotes == 0 && self.builder.has_open(|style| *style == Style::Quote) {
            self.builder.close();
        }
    }

    pub(super) fn start_code(&mut self, kind: CodeBlockKind<'_>, range: &Range<usize>) {
        self.begin_leaf(range.start);
        let info = match kind {
            CodeBlockKind::Indented => CowStr::Borrowed(""),
            CodeBlockKind::Fenced(info) => info,
        };
        self.code = Some((info.trim().to_owned(), String::new()));
    }

    pub(super) fn end_code(&mut self, end: usize) {
        let (info, code) = self.code.take().unwrap_or_default();
        let code = code.strip_suffix('\n').unwrap_or(&code);
        let language = info.split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default();
        // If the entity cannot hold the whole info string, or the block has no code, the info string is shown as text.
        if language.len() < info.len() || language.len() > MAX_LANGUAGE_LENGTH || code.trim().is_empty() {
            self.builder.push(&info);
        }
        let fits = (1..=MAX_LANGUAGE_LENGTH).contains(&language.len());
        self.builder.push_pre(code, fits.then(|| language.to_owned()));
        self.end_block(end);
    }

    pub(super) fn in_table(&mut self, change: impl FnOnce(&mut Table)) {
        if let Some(table) = &mut self.table {
            change(table);
        }
    }

    /// Ends a row. The parser drops cells beyond the header's last column, so this function adds them.
    pub(super) fn end_row(&mut self, end: usize) {
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

    pub(super) fn end_table(&mut self, end: usize) {
        if let Some(table) = self.table.take() {
            if table.width() > self.columns && table.has_rows() {
                self.push_list(&table);
            } else {
                let offset = self.builder.push_pre(&table.lay_out(), None);
                self.tables.extend(offset.map(|offset| (offset, table)));
            }
        }
        self.end_block(end);
    }

    /// Writes a table as a list: the first cell of each row, with the row's other cells below it.
    fn push_list(&mut self, table: &Table) {
        for cells in table.labelled_rows() {
            let (first, others) = cells.split_first().map_or(("", &cells[..]), |(first, others)| (first, others));
            self.builder.end_line(1);
            self.builder.open(Style::Bold);
            self.builder.push(first);
            self.builder.close();
            for cell in others {
                self.builder.end_line(1);
                self.builder.push(&format!("  {cell}"));
            }
        }
    }
}

/// Returns the number and the delimiter (`.` or `)`) at the start of a list item's source.
fn numeral(item: &str) -> (u64, char) {
    let item = item.trim_start();
    let digits = item.find(|c: char| !c.is_ascii_digit()).unwrap_or(item.len());
    let delimiter = if item[digits..].starts_with(')') { ')' } else { '.' };
    (item[..digits].parse().unwrap_or(0), delimiter)
}
