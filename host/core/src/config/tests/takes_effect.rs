//! Tests that the diff reports a change to any key and names those that need a restart, that every key is classified,
//! and that the default file marks the keys that need a restart.

use std::collections::BTreeSet;

use super::{
    super::{Config, DEFAULTS, TakesEffect, diff, load, takes_effect},
    known_with_bots,
};

/// The table and name of each key, and a non-default value. Additional lines in the value set other keys that the key
/// depends on.
const SAVED: &[(&str, &str, &str)] = &[
    ("telegram", "token_file", "\"t\""),
    ("telegram", "api_url", "\"http://127.0.0.1:1\""),
    ("telegram", "webhook", "\"https://a.example/b\""),
    ("telegram", "webhook_listen", "\"127.0.0.1:1\""),
    ("telegram", "edit_pause", "\"2s\""),
    ("telegram", "document_over", "5000"),
    ("telegram", "rich", "\"auto\""),
    ("telegram", "file_limit", "\"50MiB\""),
    ("telegram", "per_minute", "20"),
    ("telegram", "ring_after", "\"2s\""),
    ("telegram", "stream", "\"off\""),
    ("telegram", "topics", "\"create\""),
    ("telegram", "gather", "\"2s\""),
    ("telegram", "give_up", "\"2s\""),
    ("telegram.NAME", "token_file", "\"other\""),
    ("telegram.NAME", "api_url", "\"http://127.0.0.1:1\"\ntoken_file = \"t\""),
    ("telegram.NAME", "edit_pause", "\"2s\"\ntoken_file = \"t\""),
    ("telegram.NAME", "document_over", "5000\ntoken_file = \"t\""),
    ("telegram.NAME", "rich", "\"auto\"\ntoken_file = \"t\""),
    ("telegram.NAME", "file_limit", "\"50MiB\"\ntoken_file = \"t\""),
    ("telegram.NAME", "per_minute", "20\ntoken_file = \"t\""),
    ("telegram.NAME", "ring_after", "\"2s\"\ntoken_file = \"t\""),
    ("telegram.NAME", "stream", "\"off\"\ntoken_file = \"t\""),
    ("telegram.NAME", "topics", "\"create\"\ntoken_file = \"t\""),
    ("telegram.NAME", "gather", "\"2s\"\ntoken_file = \"t\""),
    ("telegram.NAME", "give_up", "\"2s\"\ntoken_file = \"t\""),
    ("telegram.NAME", "agent", "\"claude\"\ntoken_file = \"t\""),
    ("telegram.NAME", "persona", "\"p\"\ntoken_file = \"t\""),
    ("telegram.NAME", "access", "{ members = [4] }\ntoken_file = \"t\""),
    ("telegram.NAME.access", "admins", "[4]\n[telegram.x]\ntoken_file = \"t\""),
    ("telegram.NAME.access", "members", "[4]\n[telegram.x]\ntoken_file = \"t\""),
    ("access", "owner", "1"),
    ("access", "admins", "[2]"),
    ("access", "members", "[3]"),
    ("sessions", "default", "\"main\""),
    ("sessions", "idle_timeout", "\"1m\""),
    ("sessions", "stall", "\"20m\""),
    ("sessions", "busy", "\"interrupt\""),
    ("sessions", "interrupted", "\"resume\""),
    ("sessions", "queue", "3"),
    ("sessions", "kept", "3"),
    ("sessions", "roots", "[\"/srv\"]"),
    ("sessions", "folders", "{ web = \"/srv/web\" }"),
    ("requests", "expire", "\"5m\""),
    ("voice", "command", "[\"w\"]"),
    ("voice", "timeout", "\"1m\""),
    ("limits", "cost_per_day", "2.5"),
    ("limits", "live_agents", "4"),
    ("limits", "agent_memory", "\"2GiB\""),
    ("limits", "free_memory", "\"1GiB\""),
    ("console", "drain", "\"1m\""),
    ("language", "texts", "\"de\""),
    ("log", "format", "\"json\""),
    ("log", "levels", "{ \"cordboard::hub\" = \"debug\" }"),
    ("webhook", "listen", "\"127.0.0.1:1\""),
    ("webhook", "body", "\"2MiB\""),
    ("status", "listen", "\"127.0.0.1:1\""),
    ("status", "token_file", "\"t\""),
    ("status", "user_header", "\"X-User\"\nusers = [\"ada\"]"),
    ("status", "users", "[\"ada\"]"),
    ("status", "hosts", "[\"a.example\"]"),
    ("agents", "default", "\"claude\""),
    ("agents.NAME", "kind", "\"claude\"\ncommand = \"c\""),
    ("agents.NAME", "command", "\"c\""),
    ("agents.NAME", "args", "[\"-x\"]"),
    ("agents.NAME", "model", "\"m\""),
    ("agents.NAME", "permission_mode", "\"plan\""),
    ("agents.NAME", "pass_env", "[\"HOME\"]"),
    ("agents.NAME", "env", "{ A = \"b\" }"),
    ("agents.NAME", "sandbox", "\"bwrap\""),
    ("agents.NAME", "sandbox_network", "false"),
    ("agents.NAME", "sandbox_read", "[\"/opt/a\"]"),
    ("agents.NAME", "sandbox_write", "[\"/opt/a\"]"),
    ("agents.NAME", "max_memory", "\"1GiB\""),
    ("agents.NAME", "max_processes", "100"),
    ("agents.NAME", "max_cpu_percent", "50"),
    ("agents.NAME", "prompt", "'> $'\nkind = \"plain\"\ncommand = \"c\""),
    ("agents.NAME", "silence", "\"1s\"\nkind = \"plain\"\ncommand = \"c\""),
    ("access", "deny_tools", "[\"Bash(rm:*)\"]"),
    ("requests", "approval", "\"mine\""),
    ("plugins", "folder", "\"p\""),
    ("plugins", "filters", "[\"mine\"]"),
    ("plugins", "lifecycle", "\"mine\""),
    ("plugins", "rescan", "\"2s\""),
    ("plugins", "parallel", "2"),
    ("plugins", "cache", "\"2GiB\""),
    ("plugins", "time", "\"3s\""),
    ("plugins", "memory", "\"65MiB\""),
    ("plugins", "calls", "2"),
    ("plugins", "log", "2"),
    ("plugins", "reply", "\"2KiB\""),
    ("plugins", "state", "\"2KiB\""),
    ("plugins", "http_body", "\"2KiB\""),
    ("plugins", "http_time", "\"3s\""),
    ("plugins", "probation", "\"1m\""),
    ("plugins", "probation_traps", "2"),
    ("plugins", "drain", "\"1m\""),
    ("plugins.NAME", "grants", "[\"chat\"]"),
    ("plugins.NAME", "acts_as", "\"owner\""),
    ("plugins.NAME", "http", "[\"https://a.lan/*\"]"),
    ("plugins.NAME", "private", "[\"a.lan\"]\nhttp = [\"https://a.lan/*\"]"),
    ("plugins.NAME", "ca", "\"/a.pem\""),
    ("plugins.NAME", "secrets", "[\"s\"]"),
    ("plugins.NAME", "tcp", "[\"a.lan:1\"]"),
    ("plugins.NAME", "sha256", "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\""),
    ("plugins.NAME", "time", "\"3s\""),
    ("plugins.NAME", "memory", "\"65MiB\""),
    ("plugins.NAME", "calls", "2"),
    ("plugins.NAME", "log", "2"),
    ("plugins.NAME", "reply", "\"2KiB\""),
    ("plugins.NAME", "state", "\"2KiB\""),
    ("plugins.NAME", "http_body", "\"2KiB\""),
    ("plugins.NAME", "http_time", "\"3s\""),
    ("plugins.NAME", "config", "{ a = 1 }"),
    ("plugins.NAME", "webhook", "{ token = \"s\" }"),
    ("plugins.NAME.webhook", "hmac", "\"s\""),
    ("plugins.NAME.webhook", "token", "\"s\""),
    ("plugins.NAME.webhook", "header", "\"X-A\""),
];

