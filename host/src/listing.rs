//! Formats the tables of `cordboard sessions`, `plugins`, `requests`, `access`, `audit`, `outbox`, `usage` and `import`.

use std::{fmt::Write as _, time::Duration};

use cordboard_core::{
    config::format_duration,
    render::{UNTRUSTED_LENGTH, one_line},
    rollout::short,
    types::{AuditEntry, OriginUsage, Phase, Timestamp, Tokens, UsageSum},
};

use crate::{
    control::{PersonRow, PluginRow, RequestRow, SessionRow},
    homelab_import::ImportRow,
};

mod outbox;

pub use outbox::{outbox, post_state};

/// Formats text in columns, each as wide as its widest cell.
#[must_use]
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    // Names and notes are untrusted text. They must not contain line breaks, because scripts read the table line by
    // line.
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| one_line(cell, UNTRUSTED_LENGTH)).collect()).collect();
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&head).chain(&rows) {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            write!(line, "{cell:<width$}  ").expect("writing to a string never fails");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Formats text in columns. If any row has a link, the links form the last column.
fn table_with_links<'r>(
    head: &[&str],
    mut rows: Vec<Vec<String>>,
    links: impl Iterator<Item = Option<&'r str>> + Clone,
) -> String {
    if links.clone().all(|link| link.is_none()) {
        return table(head, &rows);
    }
    rows.iter_mut().zip(links).for_each(|(row, link)| row.push(link.unwrap_or("-").to_owned()));
    table(&[head, &["LINK"]].concat(), &rows)
}

/// Formats the time since `then`.
#[must_use]
pub fn ago(now: Timestamp, then: u64) -> String {
    let seconds = now.since(Timestamp(then)).as_secs();
    match seconds {
        // The clock was ahead when this time was stored. The host corrects the stored time at its next start.
        _ if Timestamp(then).since(now) >= Duration::from_secs(60) => "in the future".to_owned(),
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{}m ago", seconds / 60),
        3_600..86_400 => format!("{}h ago", seconds / 3_600),
        86_400.. => format!("{}d ago", seconds / 86_400),
    }
}

#[must_use]
pub fn sessions(rows: &[SessionRow], now: Timestamp) -> String {
    if rows.is_empty() {
        return "No sessions.\n".to_owned();
    }
    let cells = rows.iter().map(|row| {
        vec![
            row.name.clone(),
            phase(row).to_owned(),
            row.agent.clone(),
            row.persona.clone().unwrap_or_else(|| "-".to_owned()),
            row.model.clone().unwrap_or_else(|| "-".to_owned()),
            row.pid.or(row.terminal).map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
            format_duration(Duration::from_secs(row.idle_timeout_s)),
            row.turns.to_string(),
            row.queued.to_string(),
            ago(now, row.last_active),
        ]
    });
    let head = ["NAME", "PHASE", "AGENT", "PERSONA", "MODEL", "PID", "TIMEOUT", "TURNS", "QUEUED", "ACTIVE"];
    table_with_links(&head, cells.collect(), rows.iter().map(|row| row.link.as_deref()))
}

#[must_use]
pub fn imports(rows: &[ImportRow], now: Timestamp) -> String {
    if rows.is_empty() {
        return "No sessions.\n".to_owned();
    }
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let cells = rows.iter().map(|row| {
        vec![
            row.name.clone(),
            row.outcome.as_str().to_owned(),
            dash(row.persona.clone()),
            dash(row.idle_timeout_s.map(|seconds| format_duration(Duration::from_secs(seconds)))),
            dash(row.last_active.map(|at| ago(now, at))),
            dash(row.conversation.clone()),
            row.note.clone(),
        ]
    });
    let head = ["NAME", "OUTCOME", "PERSONA", "TIMEOUT", "ACTIVE", "CONVERSATION", "NOTE"];
    table(&head, &cells.collect::<Vec<_>>())
}

/// Returns the phase to show. A session whose idle agent has background work is shown as `background`, because the host
/// doesn't suspend it. A session that is open in a terminal is shown as `terminal`.
#[must_use]
pub fn phase(row: &SessionRow) -> &str {
    if row.phase == Phase::Suspended.as_str() && row.terminal.is_some() {
        "terminal"
    } else if row.phase == Phase::Idle.as_str() && !row.background.is_empty() {
        "background"
    } else {
        &row.phase
    }
}

