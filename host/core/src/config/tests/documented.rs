//! Tests that the default configuration documents exactly the keys that the parser knows.

use std::collections::BTreeSet;

use expect_test::expect;

use super::{
    super::{DEFAULTS, load},
    known_with_bots,
};

/// A key's line in the default configuration. A line such as `#key = …` documents a key without a default.
struct Line<'a> {
    table: String,
    key: &'a str,
    is_set: bool,
    has_comment: bool,
}

/// Returns the pattern of the table, or `None` if the operator or a plugin chooses the keys of the table.
fn pattern(table: &str) -> Option<String> {
    let parts: Vec<_> = table.split('.').collect();
    match parts.as_slice() {
        ["agents" | "plugins" | "telegram", _] => Some(format!("{}.NAME", parts[0])),
        ["plugins", _, "webhook"] => Some("plugins.NAME.webhook".to_owned()),
        ["secrets"] => None,
        [one] => Some((*one).to_owned()),
        [..] => None,
    }
}

fn lines() -> Vec<Line<'static>> {
    let mut table = String::new();
    let mut after_comment = false;
    let mut lines = Vec::new();
    for text in DEFAULTS.lines() {
        let bare = text.strip_prefix('#').unwrap_or(text);
        let key = bare
            .split_once(" = ")
            .map(|(key, _)| key)
            .filter(|key| key.bytes().all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit()));
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = name.to_owned();
        } else if let Some(key) = key {
            lines.push(Line { table: table.clone(), key, is_set: bare == text, has_comment: after_comment });
        }
        after_comment = text.starts_with("# ");
    }
    lines
}

#[test]
fn each_known_key_is_documented_and_no_other() {
    let mut documented: BTreeSet<String> =
        lines().iter().filter_map(|line| pattern(&line.table).map(|table| format!("{table} {}", line.key))).collect();
    assert!(DEFAULTS.contains("\n[sessions.folders]\n"), "the key is documented as a separate table");
    documented.insert("sessions folders".to_owned());
    assert!(DEFAULTS.contains("\n[log.levels]\n"), "the key is documented as a separate table");
    documented.insert("log levels".to_owned());
    assert!(DEFAULTS.contains("\n[plugins.github.webhook]\n"), "the key is documented as a separate table");
    documented.insert("plugins.NAME webhook".to_owned());
    assert!(
        DEFAULTS.contains("This table can override any key of [telegram] except\n# `webhook` and `webhook_listen`")
    );
    let known = known_with_bots();
    let of_bots = known["telegram"].iter().filter(|key| !["webhook", "webhook_listen"].contains(key));
    documented.extend(of_bots.map(|key| format!("telegram.NAME {key}")));
    assert!(DEFAULTS.contains("\n#access = { admins = [], members = "), "the keys are documented as an inline table");
    documented.extend(["admins", "members"].map(|key| format!("telegram.NAME.access {key}")));
    let tables = known.iter().filter(|(table, _)| !table.is_empty());
    let known: BTreeSet<_> =
        tables.flat_map(|(table, keys)| keys.iter().map(move |key| format!("{table} {key}"))).collect();
    assert_eq!(known, documented);
}

#[test]
fn each_key_has_a_comment_where_it_first_appears() {
    let mut seen = BTreeSet::new();
    for line in lines() {
        let Some(table) = pattern(&line.table) else { continue };
        if seen.insert((table, line.key)) {
            assert!(line.has_comment, "{} in [{}] has no comment above it", line.key, line.table);
        }
    }
}

#[test]
fn keys_without_a_default_are_known() {
    let lines = lines();
    let set: BTreeSet<_> =
        lines.iter().filter(|line| line.is_set).map(|line| (pattern(&line.table), line.key)).collect();
    let unset: Vec<_> = lines
        .iter()
        .filter(|line| !set.contains(&(pattern(&line.table), line.key)))
        .map(|line| format!("[{}] {}", line.table, line.key))
        .collect();
    expect![[r#"
        [telegram] token_file
        [telegram] webhook
        [telegram] per_minute
        [telegram.work] token_file
        [telegram.work] access
        [telegram.work] agent
        [telegram.work] persona
        [access] owner
        [sessions] default
        [voice] command
        [limits] cost_per_day
        [limits] live_agents
        [limits] agent_memory
        [limits] free_memory
        [webhook] listen
        [status] listen
        [status] token_file
        [status] users
        [status] user_header
        [status] hosts
        [agents.claude] model
        [agents.claude] max_memory
        [agents.claude] max_processes
        [agents.claude] max_cpu_percent
        [agents.python] prompt
        [agents.python] silence
        [secrets] github
        [plugins] folder
        [plugins.sessions] acts_as
        [plugins.sessions] http
        [plugins.sessions] private
        [plugins.sessions] ca
        [plugins.sessions] secrets
        [plugins.sessions] tcp
        [plugins.sessions] sha256
        [plugins.sessions] time
        [plugins.sessions] calls
        [plugins.sessions] log
        [plugins.sessions] state
        [plugins.sessions] http_body
        [plugins.sessions] http_time
        [plugins.sessions] config
        [plugins.github.webhook] hmac
        [plugins.github.webhook] token
        [plugins.github.webhook] header
        [plugins.approval.config] deny
        [plugins.approval.config] ask
        [plugins.approval.config] allow"#]]
    .assert_eq(&unset.join("\n"));
}

#[test]
fn examples_of_keys_without_default_are_valid() {
    let shown: String = DEFAULTS
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(bare) if !bare.is_empty() && !bare.starts_with(' ') => format!("{bare}\n"),
            Some(_) | None => format!("{line}\n"),
        })
        .collect();
    assert_ne!(shown, DEFAULTS);
    load(&shown).expect("the examples are valid");
}
