//! Defines the tables of `cordboard top`.

use cordboard_core::rollout::short;

use super::{
    format::{activity, ago, latency, memory},
    table::{Cell, Column, Row, Tone},
};
use crate::{
    control::{PluginReport, PostRow, SessionReport, StatusReport},
    listing,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableKind {
    Sessions,
    Requests,
    Plugins,
    Outbox,
    Log,
}

impl TableKind {
    pub const ALL: [Self; 5] = [Self::Sessions, Self::Requests, Self::Plugins, Self::Outbox, Self::Log];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions",
            Self::Requests => "Requests",
            Self::Plugins => "Plugins",
            Self::Outbox => "Outbox",
            Self::Log => "Log",
        }
    }

    /// Returns the text of a table without rows.
    pub const fn empty(self) -> &'static str {
        match self {
            Self::Sessions => "No sessions.",
            Self::Requests => "No open requests.",
            Self::Plugins => "No plugins.",
            Self::Outbox => "No messages are waiting, and no delivery has failed.",
            Self::Log => "No warnings and errors.",
        }
    }

    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Sessions => &SESSION_COLUMNS,
            Self::Requests => &REQUEST_COLUMNS,
            Self::Plugins => &PLUGIN_COLUMNS,
            Self::Outbox => &OUTBOX_COLUMNS,
            Self::Log => &LOG_COLUMNS,
        }
    }

    pub fn rows(self, report: &StatusReport) -> Vec<Row> {
        let host = &report.host;
        match self {
            Self::Sessions => host.sessions.iter().map(|session| session_row(report, session)).collect(),
            Self::Requests => requests(report),
            Self::Plugins => host.plugins.iter().map(plugin_row).collect(),
            Self::Outbox => outbox(report),
            Self::Log => log(report),
        }
    }
}

const SESSION_COLUMNS: [Column; 9] = [
    Column::new("NAME", 0),
    Column::new("PHASE", 1),
    Column::new("ACTIVITY", 2),
    Column::new("MEMORY", 3),
    Column::new("TURNS", 6),
    Column::new("QUEUED", 4),
    Column::new("AGENT", 7),
    Column::new("COST", 8),
    Column::rest("NOTE", 5),
];

fn session_row(report: &StatusReport, session: &SessionReport) -> Row {
    let row = &session.row;
    let phase = listing::phase(row);
    let tone = match phase {
        "idle" => Tone::Good,
        "busy" | "starting" | "stopping" | "background" => Tone::Busy,
        "asking" => Tone::Warning,
        "broken" => Tone::Bad,
        _ => Tone::Normal,
    };
    let background = row.background.join(", ");
    let note = session.why.as_deref().unwrap_or(&background);
    let cells = vec![
        Cell::new(&row.name),
        Cell::toned(phase, tone),
        Cell::amount(Some(row.last_active), |at| -(at as f64), |_| activity(report, session)),
        Cell::amount(session.memory, |bytes| bytes as f64, memory),
        Cell::count(row.turns),
        Cell::count(row.queued.into()),
        Cell::new(&row.agent),
        Cell::amount(row.cost_usd, |cost| cost, |cost| format!("${cost:.2}")),
        Cell::or_dash(Some(note)),
    ];
    Row { key: row.name.clone(), session: Some(row.name.clone()), cells }
}

const REQUEST_COLUMNS: [Column; 5] = [
    Column::new("SESSION", 0),
    Column::new("NUMBER", 1),
    Column::new("KIND", 4),
    Column::new("ASKED", 3),
    Column::rest("TITLE", 2),
];

fn requests(report: &StatusReport) -> Vec<Row> {
    let row = |request: &crate::control::RequestRow| Row {
        key: format!("{}#{}", request.session, request.number),
        session: Some(request.session.clone()),
        cells: vec![
            Cell::new(&request.session),
            Cell::new(&format!("#{}", request.number)),
            Cell::new(&request.kind),
            Cell::new(&ago(report, request.since)),
            Cell::new(&request.title),
        ],
    };
    report.host.requests.iter().map(row).collect()
}

const PLUGIN_COLUMNS: [Column; 9] = [
    Column::new("NAME", 0),
    Column::new("STATE", 1),
    Column::new("VERSION", 8),
    Column::new("CALLS", 4),
    Column::new("P50", 5),
    Column::new("P99", 3),
    Column::new("FAILURES", 2),
    Column::new("ROLLBACKS", 7),
    Column::rest("NOTE", 6),
];

fn plugin_row(plugin: &PluginReport) -> Row {
    let row = &plugin.row;
    let tone = match row.health.as_str() {
        "ok" => Tone::Good,
        "compiling" => Tone::Busy,
        "pending approval" | "no webhook auth" | "update rejected" => Tone::Warning,
        "rolled back" | "rejected" | "failing" | "missing" | "unusable" => Tone::Bad,
        _ => Tone::Normal,
    };
    let version = if row.digest.is_empty() { "-" } else { short(&row.digest) };
    let cells = vec![
        Cell::new(&row.name),
        Cell::toned(&row.health, tone),
        Cell::new(version),
        Cell::count(plugin.calls),
        Cell::amount(plugin.p50, |seconds| seconds, latency),
        Cell::amount(plugin.p99, |seconds| seconds, latency),
        Cell::count(plugin.failures),
        Cell::count(plugin.rollbacks.iter().map(|rollback| u64::from(rollback.count)).sum()),
        Cell::or_dash(Some(&row.note)),
    ];
    Row { key: row.name.clone(), session: None, cells }
}

const OUTBOX_COLUMNS: [Column; 5] = [
    Column::new("PLACE", 0),
    Column::new("STATE", 1),
    Column::new("TIME", 2),
    Column::rest("REASON", 3),
    Column::rest("TEXT", 4),
];

/// Returns the waiting posts, followed by the failed or degraded deliveries, the latest first.
fn outbox(report: &StatusReport) -> Vec<Row> {
    let row = |post: &PostRow, tone| {
        let cells = vec![
            Cell::new(&post.place),
            Cell::toned(&listing::post_state(post), tone),
            Cell::or_dash(post.at.map(|at| ago(report, at)).as_deref()),
            Cell::or_dash(post.why.as_deref()),
            Cell::or_dash(Some(&post.text)),
        ];
        Row { key: format!("{} {} {:?}", post.place, post.text, post.at), session: None, cells }
    };
    let waiting = report.host.outbox.posts.iter().map(|post| row(post, Tone::Busy));
    waiting.chain(report.host.outbox.problems.iter().rev().map(|post| row(post, Tone::Warning))).collect()
}

const LOG_COLUMNS: [Column; 3] = [Column::new("LEVEL", 0), Column::new("TIME", 1), Column::rest("TEXT", 2)];

fn log(report: &StatusReport) -> Vec<Row> {
    let row = |problem: &crate::logging::LoggedProblem| {
        let tone = if problem.level == "error" { Tone::Bad } else { Tone::Warning };
        let cells =
            vec![Cell::toned(&problem.level, tone), Cell::new(&ago(report, problem.at)), Cell::new(&problem.text)];
        Row { key: format!("{} {}", problem.at, problem.text), session: None, cells }
    };
    report.host.log.iter().map(row).collect()
}
