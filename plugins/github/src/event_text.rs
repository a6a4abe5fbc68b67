//! Formats GitHub's events as one or a few lines. Reads only the fields that it needs, all of which are optional.

use cordboard_plugin::{
    text::{code, escape},
    tr,
};
use serde::Deserialize;

/// The maximum number of commits to list for a push.
const MAX_COMMITS: usize = 5;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Payload {
    action: String,
    #[serde(rename = "ref")]
    reference: String,
    deleted: bool,
    forced: bool,
    compare: String,
    commits: Vec<Commit>,
    repository: Repository,
    sender: User,
    pull_request: Option<Item>,
    issue: Option<Item>,
    release: Option<Release>,
    workflow_run: Option<Run>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Commit {
    message: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Repository {
    full_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User {
    login: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item {
    number: u64,
    title: String,
    html_url: String,
    merged: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Release {
    tag_name: String,
    html_url: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Run {
    name: String,
    conclusion: Option<String>,
    head_branch: Option<String>,
    html_url: String,
}

/// Formats an event. Returns `None` for an event that isn't reported.
pub fn event_text(event: &str, payload: &Payload) -> Option<String> {
    match (event, payload.action.as_str()) {
        ("ping", _) => Some(tr!("GitHub is connected: events of **{}** are posted here.", payload.repository())),
        ("push", _) => push(payload),
        ("pull_request", "opened" | "closed" | "reopened" | "ready_for_review") => {
            payload.pull_request.as_ref().map(|item| payload.pull_request_line(item))
        }
        ("issues", "opened" | "closed" | "reopened") => payload.issue.as_ref().map(|item| payload.issue_line(item)),
        ("release", "published") => payload.release.as_ref().map(|release| {
            let link = link(&release.tag_name, &release.html_url);
            let (sender, repository) = (payload.sender(), payload.repository());
            tr!("**{sender}** released {link} of **{repository}**.", sender, link, repository)
        }),
        ("workflow_run", "completed") => payload.workflow_run.as_ref().and_then(|run| failed_run(payload, run)),
        _ => None,
    }
}

fn push(payload: &Payload) -> Option<String> {
    let branch = payload.reference.strip_prefix("refs/heads/")?;
    let (sender, branch, repository) = (payload.sender(), code(branch), payload.repository());
    if payload.deleted {
        return Some(tr!("**{sender}** deleted {branch} of **{repository}**.", sender, branch, repository));
    }
    if payload.commits.is_empty() {
        return None;
    }
    let commits = link(&tr!("{n} commit" | "{n} commits" % payload.commits.len()), &payload.compare);
    let mut lines = vec![if payload.forced {
        tr!("**{sender}** force-pushed {commits} to {branch} of **{repository}**:", sender, commits, branch, repository)
    } else {
        tr!("**{sender}** pushed {commits} to {branch} of **{repository}**:", sender, commits, branch, repository)
    }];
    let first = |commit: &Commit| format!("- {}", escape(commit.message.lines().next().unwrap_or_default()));
    lines.extend(payload.commits.iter().take(MAX_COMMITS).map(first));
    if payload.commits.len() > MAX_COMMITS {
        lines.push(format!("- {}", tr!("and {} more", payload.commits.len() - MAX_COMMITS)));
    }
    Some(lines.join("\n"))
}

fn failed_run(payload: &Payload, run: &Run) -> Option<String> {
    let how = match run.conclusion.as_deref()? {
        "failure" => tr!("failed"),
        "timed_out" => tr!("timed out"),
        "startup_failure" => tr!("did not start"),
        _ => return None,
    };
    let (run_link, repository) = (link(&run.name, &run.html_url), payload.repository());
    let text = match &run.head_branch {
        Some(branch) => {
            let branch = code(branch);
            tr!("{run} {how} on {branch} of **{repository}**.", run = run_link, how, branch, repository)
        }
        None => tr!("{run} {how} of **{repository}**.", run = run_link, how, repository),
    };
    Some(format!("\u{274c} {text}"))
}

impl Payload {
    fn pull_request_line(&self, item: &Item) -> String {
        let (sender, link, repository) = (self.sender(), item.link(), self.repository());
        match self.action.as_str() {
            "closed" if item.merged => {
                tr!("**{sender}** merged pull request {link} in **{repository}**.", sender, link, repository)
            }
            "closed" => tr!("**{sender}** closed pull request {link} in **{repository}**.", sender, link, repository),
            "reopened" => {
                tr!("**{sender}** reopened pull request {link} in **{repository}**.", sender, link, repository)
            }
            "ready_for_review" => {
                tr!(
                    "**{sender}** asks for a review of pull request {link} in **{repository}**.",
                    sender,
                    link,
                    repository
                )
            }
            _ => tr!("**{sender}** opened pull request {link} in **{repository}**.", sender, link, repository),
        }
    }

    fn issue_line(&self, item: &Item) -> String {
        let (sender, link, repository) = (self.sender(), item.link(), self.repository());
        match self.action.as_str() {
            "closed" => tr!("**{sender}** closed issue {link} in **{repository}**.", sender, link, repository),
            "reopened" => tr!("**{sender}** reopened issue {link} in **{repository}**.", sender, link, repository),
            _ => tr!("**{sender}** opened issue {link} in **{repository}**.", sender, link, repository),
        }
    }

    fn sender(&self) -> String {
        if self.sender.login.is_empty() { tr!("Someone") } else { escape(&self.sender.login) }
    }

    fn repository(&self) -> String {
        escape(&self.repository.full_name)
    }
}

impl Item {
    fn link(&self) -> String {
        link(&format!("#{} {}", self.number, self.title), &self.html_url)
    }
}

/// Builds a link, or returns only the text if `url` isn't a plain `https` address. Replaces brackets in the text, which
/// is untrusted and could end the link.
fn link(text: &str, url: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !"<>()[]\\".contains(c);
    let text = escape(&text.replace('[', "(").replace(']', ")"));
    if url.starts_with("https://") && url.chars().all(is_plain) { format!("[{text}]({url})") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(event: &str, json: &str) -> Option<String> {
        event_text(event, &serde_json::from_str(json).unwrap())
    }

    const BASE: &str = r#""repository":{"full_name":"ada/board"},"sender":{"login":"ada"}"#;

    #[test]
    fn a_push_names_its_commits() {
        let commits = r#"[{"message":"Fix *it*\n\nAt last"},{"message":"b"},{"message":"c"},{"message":"d"},{"message":"e"},{"message":"f"}]"#;
        let push = format!(
            r#"{{"ref":"refs/heads/main","compare":"https://github.com/ada/board/compare/a...b","commits":{commits},{BASE}}}"#
        );
        let wanted = "**ada** pushed [6 commits](https://github.com/ada/board/compare/a...b) to `main` of **ada/board**:\n- Fix \\*it\\*\n- b\n- c\n- d\n- e\n- and 1 more";
        assert_eq!(text("push", &push).as_deref(), Some(wanted));
        assert_eq!(text("push", &format!(r#"{{"ref":"refs/tags/v1","commits":{commits},{BASE}}}"#)), None);
        let gone = text("push", &format!(r#"{{"ref":"refs/heads/old","deleted":true,{BASE}}}"#));
        assert_eq!(gone.as_deref(), Some("**ada** deleted `old` of **ada/board**."));
    }

    #[test]
    fn a_pull_request_is_reported_with_its_outcome() {
        let item = r#""number":12,"title":"Mend [it](javascript:x)","html_url":"https://github.com/ada/board/pull/12""#;
        let of = |action: &str, merged: bool| {
            text(
                "pull_request",
                &format!(r#"{{"action":"{action}","pull_request":{{{item},"merged":{merged}}},{BASE}}}"#),
            )
        };
        let opened = of("opened", false).unwrap();
        assert!(opened.starts_with(r"**ada** opened pull request [\#12 Mend (it)(javascript:x)]("), "{opened}");
        assert!(opened.ends_with("(https://github.com/ada/board/pull/12) in **ada/board**."), "{opened}");
        assert!(of("closed", true).unwrap().contains("merged"));
        assert_eq!(of("synchronize", false), None);
    }

    #[test]
    fn only_failed_workflows_are_reported() {
        let of = |conclusion: &str| {
            let run = format!(
                r#"{{"name":"CI","conclusion":{conclusion},"head_branch":"main","html_url":"http://elsewhere/"}}"#
            );
            text("workflow_run", &format!(r#"{{"action":"completed","workflow_run":{run},{BASE}}}"#))
        };
        assert_eq!(of("\"failure\"").as_deref(), Some("\u{274c} CI failed on `main` of **ada/board**."));
        assert_eq!([of("\"success\""), of("null")], [None, None]);
    }

    #[test]
    fn missing_fields_and_unknown_events_are_ignored() {
        assert_eq!(
            text("ping", &format!("{{{BASE}}}")).as_deref(),
            Some("GitHub is connected: events of **ada/board** are posted here.")
        );
        for event in ["push", "pull_request", "issues", "release", "workflow_run", "of_tomorrow"] {
            assert_eq!(text(event, "{}"), None, "{event}");
        }
    }
}
