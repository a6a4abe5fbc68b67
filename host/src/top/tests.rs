//! Draws a fixed report at different sizes, and presses keys.

use expect_test::{Expect, expect};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Buffer,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::Size,
    style::{Color, Modifier},
};
use serde_json::json;

use super::{
    draw::{Palette, draw},
    format::snapshot,
    tables::TableKind,
    view::{AfterKey, View},
};
use crate::control::StatusReport;

const NOW: u64 = 1_800_000_000_000;

/// Returns a report in the form in which the host sends it.
fn report() -> StatusReport {
    let session = |name: &str, phase: &str, seconds: u64, memory: Option<u64>| {
        json!({
            "name": name, "phase": phase, "agent": "claude", "persona": null, "model": "opus", "pid": memory,
            "idle_timeout_s": 3600, "last_active": NOW - 1000 * seconds, "turns": 3, "queued": 0, "owner": "ada",
            "folder": "/srv/a", "cost_usd": 0.25, "memory": memory, "why": null,
        })
    };
    let mut broken = session("beta", "broken", 7200, None);
    broken["why"] = "the program doesn't exist\u{1b}[2J".into();
    let plugin = |name: &str, health: &str, calls: u64, p99: Option<f64>| {
        json!({
            "name": name, "digest": "0123456789abcdef", "generation": 1, "health": health, "note": "", "since": NOW,
            "calls": calls, "failures": 0, "p50": p99, "p99": p99, "activations": [],
            "rollbacks": [{ "digest": "1", "count": 2, "at": NOW, "why": "trap" }],
        })
    };
    let post = |state: &str| {
        json!({
            "place": "telegram:42", "state": state, "at": NOW - 60_000, "sent": null, "messages": null,
            "text": "Done.", "why": "Forbidden",
        })
    };
    let report = json!({
        "now": NOW,
        "host": {
            "version": "0.1.0",
            "memory": 17_000_000,
            "sessions": [session("alpha", "idle", 75, Some(300_000_000)), broken],
            "requests": [
                { "session": "alpha", "number": 7, "kind": "permission", "title": "Bash: ls", "since": NOW - 120_000 },
            ],
            "plugins": [plugin("approval", "ok", 12, Some(0.0003)), plugin("echo", "rolled back", 340, Some(0.012))],
            "outbox": {
                "inbox": 1, "waiting": 1, "posts": [post("unreachable")], "problems": [post("dropped")], "error": null,
            },
            "log": [{ "at": NOW - 180_000, "level": "warning", "text": "failed to read the file" }],
        },
        "session": {
            "name": "alpha",
            "turns": [
                { "prompt": "hello", "answer": "Hello!", "at": NOW - 240_000 },
                { "prompt": "list\nthe files", "answer": "There are many files: one, two, three.", "at": null },
            ],
            "error": null,
        },
    });
    serde_json::from_value(report).unwrap()
}

fn view() -> View {
    View::new(report())
}

fn press(view: &mut View, keys: impl IntoIterator<Item = KeyCode>) {
    for code in keys {
        assert_eq!(view.press(KeyEvent::from(code)), AfterKey::Continue);
    }
}

fn drawn(view: &mut View, size: Size, palette: Palette) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
    terminal.draw(|frame| draw(frame, view, palette)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let line = |cells: &[ratatui::buffer::Cell]| cells.iter().map(|cell| cell.symbol()).collect::<String>();
    buffer.content.chunks(buffer.area.width.into()).map(|cells| format!("{}\n", line(cells).trim_end())).collect()
}

fn shows(view: &mut View, size: Size, expected: &Expect) {
    expected.assert_eq(&text(&drawn(view, size, Palette::Monochrome)));
}

