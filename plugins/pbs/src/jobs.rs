//! A server's jobs: the last run and the number of runs of each kind, and the failures. Pure: nothing here calls the
//! host.

use cordboard_plugin::{
    Timestamp,
    text::{ago, code, escape, short_span},
    tr,
};
use homelab::{
    Json,
    format::{Light, first_line},
};

/// The maximum age of requested jobs: 7 days, in seconds.
pub const MAX_AGE: u64 = 7 * 86_400;

/// The maximum number of requested tasks. A busy server has 50 a day, and each takes about 300 bytes.
pub const MAX_TASKS: usize = 500;

/// The maximum number of failed jobs to list individually.
const MAX_FAILURES: usize = 5;

/// The kinds of jobs to show, in this order, with their worker types. Other tasks, such as maintenance of the server,
/// aren't shown.
fn kinds() -> [(String, &'static [&'static str]); 6] {
    [
        (tr!("Backup"), &["backup"]),
        (tr!("Verify"), &["verificationjob", "verify", "verify_group", "verify_snapshot"]),
        (tr!("Prune"), &["prunejob", "prune"]),
        (tr!("Garbage collection"), &["garbage_collection"]),
        (tr!("Sync"), &["syncjob", "sync"]),
        (tr!("Tape backup"), &["tape-backup-job", "tape-backup"]),
    ]
}

#[derive(Debug)]
pub struct Task {
    kind: String,
    /// The target of the task, such as `main:vm/101`. Empty for some tasks.
    object: String,
    started: Timestamp,
    end: TaskEnd,
}

#[derive(Debug)]
enum TaskEnd {
    Running,
    Ok,
    Warnings,
    /// The server's error message.
    Failed(String),
}

/// Reads a list of tasks.
///
/// # Errors
/// A value is missing or has an unexpected type. The text contains its path.
pub fn read(data: &Json) -> Result<Vec<Task>, String> {
    data.items()?.iter().map(task).collect()
}

fn task(item: &Json) -> Result<Task, String> {
    let seconds = item.at("starttime")?.integer()?;
    Ok(Task {
        kind: item.at("worker_type")?.text()?.to_owned(),
        object: item.find("worker_id").map(|id| id.text()).transpose()?.unwrap_or_default().to_owned(),
        started: Timestamp::try_from(seconds).unwrap_or_default().saturating_mul(1000),
        end: match item.find("status").map(|status| status.text()).transpose()? {
            None => TaskEnd::Running,
            Some("OK") => TaskEnd::Ok,
            Some(text) if text.starts_with("WARNINGS") => TaskEnd::Warnings,
            Some("unknown") => TaskEnd::Failed(tr!("it ended without a message")),
            Some(text) => TaskEnd::Failed(first_line(text, 120)),
        },
    })
}

/// Returns a line for each kind, and one for each of the newest failures.
pub fn lines(tasks: &[Task], now: Timestamp) -> Vec<String> {
    let of = |types: &[&str]| -> Vec<&Task> {
        let mut of_kind: Vec<_> = tasks.iter().filter(|task| types.contains(&task.kind.as_str())).collect();
        of_kind.sort_by_key(|task| std::cmp::Reverse(task.started));
        of_kind
    };
    let kinds: Vec<_> =
        kinds().into_iter().map(|(title, types)| (title, of(types))).filter(|(_, tasks)| !tasks.is_empty()).collect();
    let mut lines: Vec<_> = kinds.iter().map(|(title, tasks)| kind(title, tasks, now)).collect();
    let mut failed: Vec<_> = kinds
        .iter()
        .flat_map(|(title, tasks)| tasks.iter().map(move |task| (title.as_str(), *task)))
        .filter_map(|(title, task)| match &task.end {
            TaskEnd::Failed(why) => Some((title, task, why)),
            TaskEnd::Running | TaskEnd::Ok | TaskEnd::Warnings => None,
        })
        .collect();
    failed.sort_by_key(|(_, task, _)| std::cmp::Reverse(task.started));
    lines.extend(failed.iter().take(MAX_FAILURES).map(|(title, task, why)| {
        let object = if task.object.is_empty() { String::new() } else { format!(" {}", code(&task.object)) };
        format!("❌ {title}{object} {}: {}", ago(now, task.started), escape(why))
    }));
    if failed.len() > MAX_FAILURES {
        lines.push(tr!("…and {n} more failure" | "…and {n} more failures" % failed.len() - MAX_FAILURES));
    }
    lines
}

