//! Formats the values in the tables, and the whole state as plain text.

use std::time::Duration;

use cordboard_core::{config::format_duration, types::Timestamp};

use super::{table::Column, tables::TableKind};
use crate::{
    control::{SessionReport, StatusReport},
    listing,
};

/// Formats a duration with at most two units, such as `1h30m`.
pub fn duration(seconds: u64) -> String {
    let shown = match seconds {
        0..3_600 => seconds,
        3_600..86_400 => seconds - seconds % 60,
        86_400.. => seconds - seconds % 3_600,
    };
    format_duration(Duration::from_secs(shown))
}

/// Formats a call's duration in seconds.
pub fn latency(seconds: f64) -> String {
    match seconds {
        ..1e-3 => format!("{:.0} µs", seconds * 1e6),
        1e-3..1e-2 => format!("{:.1} ms", seconds * 1e3),
        1e-2..1.0 => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{seconds:.1} s"),
    }
}

/// Formats a number of bytes.
pub fn memory(bytes: u64) -> String {
    let megabytes = bytes as f64 / 1_048_576.0;
    format!("{megabytes:.1} MB")
}

pub fn ago(report: &StatusReport, then: u64) -> String {
    listing::ago(Timestamp(report.now), then)
}

/// Returns the parts of the line that sums up the host's state, the most important first.
pub fn summary(report: &StatusReport) -> Vec<String> {
    let host = &report.host;
    let running = host.sessions.iter().filter(|session| session.row.pid.is_some()).count();
    let mut parts = vec![
        format!("cordboard {}", host.version),
        format!("{}, {running} running", count(host.sessions.len(), "session")),
        count(host.requests.len(), "request"),
    ];
    match &host.outbox.error {
        Some(why) => parts.push(why.clone()),
        None => {
            parts.push(format!("{} waiting", count(host.outbox.waiting, "post")));
            parts.push(format!("{} in progress", count(host.outbox.inbox, "message")));
        }
    }
    parts.extend(host.memory.map(memory));
    parts
}

fn count(number: impl TryInto<u64>, thing: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Returns the properties of a session, with their names.
pub fn properties(report: &StatusReport, session: &SessionReport) -> Vec<(&'static str, String)> {
    let row = &session.row;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        ("Phase", listing::phase(row).to_owned()),
        ("Reason", or_dash(session.why.clone())),
        ("Activity", activity(report, session)),
        ("Memory", or_dash(session.memory.map(memory))),
        ("Turns", row.turns.to_string()),
        ("Queued", row.queued.to_string()),
        ("Agent", row.agent.clone()),
        ("Model", or_dash(row.model.clone())),
        ("Persona", or_dash(row.persona.clone())),
        ("Owner", row.owner.clone()),
        ("Folder", row.folder.display().to_string()),
        ("Cost", or_dash(row.cost_usd.map(|cost| format!("${cost:.2}")))),
    ]
}

/// Returns the time since the last activity. If the agent is idle, the idle timeout follows.
pub fn activity(report: &StatusReport, session: &SessionReport) -> String {
    let row = &session.row;
    if row.phase == "idle" {
        let idle = Timestamp(report.now).since(Timestamp(row.last_active)).as_secs();
        format!("{} of {}", duration(idle), duration(row.idle_timeout_s))
    } else {
        ago(report, row.last_active)
    }
}

/// Formats the whole state as text.
#[must_use]
pub fn snapshot(report: &StatusReport) -> String {
    let mut text = format!("{}\n", summary(report).join(" · "));
    for kind in TableKind::ALL {
        let rows = kind.rows(report);
        text.push_str(&format!("\n{}\n", kind.title()));
        if rows.is_empty() {
            text.push_str(&format!("{}\n", kind.empty()));
            continue;
        }
        let heads: Vec<&str> = kind.columns().iter().map(Column::head).collect();
        let cells = rows.into_iter().map(|row| row.cells.into_iter().map(|cell| cell.text).collect());
        text.push_str(&listing::table(&heads, &cells.collect::<Vec<_>>()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        let spans = [0, 59, 61, 3_599, 3_661, 86_399, 90_061].map(duration);
        assert_eq!(spans, ["0s", "59s", "1m1s", "59m59s", "1h1m", "23h59m", "1d1h"]);
    }

    #[test]
    fn latencies_have_a_fitting_unit() {
        let shown = [0.000_012_3, 0.001_26, 0.0123, 0.999, 1.26].map(latency);
        assert_eq!(shown, ["12 µs", "1.3 ms", "12 ms", "999 ms", "1.3 s"]);
    }
}
