//! `/pbs`: shows the usage of a Proxmox Backup Server's datastores, and the results of its jobs. Read-only: it
//! changes nothing on the server.

mod config;
mod german;
mod jobs;
mod stores;

use cordboard_plugin::{Call, Command, Reply, Timestamp, command::Spec, config::parse, context, text::escape, tr};
use homelab::{Fetch, refreshable, response::warning_line};

use config::Config;

struct Pbs;

impl Command for Pbs {
    fn specs() -> Result<Vec<Spec>, String> {
        parse::<Config>()?;
        let spec = Spec::new("pbs", &tr!("Show datastores and jobs of the backup server"), "/pbs").min_role("admin");
        Ok(vec![spec])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        let config: Config = parse()?;
        let text = config.access.with_fetch(|fetch| report(&config, fetch, context::now()))?;
        Ok(refreshable(text, "/pbs"))
    }
}

/// Sends two requests and formats both results as Markdown. If only the second one fails, the first result and the
/// error are shown.
fn report(config: &Config, fetch: Fetch, now: Timestamp) -> Result<String, String> {
    let stores = config.access.data(fetch, "/status/datastore-usage", |data| stores::read(&data))?;
    let host = config.access.server().url.split("//").last().unwrap_or_default();
    let mut lines = vec![tr!("Datastores of {}", escape(host))];
    if stores.is_empty() {
        lines.push(format!(
            "{} {}",
            tr!("This token can't see any datastores."),
            tr!("Give the token and its user the role Audit on the path / (Access Control, Permissions).")
        ));
    }
    lines.extend(stores::lines(&stores, config.warn_at, now));
    lines.push(String::new());
    let path = format!(
        "/nodes/localhost/tasks?limit={}&since={}",
        jobs::MAX_TASKS,
        (now / 1000).saturating_sub(jobs::MAX_AGE)
    );
    match config.access.data(fetch, &path, |data| jobs::read(&data)) {
        Ok(tasks) => {
            let whole = tasks.len() < jobs::MAX_TASKS;
            lines.push(if whole {
                tr!("Jobs of the last 7 days")
            } else {
                tr!("Jobs among the last {} tasks", jobs::MAX_TASKS)
            });
            match jobs::lines(&tasks, now) {
                none if none.is_empty() => lines.push(tr!("This token can't see any jobs.")),
                some => lines.extend(some),
            }
        }
        Err(line) => lines.push(warning_line(&line)),
    }
    Ok(lines.join("\n"))
}

cordboard_plugin::export!(Pbs: command; german::GERMAN, homelab::german::GERMAN);

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;
    use homelab::testing::response;

    use super::*;

    const NOW: Timestamp = 1_795_268_736_000;

    const USAGE: &str = "/api2/json/status/datastore-usage";

    const TASKS: &str = "/api2/json/nodes/localhost/tasks?limit=500&since=1794663936";

    fn report_of(usage: (u16, &str), tasks: (u16, &str)) -> Result<String, String> {
        let config = parse_text::<Config>(r#"{"url":"https://pbs.lan:8007","token":"chat@pbs!cordboard"}"#)
            .expect("valid input");
        let fetch = |path: &str| {
            let (status, body) = match path {
                USAGE => usage,
                TASKS => tasks,
                other => panic!("unexpected request {other}"),
            };
            Ok(response(status, body))
        };
        report(&config, &fetch, NOW)
    }

    #[test]
    fn datastores_and_jobs_are_one_message() {
        let usage = include_str!("../tests/data/usage.json");
        let text =
            report_of((200, usage), (200, include_str!("../tests/data/tasks.json"))).expect("both responses arrived");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            (lines[0], lines[8], lines.len()),
            ("Datastores of pbs.lan:8007", "Jobs of the last 7 days", 17),
            "{text}"
        );
        let empty = report_of((200, r#"{"data":[]}"#), (200, r#"{"data":[]}"#)).expect("both responses arrived");
        let expected = "Datastores of pbs.lan:8007\nThis token can't see any datastores. Give the token and its user the role Audit on the path / \
                    (Access Control, Permissions).\n\nJobs of the last 7 days\nThis token can't see any jobs.";
        assert_eq!(empty, expected);
    }

    #[test]
    fn only_the_last_tasks_are_shown() {
        let one = r#"{"worker_type":"sync","starttime":1795268000,"status":"OK"}"#;
        let tasks = format!(r#"{{"data":[{}]}}"#, vec![one; jobs::MAX_TASKS].join(","));
        let text = report_of((200, r#"{"data":[]}"#), (200, &tasks)).expect("both responses arrived");
        assert!(text.ends_with("\nJobs among the last 500 tasks\n🟢 Sync: 12m ago, 500 runs"), "{text}");
    }

    #[test]
    fn errors_are_reported_with_the_partial_result() {
        let refused = report_of((401, "authentication failed - invalid credentials"), (200, ""));
        let line = "Proxmox Backup Server refused the login (401: authentication failed - invalid credentials). Check token and \
                    its secret in [plugins.pbs.config].";
        assert_eq!(refused, Err(line.to_owned()));
        let half = report_of((200, r#"{"data":[{"store":"a"}]}"#), (403, "permission check failed"))
            .expect("half of the responses arrived");
        let line = "⚠️ Proxmox Backup Server does not allow /api2/json/nodes/localhost/tasks (403: permission check failed). Give \
                    the token and its user the role Audit on the path / (Access Control, Permissions).";
        assert_eq!(half.lines().last(), Some(line));
    }
}