/// Replaces the placeholder in a table's name. The `demo` agent exists in the default configuration.
fn table_name(table: &str) -> String {
    table.replace("agents.NAME", "agents.demo").replace("NAME", "x")
}

#[test]
fn each_key_is_classified_and_saved() {
    let known = known_with_bots();
    let tables = known.iter().filter(|(table, _)| !table.is_empty());
    let known: BTreeSet<(&str, &str)> =
        tables.flat_map(|(table, keys)| keys.iter().map(|key| (*table, *key))).collect();
    let saved: BTreeSet<(&str, &str)> = SAVED.iter().map(|(table, key, _)| (*table, *key)).collect();
    assert_eq!(known, saved, "a new key needs a line here");
    let unclassified: Vec<_> = known.iter().filter(|(table, key)| takes_effect(table, key).is_none()).collect();
    assert!(unclassified.is_empty(), "config/takes_effect.rs must say when these keys take effect: {unclassified:?}");
}

#[test]
fn keys_that_need_a_restart_are_named() {
    const SECRETS: &str = "[secrets]\ns = \"/s\"\n";
    let without_bot = load(SECRETS).expect("a valid text");
    let with_bot = load("[telegram.x]\ntoken_file = \"t\"\n").expect("a valid text");
    for (table, key, value) in SAVED {
        let text = format!("{SECRETS}[{}]\n{key} = {value}\n", table_name(table));
        let after: Config = load(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let before = if table.starts_with("telegram.NAME") { &with_bot } else { &without_bot };
        let changes = diff(before, &after);
        assert!(!changes.is_empty(), "a change of {key} in [{table}] is not reported");
        let named = changes.restart.contains(&format!("{}.{key}", table_name(table)));
        assert_eq!(
            named,
            takes_effect(table, key) == Some(TakesEffect::NextStart),
            "[{table}] {key}: {:?}",
            changes.restart
        );
    }
}

#[test]
fn the_default_file_marks_keys_that_need_a_restart() {
    let (mut table, mut comment) = (String::new(), String::new());
    for line in DEFAULTS.lines() {
        let bare = line.strip_prefix('#').unwrap_or(line);
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = name.to_owned();
        } else if let Some(text) = line.strip_prefix("# ") {
            comment.push_str(&format!("{text} "));
            continue;
        } else if let Some(acts) = bare.split_once(" = ").and_then(|(key, _)| takes_effect(&table, key)) {
            let says = comment.contains("Needs a restart.");
            assert_eq!(says, acts == TakesEffect::NextStart, "[{table}] {bare}: {comment}");
        }
        comment.clear();
    }
}
