//! Lays out a table as text with aligned columns, or as the items of a list. Cells are not truncated.

use pulldown_cmark::Alignment;
use unicode_width::UnicodeWidthStr;

use super::{CellAlignment, RichTable, controls::replace_controls, is_blank};

#[derive(Debug, Default)]
pub struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<String>>,
}

/// The separator between two columns.
const GAP: &str = "  ";

/// The text of an empty cell in a list.
const EMPTY: &str = "–";

/// The maximum width to which columns are padded, in terminal cells; wider text overflows. Without this limit, one long
/// table cell would widen every row.
const WIDEST: usize = 40;

impl Table {
    pub fn new(alignments: Vec<Alignment>) -> Self {
        Self { alignments, rows: Vec::new() }
    }

    pub fn begin_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub fn begin_cell(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.push(String::new());
        }
    }

    /// Appends text to the current cell. Line breaks become spaces, because multi-line cells would break the column
    /// layout.
    pub fn push(&mut self, text: &str) {
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
            cell.push_str(&text.replace('\n', " "));
        }
    }

    /// Returns the text of the current cell.
    pub fn cell(&self) -> &str {
        self.rows.last().and_then(|row| row.last()).map_or("", String::as_str)
    }

    /// Returns the table as text: the header row, a rule, and the other rows.
    pub fn lay_out(&self) -> String {
        let widths = self.widths();
        let mut lines: Vec<String> = self.rows.iter().map(|row| self.line(row, &widths)).collect();
        let rule: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
        lines.insert(lines.len().min(1), rule.join(GAP));
        lines.join("\n")
    }

    /// Returns whether the table has a row below its header.
    pub fn has_rows(&self) -> bool {
        self.rows.len() > 1
    }

    /// Returns the width of the table's widest line.
    pub fn width(&self) -> usize {
        self.lay_out().lines().map(UnicodeWidthStr::width).max().unwrap_or_default()
    }

    /// Returns the rows below the header. Each cell begins with the name of its column, if the column has one.
    pub fn labelled_rows(&self) -> impl Iterator<Item = Vec<String>> {
        let (header, rows) = self.rows.split_first().map_or((&[][..], &[][..]), |(header, rows)| (&header[..], rows));
        rows.iter().map(|row| {
            let name = |column: usize| header.get(column).map(|name| name.trim()).filter(|name| !name.is_empty());
            let cell = |(column, cell): (usize, &String)| match (name(column), cell.trim()) {
                (Some(name), "") => format!("{name}: {EMPTY}"),
                (Some(name), cell) => format!("{name}: {cell}"),
                (None, "") => EMPTY.to_owned(),
                (None, cell) => cell.to_owned(),
            };
            row.iter().enumerate().map(cell).collect()
        })
    }

    /// Returns the table for a rich message. Blank cells become `empty`.
    pub fn into_rich(self, empty: &str) -> RichTable {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let alignment = |column: usize| match self.alignments.get(column) {
            Some(Alignment::Right) => CellAlignment::Right,
            Some(Alignment::Center) => CellAlignment::Center,
            Some(Alignment::Left | Alignment::None) | None => CellAlignment::Left,
        };
        let alignments = (0..columns).map(alignment).collect();
        let cell = |cell: String| if is_blank(&cell) { empty.to_owned() } else { replace_controls(cell) };
        let rows = self.rows.into_iter().map(|mut row| {
            row.resize(columns, String::new());
            row.into_iter().map(cell).collect()
        });
        RichTable { rows: rows.collect(), alignments }
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().min(WIDEST).max(*width);
            }
        }
        widths
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let cell = |(column, text): (usize, &String)| {
            let room = widths[column].saturating_sub(text.width());
            let before = match self.alignments.get(column) {
                Some(Alignment::Right) => room,
                Some(Alignment::Center) => room / 2,
                Some(Alignment::Left | Alignment::None) | None => 0,
            };
            format!("{}{text}{}", " ".repeat(before), " ".repeat(room - before))
        };
        row.iter().enumerate().map(cell).collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    }
}
