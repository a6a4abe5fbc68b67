//! Tests changing each configuration key while a host is running: the host either uses the new value, or says that the
//! change takes effect at the next start.

use std::collections::{BTreeMap, BTreeSet};

use cordboard_core::config::{TakesEffect, keys, takes_effect};

use super::support::{Home, Host, component, until};

/// The sign that the host has applied a new value.
#[derive(Debug, Clone, Copy)]
enum Shows {
    /// The log names this part of the configuration. Nothing else is checked.
    Log(&'static str),
    /// The `echo` plugin is activated again, and the log names this part.
    NewGeneration(&'static str),
    /// A new demo agent process receives the next message, and the log names this part.
    NewAgent(&'static str),
    /// `cordboard sessions` shows a different idle timeout.
    IdleTimeout,
    /// The chat says that the key takes effect at the next start.
    Restart,
}

use Shows::{IdleTimeout, Log, NewAgent, NewGeneration, Restart};

const DEMO: Shows = NewAgent("agent demo");
const ECHO: Shows = NewGeneration("plugin echo");
const ALL: Shows = NewGeneration("plugin limits");

/// For each key: its table, its name, a valid value that differs from the default, and how the host shows that it has
/// applied the value.
const SAVED: &[(&str, &str, &str, Shows)] = &[
    ("telegram", "token_file", "\"t\"", Restart),
    ("telegram", "api_url", "\"http://127.0.0.1:1\"", Restart),
    ("telegram", "webhook", "\"https://a.example/b\"", Restart),
    ("telegram", "webhook_listen", "\"127.0.0.1:1\"", Restart),
    ("telegram", "edit_pause", "\"2s\"", Log("telegram")),
    ("telegram", "stream", "\"off\"", Log("telegram")),
    ("telegram", "rich", "\"auto\"", Log("telegram")),
    ("telegram", "topics", "\"create\"", Log("telegram")),
    ("telegram", "gather", "\"2s\"", Log("telegram")),
    ("telegram", "document_over", "5000", Log("telegram")),
    ("telegram", "file_limit", "\"50MiB\"", Log("telegram")),
    ("telegram", "per_minute", "20", Log("telegram")),
    ("telegram", "ring_after", "\"2s\"", Log("telegram")),
    ("telegram", "give_up", "\"2s\"", Log("telegram")),
    ("telegram.NAME", "token_file", "\"w\"", Restart),
    ("telegram.NAME", "api_url", "\"http://127.0.0.1:2\"", Restart),
    ("telegram.NAME", "edit_pause", "\"3s\"", Log("telegram")),
    ("telegram.NAME", "document_over", "6000", Log("telegram")),
    ("telegram.NAME", "rich", "\"off\"", Log("telegram")),
    ("telegram.NAME", "file_limit", "\"60MiB\"", Log("telegram")),
    ("telegram.NAME", "per_minute", "30", Log("telegram")),
    ("telegram.NAME", "ring_after", "\"3s\"", Log("telegram")),
    ("telegram.NAME", "stream", "\"edit\"", Log("telegram")),
    ("telegram.NAME", "topics", "\"off\"", Log("telegram")),
    ("telegram.NAME", "gather", "\"3s\"", Log("telegram")),
    ("telegram.NAME", "give_up", "\"3s\"", Log("telegram")),
    ("telegram.NAME", "agent", "\"demo\"", Log("telegram")),
    ("telegram.NAME", "persona", "\"p\"", Log("telegram")),
    ("telegram.NAME", "access", "{ members = [4] }", Log("access")),
    ("telegram.NAME.access", "admins", "[4]", Log("access")),
    ("telegram.NAME.access", "members", "[5]", Log("access")),
    ("access", "owner", "1", Log("access")),
    ("access", "admins", "[2]", Log("access")),
    ("access", "members", "[3]", Log("access")),
    ("access", "deny_tools", "[\"Bash(rm:*)\"]", NewAgent("access")),
    ("sessions", "busy", "\"interrupt\"", Log("sessions")),
    ("sessions", "default", "\"main\"", Log("sessions")),
    ("sessions", "idle_timeout", "\"20m\"", IdleTimeout),
    ("sessions", "stall", "\"20m\"", Log("sessions")),
    ("sessions", "interrupted", "\"resume\"", Log("sessions")),
    ("sessions", "queue", "3", Log("sessions")),
    ("sessions", "kept", "3", Log("sessions")),
    ("sessions", "roots", "[\"/srv\"]", Log("sessions")),
    ("sessions", "folders", "{ web = \"/srv/web\" }", Log("sessions")),
    ("limits", "cost_per_day", "2.5", Log("limits")),
    ("limits", "live_agents", "4", Log("limits")),
    ("limits", "agent_memory", "\"2GiB\"", Log("limits")),
    ("limits", "free_memory", "\"1GiB\"", Log("limits")),
    ("requests", "expire", "\"1m\"", Log("requests")),
    ("requests", "approval", "\"mine\"", Log("requests")),
    ("voice", "command", "[\"w\"]", Log("voice")),
    ("voice", "timeout", "\"1m\"", Log("voice")),
    ("console", "drain", "\"1m\"", Log("console")),
    ("language", "texts", "\"en\"", Log("language")),
    ("log", "format", "\"json\"", Restart),
    ("log", "levels", "{ \"cordboard::hub\" = \"debug\" }", Log("log")),
    ("webhook", "listen", "\"127.0.0.1:1\"", Restart),
    ("webhook", "body", "\"2MiB\"", Log("webhook")),
    ("status", "token_file", "\"t\"", Log("status")),
    ("status", "listen", "\"127.0.0.1:0\"", Log("status")),
    ("status", "users", "[\"ada\"]", Log("status")),
    ("status", "user_header", "\"X-User\"", Log("status")),
    ("status", "hosts", "[\"a.example\"]", Log("status")),
    ("agents", "default", "\"claude\"", Log("default agent")),
    ("agents.NAME", "kind", "\"demo\"", Log("agent claude")),
    ("agents.NAME", "command", "\"c\"", Log("agent claude")),
    ("agents.NAME", "args", "[\"--pace-ms=51\"]", DEMO),
    ("agents.NAME", "model", "\"m\"", DEMO),
    ("agents.NAME", "permission_mode", "\"plan\"", DEMO),
    ("agents.NAME", "pass_env", "[\"HOME\"]", DEMO),
    ("agents.NAME", "env", "{ A = \"b\" }", DEMO),
    ("agents.NAME", "sandbox", "\"bwrap\"", Log("agent claude")),
    ("agents.NAME", "sandbox_network", "false", DEMO),
    ("agents.NAME", "sandbox_read", "[\"/srv\"]", DEMO),
    ("agents.NAME", "sandbox_write", "[\"/srv\"]", DEMO),
    ("agents.NAME", "max_memory", "\"1GiB\"", Log("agent claude")),
    ("agents.NAME", "max_processes", "100", Log("agent claude")),
    ("agents.NAME", "max_cpu_percent", "50", Log("agent claude")),
    ("agents.NAME", "prompt", "'> $'", Log("agent shell")),
    ("agents.NAME", "silence", "\"1s\"", Log("agent shell")),
    ("plugins", "folder", "\"p\"", Restart),
    ("plugins", "rescan", "\"10s\"", Log("rescan")),
    ("plugins", "parallel", "32", Restart),
    ("plugins", "cache", "\"2GiB\"", Restart),
    ("plugins", "time", "\"3s\"", ALL),
    ("plugins", "memory", "\"65MiB\"", ALL),
    ("plugins", "calls", "9999", ALL),
    ("plugins", "log", "199", ALL),
    ("plugins", "reply", "\"63KiB\"", ALL),
    ("plugins", "state", "\"3MiB\"", ALL),
    ("plugins", "http_body", "\"3MiB\"", ALL),
    ("plugins", "http_time", "\"9s\"", ALL),
    ("plugins", "probation", "\"1m\"", Log("rollout limits")),
    ("plugins", "probation_traps", "2", Log("rollout limits")),
    ("plugins", "drain", "\"1m\"", Log("rollout limits")),
    ("plugins", "filters", "[\"mine\"]", Log("filters")),
    ("plugins", "lifecycle", "\"mine\"", Log("lifecycle")),
    ("plugins.NAME", "grants", "[\"chat\"]", ECHO),
    ("plugins.NAME", "acts_as", "\"owner\"", ECHO),
    ("plugins.NAME", "http", "[\"https://a.lan/*\"]", ECHO),
    ("plugins.NAME", "private", "[\"a.lan\"]", ECHO),
    ("plugins.NAME", "ca", "\"/a.pem\"", ECHO),
    ("plugins.NAME", "secrets", "[\"s\"]", ECHO),
    ("plugins.NAME", "tcp", "[\"a.lan:1\"]", ECHO),
    ("plugins.NAME", "sha256", "DIGEST", ECHO),
    ("plugins.NAME", "time", "\"4s\"", ECHO),
    ("plugins.NAME", "memory", "\"66MiB\"", ECHO),
    ("plugins.NAME", "calls", "9998", ECHO),
    ("plugins.NAME", "log", "198", ECHO),
    ("plugins.NAME", "reply", "\"62KiB\"", ECHO),
    ("plugins.NAME", "state", "\"2MiB\"", ECHO),
    ("plugins.NAME", "http_body", "\"2MiB\"", ECHO),
    ("plugins.NAME", "http_time", "\"8s\"", ECHO),
    ("plugins.NAME", "config", "{ a = 1 }", ECHO),
    // The host reads this key on each request, so changing it doesn't reactivate the plugin.
    ("plugins.NAME", "webhook", "{ token = \"s\" }", Log("plugin echo")),
    ("plugins.NAME.webhook", "hmac", "\"s\"", Log("plugin other")),
    ("plugins.NAME.webhook", "token", "\"s\"", Log("plugin other")),
    ("plugins.NAME.webhook", "header", "\"X-A\"", Log("plugin other")),
];

/// Returns the table name with its placeholder replaced. `command`, `sandbox` and the limits are saved for an agent
/// that no session uses: the saved command doesn't exist, and this machine may not support the sandbox or the limits.
/// `kind` is also saved for that agent, because the session's agent already has the saved kind. `prompt` and `silence`
/// are saved for an agent whose kind supports them.
fn written(table: &str, key: &str) -> String {
    match (table, key) {
        // This bot exists from the start, and its table has no other `access` table.
        ("telegram.NAME", "access") => "telegram.second".to_owned(),
        ("telegram.NAME" | "telegram.NAME.access", _) => table.replace("NAME", "work"),
        ("agents.NAME", "kind" | "command" | "sandbox") => "agents.claude".to_owned(),
        ("agents.NAME", key) if key.starts_with("max_") => "agents.claude".to_owned(),
        ("agents.NAME", "prompt" | "silence") => "agents.shell".to_owned(),
        ("agents.NAME", _) => "agents.demo".to_owned(),
        ("plugins.NAME", _) => "plugins.echo".to_owned(),
        ("plugins.NAME.webhook", _) => "plugins.other.webhook".to_owned(),
        (table, _) => table.to_owned(),
    }
}

fn generation(home: &Home) -> u64 {
    let rows = home.plugins();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "echo").expect("echo is active");
    row["generation"].as_u64().unwrap()
}

/// The state before a key is saved, for comparison with the state afterwards.
struct Before {
    generation: u64,
    agent: u64,
}

#[track_caller]
fn check(host: &mut Host<'_>, home: &Home, (key, shows): (&str, Shows), before: &Before) {
    let part = match shows {
        Log(part) | NewGeneration(part) | NewAgent(part) => part,
        IdleTimeout => "sessions",
        Restart => "at the next start",
    };
    let logged = host.expect_logged("configuration changed changes=");
    assert!(logged.contains(part), "{key}: {logged}");
    match shows {
        Log(_) => {}
        NewGeneration(_) => until(&format!("{key} acts on the plugin"), || generation(home) > before.generation),
        NewAgent(_) => {
            host.say("hello");
            host.expect("You said: hello\n");
            assert_ne!(host.agent("a"), before.agent, "{key} takes effect at the next turn");
        }
        IdleTimeout => {
            until(&format!("{key} acts on the session"), || host.session("a")["idle_timeout_s"] == 1200);
        }
        Restart => {
            host.expect(&format!("These configuration keys take effect at the next start: {key}.\n"));
        }
    }
}

fn text_of(tables: &BTreeMap<String, String>) -> String {
    tables.iter().map(|(name, lines)| format!("[{name}]\n{lines}")).collect()
}

#[test]
fn each_saved_key_acts_or_names_the_next_start() {
    let all: BTreeSet<_> = keys().collect();
    let saved: BTreeSet<_> = SAVED.iter().map(|(table, key, ..)| (*table, *key)).collect();
    assert_eq!(all, saved, "a new key needs a line here");

    let home = Home::new();
    home.plug("echo", "echo");
    let digest = format!("\"{}\"", cordboard_runtime::digest(&component("echo")));
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    // Each configuration adds one key to the previous one.
    let shell = "kind = \"plain\"\ncommand = \"sh\"\n";
    let mut tables = BTreeMap::from(
        [("secrets", "s = \"/s\"\n"), ("agents.shell", shell), ("telegram.second", "token_file = \"second\"\n")]
            .map(|(name, lines)| (name.to_owned(), lines.to_owned())),
    );
    home.write_config(&text_of(&tables));
    host.expect_logged("configuration changed changes=");
    host.expect("These configuration keys take effect at the next start: telegram.second.token_file.\n");
    for (table, key, value, shows) in SAVED {
        let before = Before { generation: generation(&home), agent: host.agent("a") };
        let value = if *value == "DIGEST" { &digest } else { *value };
        let written = written(table, key);
        tables.entry(written.clone()).or_default().push_str(&format!("{key} = {value}\n"));
        home.write_config(&text_of(&tables));
        check(&mut host, &home, (&format!("{written}.{key}"), *shows), &before);
        assert_eq!(
            takes_effect(table, key) == Some(TakesEffect::NextStart),
            matches!(shows, Restart),
            "[{table}] {key}"
        );
    }
    let named = SAVED.iter().filter(|(.., shows)| matches!(shows, Restart)).count();
    let shown = host.chat().matches("take effect at the next start").count();
    assert_eq!(shown, named + 1, "{}", host.chat());
}
