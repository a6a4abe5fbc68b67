//! Draws the view on a terminal of any size.

use cordboard_core::render::strip_controls;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{self, Paragraph, TableState},
};

use super::{
    format::{ago, properties, summary},
    table::{self, Cell, GAP, Row, Tone, fit, heads, shortened, width},
    tables::TableKind,
    view::{HELP, Screen, View},
};

/// The keys in the last line, the most important first.
const HINTS: [&str; 5] = ["q quit", "? help", "Tab next table", "Enter turns", "s sort"];

/// Selects whether tones are shown as colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    Colors,
    Monochrome,
}

impl Palette {
    fn style(self, tone: Tone) -> Style {
        let color = match tone {
            Tone::Normal => return Style::new(),
            Tone::Good => Color::Green,
            Tone::Busy => Color::Cyan,
            Tone::Warning => Color::Yellow,
            Tone::Bad => Color::Red,
        };
        match self {
            Self::Colors => Style::new().fg(color),
            Self::Monochrome => Style::new(),
        }
    }
}

pub fn draw(frame: &mut Frame<'_>, view: &mut View, palette: Palette) {
    let [head, tabs, body, problem, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(u16::from(latest_problem(view).is_some())),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_head(frame, view, head, palette);
    frame.render_widget(tab_line(view, tabs.width), tabs);
    match view.screen.clone() {
        Screen::Tables => draw_table(frame, view, body, palette),
        Screen::Session { name, top } => {
            let lines = session_lines(view, name.as_str(), body.width);
            let top = draw_lines(frame, lines, top, body);
            view.screen = Screen::Session { name, top };
        }
        Screen::Help => {
            let lines = HELP.map(|(keys, effect)| Line::raw(format!("{keys:<16} {effect}")));
            draw_lines(frame, lines.to_vec(), 0, body);
        }
    }
    if let Some(problem_cells) = latest_problem(view) {
        frame.render_widget(problem_line(&problem_cells, problem.width, palette), problem);
    }
    let hints_text = fitting(&HINTS, "  ", hints.width);
    frame.render_widget(Line::styled(hints_text, Style::new().add_modifier(Modifier::DIM)), hints);
}

/// Joins as many parts as fit into a width.
fn fitting(parts: &[impl AsRef<str>], separator: &str, most: u16) -> String {
    let mut text = String::new();
    for part in parts {
        let longer =
            if text.is_empty() { part.as_ref().to_owned() } else { [&text, separator, part.as_ref()].concat() };
        if width(&longer) > most {
            break;
        }
        text = longer;
    }
    text
}

fn draw_head(frame: &mut Frame<'_>, view: &View, area: Rect, palette: Palette) {
    let line = match &view.stale {
        Some(why) => {
            let text = format!("Not updated: {}", strip_controls(why));
            Line::styled(shortened(&text, area.width), palette.style(Tone::Bad).add_modifier(Modifier::REVERSED))
        }
        None => {
            let text = fitting(&summary(&view.report), " · ", area.width);
            Line::styled(text, Style::new().add_modifier(Modifier::BOLD))
        }
    };
    frame.render_widget(line, area);
}

/// Returns the titles of the tables with their numbers of rows. In a narrow terminal, the numbers are missing.
fn tab_line(view: &View, most: u16) -> Line<'static> {
    let line = |label: &dyn Fn(TableKind) -> String, separator: &'static str| {
        let tab = |kind: TableKind| {
            let (text, style) = if kind == view.table {
                (format!("[{}]", label(kind)), Style::new().add_modifier(Modifier::BOLD))
            } else {
                (label(kind), Style::new())
            };
            [Span::styled(text, style), Span::raw(separator)]
        };
        Line::from_iter(TableKind::ALL.into_iter().flat_map(tab))
    };
    let counted = line(&|kind| format!("{} {}", kind.title(), kind.rows(&view.report).len()), "  ");
    if counted.width() <= usize::from(most) { counted } else { line(&|kind| kind.title().to_owned(), " ") }
}