/// Formats the line about one kind of job. `tasks` begins with the newest task and isn't empty.
fn kind(title: &str, tasks: &[&Task], now: Timestamp) -> String {
    let failures = tasks.iter().filter(|task| matches!(task.end, TaskEnd::Failed(_))).count();
    let last = tasks.iter().find(|task| !matches!(task.end, TaskEnd::Running));
    let light = match last.map(|task| &task.end) {
        Some(TaskEnd::Failed(_)) => Light::Bad,
        Some(TaskEnd::Warnings) => Light::Warning,
        Some(TaskEnd::Ok | TaskEnd::Running) if failures > 0 => Light::Warning,
        Some(TaskEnd::Ok) => Light::Good,
        Some(TaskEnd::Running) | None => Light::Inactive,
    };
    let mut parts = Vec::new();
    if let Some(running) = tasks.iter().find(|task| matches!(task.end, TaskEnd::Running)) {
        parts.push(tr!("running for {}", short_span(now.saturating_sub(running.started) / 1000)));
    }
    if let Some(last) = last {
        let when = ago(now, last.started);
        parts.push(match last.end {
            TaskEnd::Failed(_) => tr!("failed {when}", when),
            TaskEnd::Warnings => tr!("{when} with warnings", when),
            TaskEnd::Ok | TaskEnd::Running => when,
        });
    }
    parts.push(tr!("{n} run" | "{n} runs" % tasks.len()));
    if failures > 0 {
        parts.push(tr!("{failures} failed", failures));
    }
    format!("{} {title}: {}", light.symbol(), parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = 1_795_268_736_000;

    fn shown(value: &serde_json::Value) -> Vec<String> {
        lines(&read(&Json::root(value)).expect("a known format"), NOW)
    }

    #[test]
    fn each_kind_is_shown_with_its_last_run_and_failures() {
        let value: serde_json::Value =
            serde_json::from_str(include_str!("../tests/data/tasks.json")).expect("it is JSON");
        assert_eq!(
            shown(&value["data"]),
            [
                "🟡 Backup: 3h ago, 2 runs, 1 failed",
                "🔴 Verify: running for 10 min, failed 1d ago, 2 runs, 1 failed",
                "🟢 Prune: 1d ago, 1 run",
                "🟡 Garbage collection: 1d ago with warnings, 1 run",
                "🔴 Sync: failed 1d ago, 1 run, 1 failed",
                "❌ Backup `main:ct/102` 1d ago: backup ended but finished flag is not set.",
                "❌ Sync `offsite:main:archive::s-77` 1d ago: it ended without a message",
                "❌ Verify `main:v-1a2b` 1d ago: verification failed - please check the log for details",
            ]
        );
    }

    #[test]
    fn many_failures_are_counted_and_first_runs_are_neutral() {
        let failure = serde_json::json!({"worker_type": "sync", "starttime": 1_795_268_000, "status": "no"});
        let lines = shown(&serde_json::Value::Array(vec![failure; 7]));
        assert_eq!(lines[0], "🔴 Sync: failed 12m ago, 7 runs, 7 failed");
        assert_eq!((lines[1].as_str(), lines.len()), ("❌ Sync 12m ago: no", 7));
        assert_eq!(lines[6], "…and 2 more failures");
        let first = serde_json::json!([{"worker_type": "tape-backup", "starttime": 1_795_268_730}]);
        assert_eq!(shown(&first), ["⚪ Tape backup: running for 6 s, 1 run"]);
    }

    #[test]
    fn invalid_fields_name_their_path() {
        let error = |json| read(&Json::root(&json)).map(|_| ()).expect_err("invalid input");
        assert_eq!(error(serde_json::json!([{"starttime": 5}])), "`[0].worker_type` is missing");
        let text = error(serde_json::json!([{"worker_type": "sync", "starttime": "now"}]));
        assert_eq!(text, "`[0].starttime` is not a whole number but \"now\"");
    }
}