#[must_use]
pub fn plugins(rows: &[PluginRow], now: Timestamp) -> String {
    if rows.is_empty() {
        return "No plugins.\n".to_owned();
    }
    let cells = rows.iter().map(|row| {
        let digest = if row.digest.is_empty() { "-" } else { short(&row.digest) };
        vec![
            row.name.clone(),
            digest.to_owned(),
            row.generation.to_string(),
            row.health.clone(),
            // A plugin that was never present has no `since` time.
            if row.since == 0 { "-".to_owned() } else { ago(now, row.since) },
            row.note.clone(),
        ]
    });
    table(&["NAME", "DIGEST", "GENERATION", "HEALTH", "SINCE", "NOTE"], &cells.collect::<Vec<_>>())
}

#[must_use]
pub fn requests(rows: &[RequestRow], now: Timestamp) -> String {
    if rows.is_empty() {
        return "No open requests.\n".to_owned();
    }
    let cells = rows.iter().map(|row| {
        vec![row.session.clone(), format!("#{}", row.number), row.kind.clone(), ago(now, row.since), row.title.clone()]
    });
    let head = ["SESSION", "NUMBER", "KIND", "ASKED", "TITLE"];
    table_with_links(&head, cells.collect(), rows.iter().map(|row| row.link.as_deref()))
}

#[must_use]
pub fn access(rows: &[PersonRow]) -> String {
    if rows.is_empty() {
        return "No people with access.\n".to_owned();
    }
    let cells = rows.iter().map(|row| {
        let name = row.name.clone().unwrap_or_else(|| "-".to_owned());
        let note = match (&row.chat, &row.bot) {
            (Some(chat), _) => format!("only in {chat}"),
            (None, Some(bot)) => format!("only through telegram.{bot}"),
            (None, None) if row.overridden => "overridden by the configuration".to_owned(),
            (None, None) => String::new(),
        };
        vec![row.id.to_string(), name, row.role.to_owned(), row.source.to_owned(), note]
    });
    table(&["ID", "NAME", "ROLE", "SOURCE", "NOTE"], &cells.collect::<Vec<_>>())
}

/// Formats the audit log. The times are in UTC.
#[must_use]
pub fn audit(entries: &[AuditEntry]) -> String {
    if entries.is_empty() {
        return "No decisions.\n".to_owned();
    }
    let cells = entries.iter().map(|entry| {
        let by = entry.user.as_deref().unwrap_or_else(|| entry.by.as_str());
        let input = entry.input_sha256.as_deref().map_or("-", short);
        vec![
            entry.at.to_rfc3339(),
            entry.session.to_string(),
            entry.kind.clone(),
            entry.tool.clone().unwrap_or_else(|| "-".to_owned()),
            entry.outcome.clone(),
            by.to_owned(),
            entry.reason.clone().unwrap_or_else(|| "-".to_owned()),
            input.to_owned(),
            entry.title.clone(),
        ]
    });
    let head = ["TIME", "SESSION", "KIND", "TOOL", "DECISION", "BY", "REASON", "INPUT", "TITLE"];
    table(&head, &cells.collect::<Vec<_>>())
}

