//! Lays out a table as text with aligned columns. Cells are not truncated.

use pulldown_cmark::Alignment;
use unicode_width::UnicodeWidthStr;

#[derive(Debug, Default)]
pub struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<String>>,
}

/// The separator between two columns.
const GAP: &str = "  ";

/// The maximum width to which a column is padded, in terminal cells; wider text overflows. Without this limit, one long
/// table cell would add its length to every row.
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

    /// Appends text to the current cell. Line breaks become spaces, because a cell of several lines would break the
    /// columns.
    pub fn push(&mut self, text: &str) {
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
            cell.push_str(&text.replace('\n', " "));
        }
    }

    /// The text of the current cell.
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
