//! The view of the user: the screen, the table, the selected rows and the sort order. Keys and reports change it.

use std::{cmp::Ordering, collections::BTreeMap};

use cordboard_core::types::SessionName;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{table::Row, tables::TableKind};
use crate::control::StatusReport;

/// The number of rows by which Page Up and Page Down move.
const PAGE: isize = 10;

/// The effect of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Quit,
    NextTable,
    PreviousTable,
    Move(isize),
    Open,
    Back,
    Sort,
    Help,
}

const KEYS: [(KeyCode, Command); 23] = [
    (KeyCode::Char('q'), Command::Quit),
    (KeyCode::Tab, Command::NextTable),
    (KeyCode::Right, Command::NextTable),
    (KeyCode::Char('l'), Command::NextTable),
    (KeyCode::BackTab, Command::PreviousTable),
    (KeyCode::Left, Command::PreviousTable),
    (KeyCode::Char('h'), Command::PreviousTable),
    (KeyCode::Down, Command::Move(1)),
    (KeyCode::Char('j'), Command::Move(1)),
    (KeyCode::Up, Command::Move(-1)),
    (KeyCode::Char('k'), Command::Move(-1)),
    (KeyCode::PageDown, Command::Move(PAGE)),
    (KeyCode::PageUp, Command::Move(-PAGE)),
    (KeyCode::Home, Command::Move(isize::MIN)),
    (KeyCode::Char('g'), Command::Move(isize::MIN)),
    (KeyCode::End, Command::Move(isize::MAX)),
    (KeyCode::Char('G'), Command::Move(isize::MAX)),
    (KeyCode::Enter, Command::Open),
    (KeyCode::Esc, Command::Back),
    (KeyCode::Backspace, Command::Back),
    (KeyCode::Char('s'), Command::Sort),
    (KeyCode::Char('?'), Command::Help),
    (KeyCode::F(1), Command::Help),
];

/// The keys, as the help shows them.
pub const HELP: [(&str, &str); 10] = [
    ("Tab, →, l", "next table"),
    ("Shift-Tab, ←, h", "previous table"),
    ("↓ ↑, j k", "move"),
    ("PgDn, PgUp", "move by ten rows"),
    ("Home End, g G", "first, last row"),
    ("Enter", "a session's last turns"),
    ("Esc, Backspace", "back"),
    ("s", "sort by the next column"),
    ("?, F1", "this help"),
    ("q, Ctrl-C", "quit"),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    Tables,
    /// The last turns of a session, and the first visible line.
    Session {
        name: SessionName,
        top: usize,
    },
    Help,
}

/// The state of a table that is kept while reports replace its rows.
#[derive(Debug, Default, Clone)]
pub struct TableView {
    /// The position of the column by which rows are sorted. `None` means the host's order.
    pub sorted_by: Option<usize>,
    selected: Selection,
    /// The first visible row.
    pub top: usize,
}

/// The selected row. It keeps its key when the rows change their order.
#[derive(Debug, Default, Clone)]
struct Selection {
    key: String,
    at: usize,
}

impl Selection {
    fn position(&self, rows: &[Row]) -> usize {
        let has_key = |at: &usize| rows.get(*at).is_some_and(|row| row.key == self.key);
        let moved = || rows.iter().position(|row| row.key == self.key);
        Some(self.at).filter(has_key).or_else(moved).unwrap_or_else(|| self.at.min(rows.len().saturating_sub(1)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum AfterKey {
    Continue,
    Quit,
}

pub struct View {
    pub report: StatusReport,
    /// The reason why there is no newer report.
    pub stale: Option<String>,
    pub screen: Screen,
    pub table: TableKind,
    views: BTreeMap<TableKind, TableView>,
}

impl View {
    pub fn new(report: StatusReport) -> Self {
        let views = TableKind::ALL.map(|kind| (kind, TableView::default())).into();
        Self { report, stale: None, screen: Screen::Tables, table: TableKind::Sessions, views }
    }

    /// Shows a newer report, or the reason why there is none.
    pub fn update(&mut self, report: Result<StatusReport, String>) {
        match report {
            Ok(report) => (self.report, self.stale) = (report, None),
            Err(why) => self.stale = Some(why),
        }
    }

    /// Returns the session whose turns the report should contain.
    pub fn session(&self) -> Option<&SessionName> {
        match &self.screen {
            Screen::Session { name, .. } => Some(name),
            Screen::Tables | Screen::Help => None,
        }
    }

    pub fn press(&mut self, key: KeyEvent) -> AfterKey {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') { AfterKey::Quit } else { AfterKey::Continue };
        }
        let Some((_, command)) = KEYS.iter().find(|(code, _)| *code == key.code) else { return AfterKey::Continue };
        match *command {
            Command::Quit => return AfterKey::Quit,
            Command::Help if self.screen == Screen::Help => self.screen = Screen::Tables,
            Command::Help => self.screen = Screen::Help,
            Command::Back => self.screen = Screen::Tables,
            Command::NextTable => self.change_table(1),
            Command::PreviousTable => self.change_table(TableKind::ALL.len() - 1),
            Command::Move(by) => self.move_by(by),
            Command::Open => self.open(),
            Command::Sort => self.sort(),
        }
        AfterKey::Continue
    }

    fn change_table(&mut self, by: usize) {
        let at = TableKind::ALL.iter().position(|kind| *kind == self.table).unwrap_or_default();
        self.table = TableKind::ALL[(at + by) % TableKind::ALL.len()];
        self.screen = Screen::Tables;
    }

    fn move_by(&mut self, by: isize) {
        match &mut self.screen {
            // Drawing corrects a line beyond the end, because only then is the width known.
            Screen::Session { top, .. } => *top = top.saturating_add_signed(by),
            Screen::Tables => {
                let rows = self.rows();
                let at = self.selected(&rows).saturating_add_signed(by).min(rows.len().saturating_sub(1));
                let key = rows.get(at).map(|row| row.key.clone()).unwrap_or_default();
                self.table_view_mut().selected = Selection { key, at };
            }
            Screen::Help => {}
        }
    }

    fn open(&mut self) {
        if self.screen != Screen::Tables {
            return;
        }
        let rows = self.rows();
        let session = rows.get(self.selected(&rows)).and_then(|row| row.session.as_ref());
        if let Some(name) = session.and_then(|name| name.parse().ok()) {
            self.screen = Screen::Session { name, top: 0 };
        }
    }

    /// Sorts by the next column, and after the last one in the host's order.
    fn sort(&mut self) {
        let columns = self.table.columns().len();
        let view = self.table_view_mut();
        view.sorted_by = match view.sorted_by {
            None => Some(0),
            Some(at) => Some(at + 1).filter(|next| *next < columns),
        };
    }

    pub fn table_view(&self) -> &TableView {
        &self.views[&self.table]
    }

    pub fn table_view_mut(&mut self) -> &mut TableView {
        self.views.entry(self.table).or_default()
    }

    /// Returns the rows of the table in their order.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = self.table.rows(&self.report);
        if let Some(at) = self.table_view().sorted_by {
            rows.sort_by(|a, b| compare(a, b, at));
        }
        rows
    }

    pub fn selected(&self, rows: &[Row]) -> usize {
        self.table_view().selected.position(rows)
    }
}

/// Compares two rows by a column: amounts from high to low, texts in alphabetical order.
fn compare(a: &Row, b: &Row, at: usize) -> Ordering {
    let (Some(a), Some(b)) = (a.cells.get(at), b.cells.get(at)) else { return Ordering::Equal };
    match (a.amount, b.amount) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (None, _) | (_, None) => a.text.cmp(&b.text),
    }
}