fn draw_table(frame: &mut Frame<'_>, view: &mut View, area: Rect, palette: Palette) {
    let rows = view.rows();
    if rows.is_empty() {
        frame.render_widget(Line::raw(view.table.empty()), area);
        return;
    }
    let columns = view.table.columns();
    let heads = heads(columns, view.table_view().sorted_by);
    let shown = fit(columns, &heads, &rows, area.width);
    let head = widgets::Row::new(shown.iter().map(|(at, _)| heads[*at].as_str()))
        .style(Style::new().add_modifier(Modifier::BOLD));
    let cell = |cell: &Cell, width| widgets::Cell::new(shortened(&cell.text, width)).style(palette.style(cell.tone));
    let line = |row: &Row| widgets::Row::new(shown.iter().map(|(at, width)| cell(&row.cells[*at], *width)));
    let widget = widgets::Table::new(rows.iter().map(line), shown.iter().map(|(_, width)| *width))
        .header(head)
        .column_spacing(GAP)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut state = TableState::new().with_offset(view.table_view().top).with_selected(view.selected(&rows));
    frame.render_stateful_widget(widget, area, &mut state);
    view.table_view_mut().top = state.offset();
}

/// Draws lines from `top` on, but leaves no empty space below the last one. Returns the first visible line.
fn draw_lines(frame: &mut Frame<'_>, lines: Vec<Line<'_>>, top: usize, area: Rect) -> usize {
    let top = top.min(lines.len().saturating_sub(area.height.into()));
    frame.render_widget(Paragraph::new(lines.into_iter().skip(top).collect::<Vec<_>>()), area);
    top
}

/// Returns the properties of a session and its last turns, the latest first.
fn session_lines(view: &View, name: &str, width: u16) -> Vec<Line<'static>> {
    let report = &view.report;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = vec![Line::styled(format!("Session '{name}'"), bold)];
    if let Some(session) = report.host.sessions.iter().find(|session| session.row.name == name) {
        for (property, value) in properties(report, session).into_iter().filter(|(_, value)| value != "-") {
            lines.extend(wrapped(&format!("{property:<9} {value}"), width).map(Line::raw));
        }
    }
    let Some(exchanges) = report.session.as_ref().filter(|exchanges| exchanges.name == name) else {
        lines.extend([Line::default(), Line::raw("Reading the last turns…")]);
        return lines;
    };
    match &exchanges.error {
        Some(why) => lines.extend([Line::default(), Line::raw(why.clone())]),
        None if exchanges.turns.is_empty() => lines.extend([Line::default(), Line::raw("No turns yet.")]),
        None => {}
    }
    for turn in exchanges.turns.iter().rev() {
        let at = turn.at.map(|at| ago(report, at.0));
        lines.push(Line::default());
        lines.extend(at.map(|at| Line::styled(at, Style::new().add_modifier(Modifier::DIM))));
        lines.extend(wrapped(&format!("› {}", turn.prompt), width).map(|line| Line::styled(line, bold)));
        lines.extend(wrapped(&turn.answer, width).map(Line::raw));
    }
    lines
}

/// Returns a text, which may be untrusted, in lines that fit into a width.
fn wrapped(text: &str, most: u16) -> impl Iterator<Item = String> {
    let text = strip_controls(text).replace('\t', "    ");
    let mut lines = Vec::new();
    for long in text.lines() {
        let mut line = String::new();
        for word in long.split_inclusive(' ') {
            if width(&line).saturating_add(width(word.trim_end())) > most && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                if width(&line) + width(letter.encode_utf8(&mut [0; 4])) > most && letter != ' ' {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(letter);
            }
        }
        lines.push(line);
    }
    lines.into_iter()
}

/// Returns the cells of the latest warning or error in the log.
fn latest_problem(view: &View) -> Option<Vec<Cell>> {
    TableKind::Log.rows(&view.report).into_iter().next().map(|row| row.cells)
}

fn problem_line(cells: &[Cell], most: u16, palette: Palette) -> Line<'static> {
    let texts: Vec<&str> = cells.iter().map(|cell| cell.text.as_str()).collect();
    let tone = cells.first().map(|cell| cell.tone).unwrap_or_default();
    Line::styled(table::shortened(&texts.join("  "), most), palette.style(tone))
}