#[test]
fn each_table_fits_a_usual_terminal() {
    let mut view = view();
    shows(
        &mut view,
        Size::new(80, 8),
        &expect![[r#"
            cordboard 0.1.0 · 2 sessions, 1 running · 1 request · 1 post waiting
            [Sessions 2]  Requests 1  Plugins 2  Outbox 2  Log 1
            NAME   PHASE   ACTIVITY     MEMORY    TURNS  QUEUED  AGENT   COST   NOTE
            alpha  idle    1m15s of 1h  286.1 MB  3      0       claude  $0.25  -
            beta   broken  2h ago       -         3      0       claude  $0.25  the program…

            warning  3m ago  failed to read the file
            q quit  ? help  Tab next table  Enter turns  s sort
        "#]],
    );
    press(&mut view, [KeyCode::Tab]);
    shows(
        &mut view,
        Size::new(80, 6),
        &expect![[r#"
            cordboard 0.1.0 · 2 sessions, 1 running · 1 request · 1 post waiting
            Sessions 2  [Requests 1]  Plugins 2  Outbox 2  Log 1
            SESSION  NUMBER  KIND        ASKED   TITLE
            alpha    #7      permission  2m ago  Bash: ls
            warning  3m ago  failed to read the file
            q quit  ? help  Tab next table  Enter turns  s sort
        "#]],
    );
    press(&mut view, [KeyCode::Tab]);
    shows(
        &mut view,
        Size::new(80, 8),
        &expect![[r#"
            cordboard 0.1.0 · 2 sessions, 1 running · 1 request · 1 post waiting
            Sessions 2  Requests 1  [Plugins 2]  Outbox 2  Log 1
            NAME      STATE        CALLS  P50     P99     FAILURES  ROLLBACKS  NOTE
            approval  ok           12     300 µs  300 µs  0         2          -
            echo      rolled back  340    12 ms   12 ms   0         2          -

            warning  3m ago  failed to read the file
            q quit  ? help  Tab next table  Enter turns  s sort
        "#]],
    );
    press(&mut view, [KeyCode::Tab]);
    shows(
        &mut view,
        Size::new(80, 8),
        &expect![[r#"
        cordboard 0.1.0 · 2 sessions, 1 running · 1 request · 1 post waiting
        Sessions 2  Requests 1  Plugins 2  [Outbox 2]  Log 1
        PLACE        STATE        TIME    REASON     TEXT
        telegram:42  unreachable  1m ago  Forbidden  Done.
        telegram:42  dropped      1m ago  Forbidden  Done.

        warning  3m ago  failed to read the file
        q quit  ? help  Tab next table  Enter turns  s sort
    "#]],
    );
    press(&mut view, [KeyCode::Tab]);
    shows(
        &mut view,
        Size::new(80, 6),
        &expect![[r#"
        cordboard 0.1.0 · 2 sessions, 1 running · 1 request · 1 post waiting
        Sessions 2  Requests 1  Plugins 2  Outbox 2  [Log 1]
        LEVEL    TIME    TEXT
        warning  3m ago  failed to read the file
        warning  3m ago  failed to read the file
        q quit  ? help  Tab next table  Enter turns  s sort
    "#]],
    );
}

#[test]
fn narrow_terminals_show_the_important_columns() {
    let mut view = view();
    shows(
        &mut view,
        Size::new(40, 8),
        &expect![[r#"
        cordboard 0.1.0 · 2 sessions, 1 running
        [Sessions] Requests Plugins Outbox Log
        NAME   PHASE   ACTIVITY     MEMORY
        alpha  idle    1m15s of 1h  286.1 MB
        beta   broken  2h ago       -

        warning  3m ago  failed to read the file
        q quit  ? help  Tab next table
    "#]],
    );
    press(&mut view, [KeyCode::Char('l'), KeyCode::Char('l')]);
    shows(
        &mut view,
        Size::new(40, 8),
        &expect![[r#"
        cordboard 0.1.0 · 2 sessions, 1 running
        Sessions Requests [Plugins] Outbox Log
        NAME      STATE        P99     FAILURES
        approval  ok           300 µs  0
        echo      rolled back  12 ms   0

        warning  3m ago  failed to read the file
        q quit  ? help  Tab next table
    "#]],
    );
    // No size makes drawing fail.
    for (width, height) in [(1, 1), (3, 2), (20, 3), (300, 100)] {
        drawn(&mut view, Size::new(width, height), Palette::Colors);
    }
}

#[test]
fn enter_shows_the_turns_of_the_selected_session() {
    let mut view = view();
    press(&mut view, [KeyCode::Enter]);
    assert_eq!(view.session().unwrap().as_str(), "alpha");
    shows(
        &mut view,
        Size::new(32, 24),
        &expect![[r#"
        cordboard 0.1.0
        [Sessions] Requests Plugins Outb
        Session 'alpha'
        Phase     idle
        Activity  1m15s of 1h
        Memory    286.1 MB
        Turns     3
        Queued    0
        Agent     claude
        Model     opus
        Owner     ada
        Folder    /srv/a
        Cost      $0.25

        › list
        the files
        There are many files: one, two,
        three.

        4m ago
        › hello
        Hello!
        warning  3m ago  failed to read…
        q quit  ? help  Tab next table
    "#]],
    );
    press(&mut view, [KeyCode::PageDown, KeyCode::PageDown]);
    let shown = text(&drawn(&mut view, Size::new(32, 8), Palette::Monochrome));
    assert!(shown.contains("Hello!"), "the end is visible: {shown}");
    press(&mut view, [KeyCode::Up]);
    assert_ne!(
        text(&drawn(&mut view, Size::new(32, 8), Palette::Monochrome)),
        shown,
        "the screen can't be scrolled past the end"
    );
    press(&mut view, [KeyCode::Esc, KeyCode::Down, KeyCode::Enter]);
    assert_eq!(view.session().unwrap().as_str(), "beta");
    assert!(text(&drawn(&mut view, Size::new(40, 20), Palette::Monochrome)).contains("Reading the last turns…"));
    press(&mut view, [KeyCode::Tab, KeyCode::Enter]);
    assert_eq!(view.session().unwrap().as_str(), "alpha", "the request's session is shown");
}

#[test]
fn the_selection_follows_its_row() {
    let mut view = view();
    press(&mut view, [KeyCode::Char('j'), KeyCode::Char('j')]);
    let mut reversed = report();
    reversed.host.sessions.reverse();
    view.update(Ok(reversed));
    let rows = view.rows();
    assert_eq!((view.selected(&rows), rows[0].key.as_str()), (0, "beta"));
    let mut without = report();
    without.host.sessions.truncate(1);
    view.update(Ok(without));
    assert_eq!(view.selected(&view.rows()), 0);
}

#[test]
fn s_sorts_by_each_column_in_turn() {
    let mut view = view();
    press(&mut view, [KeyCode::BackTab, KeyCode::BackTab, KeyCode::BackTab]);
    assert_eq!(view.table, TableKind::Plugins);
    let names = |view: &View| view.rows().into_iter().map(|row| row.key).collect::<Vec<_>>();
    let columns = TableKind::Plugins.columns();
    for column in columns {
        press(&mut view, [KeyCode::Char('s')]);
        let expected = if ["CALLS", "P50", "P99"].contains(&column.head()) { "echo" } else { "approval" };
        assert_eq!(names(&view)[0], expected, "{}", column.head());
    }
    press(&mut view, [KeyCode::Char('s')]);
    assert_eq!(view.table_view().sorted_by, None);
}

#[test]
fn only_q_and_ctrl_c_quit() {
    let mut view = view();
    press(&mut view, [KeyCode::Char('x'), KeyCode::Char('c'), KeyCode::Esc, KeyCode::Char('?')]);
    shows(
        &mut view,
        Size::new(40, 14),
        &expect![[r#"
        cordboard 0.1.0 · 2 sessions, 1 running
        [Sessions] Requests Plugins Outbox Log
        Tab, →, l        next table
        Shift-Tab, ←, h  previous table
        ↓ ↑, j k         move
        PgDn, PgUp       move by ten rows
        Home End, g G    first, last row
        Enter            a session's last turns
        Esc, Backspace   back
        s                sort by the next column
        ?, F1            this help
        q, Ctrl-C        quit
        warning  3m ago  failed to read the file
        q quit  ? help  Tab next table
    "#]],
    );
    assert_eq!(view.press(KeyEvent::from(KeyCode::Char('q'))), AfterKey::Quit);
    assert_eq!(view.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), AfterKey::Quit);
}

#[test]
fn a_failed_report_is_marked_and_keeps_the_last_state() {
    let mut view = view();
    view.update(Err("no host is running".to_owned()));
    let shown = text(&drawn(&mut view, Size::new(40, 8), Palette::Monochrome));
    assert!(shown.starts_with("Not updated: no host is running\n") && shown.contains("alpha"), "{shown}");
    view.update(Ok(report()));
    assert!(!text(&drawn(&mut view, Size::new(40, 8), Palette::Monochrome)).contains("Not updated"));
}

#[test]
fn colors_are_optional() {
    let mut view = view();
    let colored = drawn(&mut view, Size::new(80, 8), Palette::Colors);
    let color_of = |buffer: &Buffer, color| buffer.content.iter().any(|cell| cell.fg == color);
    assert!(color_of(&colored, Color::Green) && color_of(&colored, Color::Red));
    let plain = drawn(&mut view, Size::new(80, 8), Palette::Monochrome);
    assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(plain.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)), "the selection is visible");
}

#[test]
fn a_snapshot_contains_all_tables() {
    expect![[r#"
        cordboard 0.1.0 · 2 sessions, 1 running · 1 request · 1 post waiting · 1 message in progress · 16.2 MB

        Sessions
        NAME   PHASE   ACTIVITY     MEMORY    TURNS  QUEUED  AGENT   COST   NOTE
        alpha  idle    1m15s of 1h  286.1 MB  3      0       claude  $0.25  -
        beta   broken  2h ago       -         3      0       claude  $0.25  the program doesn't exist[2J

        Requests
        SESSION  NUMBER  KIND        ASKED   TITLE
        alpha    #7      permission  2m ago  Bash: ls

        Plugins
        NAME      STATE        VERSION       CALLS  P50     P99     FAILURES  ROLLBACKS  NOTE
        approval  ok           0123456789ab  12     300 µs  300 µs  0         2          -
        echo      rolled back  0123456789ab  340    12 ms   12 ms   0         2          -

        Outbox
        PLACE        STATE        TIME    REASON     TEXT
        telegram:42  unreachable  1m ago  Forbidden  Done.
        telegram:42  dropped      1m ago  Forbidden  Done.

        Log
        LEVEL    TIME    TEXT
        warning  3m ago  failed to read the file
    "#]]
    .assert_eq(&snapshot(&report()));
}
