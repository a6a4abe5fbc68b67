//! The parts of a table, and which of its columns fit into a width.

use cordboard_core::render::{UNTRUSTED_LENGTH, one_line};
use ratatui::text::Span;

/// The number of blanks between columns.
pub const GAP: u16 = 2;

/// The maximum width of a column that doesn't get the remaining width.
const WIDEST: u16 = 20;

/// The minimum width of a column that gets the remaining width.
const NARROWEST_REST: u16 = 10;

/// The meaning of a cell, which selects its color.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Normal,
    Good,
    Busy,
    Warning,
    Bad,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// One line without control characters.
    pub text: String,
    pub tone: Tone,
    /// The value by which rows are sorted. Rows without it are sorted by their texts.
    pub amount: Option<f64>,
}

impl Cell {
    /// Creates a cell from a text, which may be untrusted.
    pub fn new(text: &str) -> Self {
        Self { text: one_line(text, UNTRUSTED_LENGTH), tone: Tone::Normal, amount: None }
    }

    pub fn or_dash(text: Option<&str>) -> Self {
        Self::new(text.filter(|text| !text.is_empty()).unwrap_or("-"))
    }

    pub fn toned(text: &str, tone: Tone) -> Self {
        Self { tone, ..Self::new(text) }
    }

    /// Creates a cell with a value. A missing value is sorted as the smallest one.
    pub fn amount<N: Copy>(value: Option<N>, amount: impl Fn(N) -> f64, text: impl Fn(N) -> String) -> Self {
        let shown = value.map_or_else(|| "-".to_owned(), text);
        Self { amount: Some(value.map_or(f64::NEG_INFINITY, amount)), ..Self::new(&shown) }
    }

    pub fn count(count: u64) -> Self {
        Self::amount(Some(count), |count| count as f64, |count| count.to_string())
    }
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Identifies the row in later reports.
    pub key: String,
    /// The session that Enter opens.
    pub session: Option<String>,
    pub cells: Vec<Cell>,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    head: &'static str,
    /// The columns with the highest ranks are hidden first.
    rank: u8,
    width: ColumnWidth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnWidth {
    /// As wide as its widest cell.
    Content,
    /// Gets the width that remains.
    Rest,
}

impl Column {
    pub const fn new(head: &'static str, rank: u8) -> Self {
        Self { head, rank, width: ColumnWidth::Content }
    }

    pub const fn rest(head: &'static str, rank: u8) -> Self {
        Self { head, rank, width: ColumnWidth::Rest }
    }

    pub fn head(&self) -> &'static str {
        self.head
    }
}

/// Returns the width of a text on a terminal.
pub fn width(text: &str) -> u16 {
    u16::try_from(Span::raw(text).width()).unwrap_or(u16::MAX)
}

/// Returns the titles of the columns. The one by which rows are sorted has a mark.
pub fn heads(columns: &[Column], sorted_by: Option<usize>) -> Vec<String> {
    let mark = |at: usize| if sorted_by == Some(at) { "▾" } else { "" };
    columns.iter().enumerate().map(|(at, column)| format!("{}{}", column.head, mark(at))).collect()
}

/// Returns the columns that fit into `available`, as their positions and widths.
pub fn fit(columns: &[Column], heads: &[String], rows: &[Row], available: u16) -> Vec<(usize, u16)> {
    let cells = |at: usize| rows.iter().filter_map(move |row| row.cells.get(at)).map(|cell| width(&cell.text));
    let natural = |(at, head): (usize, &String)| cells(at).max().unwrap_or(0).max(width(head));
    let natural: Vec<u16> = heads.iter().enumerate().map(natural).collect();
    let needed = |at: usize| match columns[at].width {
        ColumnWidth::Content => natural[at].min(WIDEST),
        ColumnWidth::Rest => natural[at].min(NARROWEST_REST),
    };
    let mut ranked: Vec<usize> = (0..columns.len()).collect();
    ranked.sort_by_key(|at| columns[*at].rank);
    let (mut chosen, mut remaining) = (Vec::new(), available);
    for at in ranked {
        let gap = if chosen.is_empty() { 0 } else { GAP };
        let Some(left) = remaining.checked_sub(needed(at).saturating_add(gap)) else { continue };
        remaining = left;
        chosen.push((at, needed(at)));
    }
    chosen.sort_unstable();
    for (at, width) in &mut chosen {
        if columns[*at].width == ColumnWidth::Rest {
            let more = remaining.min(natural[*at] - *width);
            *width += more;
            remaining -= more;
        }
    }
    chosen
}

/// Returns the text, shortened with an ellipsis if it is wider than `most`.
pub fn shortened(text: &str, most: u16) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        if width(&short) + width(letter.encode_utf8(&mut [0; 4])) >= most {
            break;
        }
        short.push(letter);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [Column::new("A", 0), Column::new("BB", 2), Column::rest("C", 1)];

    fn row(texts: [&str; 3]) -> Row {
        Row { key: String::new(), session: None, cells: texts.map(Cell::new).to_vec() }
    }

    fn fitting(rows: &[Row], available: u16) -> Vec<(usize, u16)> {
        fit(&COLUMNS, &heads(&COLUMNS, Some(2)), rows, available)
    }

    #[test]
    fn columns_of_high_rank_are_hidden_first() {
        let rows = [row(["aaaa", "bbbb", "c"])];
        assert_eq!(fitting(&rows, 80), [(0, 4), (1, 4), (2, 2)], "the last column has room for its mark");
        assert_eq!(fitting(&rows, 13), [(0, 4), (2, 2)]);
        assert_eq!(fitting(&rows, 7), [(0, 4)]);
        assert_eq!(fitting(&rows, 3), [(2, 2)]);
    }

    #[test]
    fn a_long_text_gets_the_remaining_width() {
        let long = "x".repeat(300);
        assert_eq!(fitting(&[row([&long, "b", &long])], 80), [(0, 20), (1, 2), (2, 54)]);
        assert_eq!(fitting(&[row([&long, "b", &long])], 32), [(0, 20), (2, 10)]);
    }

    #[test]
    fn a_shortened_text_fits() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
        assert_eq!(shortened("日本語日本語", 6), "日本…");
    }
}