/// Formats agent usage, with the total in the last row if there is more than one row.
#[must_use]
pub fn usage(usage: &[OriginUsage]) -> String {
    if usage.is_empty() {
        return "No finished turns.\n".to_owned();
    }
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
    let row = |names: [String; 4], sum: &UsageSum| {
        let Tokens { input, output, cache_read, cache_write } = sum.tokens;
        let cost = sum.cost_usd.map_or_else(|| "-".to_owned(), |cost| format!("${cost:.4}"));
        let counts = [sum.turns, input, output, cache_read, cache_write].map(|count| count.to_string());
        names.into_iter().chain([cost]).chain(counts).collect()
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut total = UsageSum::default();
    for OriginUsage { origin, sum } in usage {
        let names = [origin.session.to_string(), origin.agent.clone(), name(&origin.model), name(&origin.persona)];
        rows.push(row(names, sum));
        total.add(sum);
    }
    if usage.len() > 1 {
        rows.push(row(["TOTAL", "", "", ""].map(str::to_owned), &total));
    }
    let head =
        ["SESSION", "AGENT", "MODEL", "PERSONA", "COST", "TURNS", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE"];
    table(&head, &rows)
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::{DecidedBy, TurnOrigin};
    use expect_test::expect;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |name: &str, note: &str| PluginRow {
            name: name.to_owned(),
            digest: "0123456789abcdef".to_owned(),
            generation: 2,
            health: "ok".to_owned(),
            note: note.to_owned(),
            since: 1,
        };
        let text = plugins(&[row("a", ""), row("sessions", "two\nli\u{1b}\u{202e}nes")], Timestamp(7_200_001));
        expect![[r#"
            NAME      DIGEST        GENERATION  HEALTH  SINCE   NOTE
            a         0123456789ab  2           ok      2h ago
            sessions  0123456789ab  2           ok      2h ago  two lines
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn the_audit_log_says_who_decided_about_what() {
        let entry = |kind: &str, by, user: Option<&str>| AuditEntry {
            at: Timestamp(0),
            session: "alpha".parse().unwrap(),
            kind: kind.to_owned(),
            title: "Bash: ls".to_owned(),
            tool: Some("Bash".to_owned()).filter(|_| kind == "permission"),
            input_sha256: Some("0123456789abcdef".to_owned()).filter(|_| kind == "permission"),
            outcome: "Allow once".to_owned(),
            by,
            user: user.map(str::to_owned),
            reason: Some("Bash(ls:*)".to_owned()).filter(|_| by == DecidedBy::Plugin),
        };
        let entries = [
            entry("permission", DecidedBy::User, Some("Ada")),
            entry("permission", DecidedBy::Plugin, None),
            entry("plan", DecidedBy::Agent, None),
        ];
        expect![[r#"
            TIME                  SESSION  KIND        TOOL  DECISION    BY      REASON      INPUT         TITLE
            1970-01-01T00:00:00Z  alpha    permission  Bash  Allow once  Ada     -           0123456789ab  Bash: ls
            1970-01-01T00:00:00Z  alpha    permission  Bash  Allow once  plugin  Bash(ls:*)  0123456789ab  Bash: ls
            1970-01-01T00:00:00Z  alpha    plan        -     Allow once  agent   -           -             Bash: ls
        "#]]
        .assert_eq(&audit(&entries));
        assert_eq!(audit(&[]), "No decisions.\n");
    }

    #[test]
    fn usage_ends_with_the_sum() {
        let one = |session: &str, cost_usd| OriginUsage {
            origin: TurnOrigin {
                session: session.parse().unwrap(),
                persona: None,
                agent: "claude".to_owned(),
                model: Some("opus".to_owned()),
            },
            sum: UsageSum {
                turns: 2,
                cost_usd,
                tokens: Tokens { input: 1200, output: 30, cache_read: 4000, cache_write: 500 },
            },
        };
        expect![[r#"
            SESSION  AGENT   MODEL  PERSONA  COST     TURNS  INPUT  OUTPUT  CACHE READ  CACHE WRITE
            alpha    claude  opus   -        $0.2500  2      1200   30      4000        500
            beta     claude  opus   -        -        2      1200   30      4000        500
            TOTAL                            $0.2500  4      2400   60      8000        1000
        "#]]
        .assert_eq(&usage(&[one("alpha", Some(0.25)), one("beta", None)]));
        expect![[r#"
            SESSION  AGENT   MODEL  PERSONA  COST     TURNS  INPUT  OUTPUT  CACHE READ  CACHE WRITE
            alpha    claude  opus   -        $0.2500  2      1200   30      4000        500
        "#]]
        .assert_eq(&usage(&[one("alpha", Some(0.25))]));
        assert_eq!(usage(&[]), "No finished turns.\n");
    }

    #[test]
    fn a_time_in_the_future_is_not_just_now() {
        let now = Timestamp(100_000_000);
        assert_eq!([0, 59_999, 60_000].map(|ahead| ago(now, now.0 + ahead)), ["just now", "just now", "in the future"]);
    }
}
