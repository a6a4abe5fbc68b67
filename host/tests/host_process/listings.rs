//! Tests `cordboard sessions`, `plugins` and `access`, with and without a running host, and `cordboard check`.

use super::support::{Home, standard_plugins};

const KEYS: [&str; 10] =
    ["name", "phase", "agent", "persona", "model", "pid", "idle_timeout_s", "last_active", "turns", "queued"];

#[test]
fn sessions_are_listed_with_and_without_a_host() {
    let home = Home::new();
    assert_eq!(home.printed(&["sessions"]), "No sessions.\n");
    assert_eq!(home.sessions(), serde_json::json!([]));
    let mut host = home.start();
    host.ask("/new a planner", "Session 'a' created with persona 'planner'.");
    host.ask("hello", "You said: hello");
    host.await_phase("a", "idle");
    let with_host = home.sessions();
    for key in KEYS {
        assert!(with_host[0].get(key).is_some(), "{key} is missing in {with_host}");
    }
    assert_eq!(with_host[0]["agent"], "demo");
    assert_eq!(with_host[0]["persona"], "planner");
    assert_eq!(with_host[0]["idle_timeout_s"], 1200);
    assert_eq!(with_host[0]["turns"], 1);
    let table = home.printed(&["sessions"]);
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    let pid = host.agent("a").to_string();
    assert_eq!(row, ["a", "idle", "demo", "planner", "-", &pid, "20m", "1", "0", "just", "now"], "{table}");
    assert_eq!(host.end().1, Some(0));

    let without = home.sessions();
    assert_eq!(without[0]["phase"], "suspended");
    assert_eq!(without[0]["pid"], serde_json::Value::Null);
    for key in ["name", "agent", "persona", "turns", "last_active"] {
        assert_eq!(without[0][key], with_host[0][key], "{key}");
    }
    let head = "NAME  PHASE      AGENT  PERSONA  MODEL  PID  TIMEOUT  TURNS  QUEUED  ACTIVE\n";
    assert!(home.printed(&["sessions"]).starts_with(head));
}

#[test]
fn plugins_are_listed_with_and_without_a_host() {
    let home = Home::new();
    let without = home.plugins();
    let host = home.start();
    super::support::until("the host answers", || home.state().join("control.sock").exists());
    let with_host = home.plugins();
    for rows in [&without, &with_host] {
        let names: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(names, standard_plugins());
        for key in ["name", "digest", "generation", "health", "note"] {
            assert!(rows[0].get(key).is_some(), "{key} is missing in {rows}");
        }
        assert_eq!(rows[0]["health"], "ok");
    }
    assert_eq!(without[0]["digest"], with_host[0]["digest"]);
    assert!(home.printed(&["plugins"]).starts_with("NAME       DIGEST        GENERATION  HEALTH  SINCE     NOTE\n"));
    assert_eq!(host.end().1, Some(0));
}

#[test]
fn check_reports_valid_and_invalid_settings() {
    let home = Home::new();
    let printed = home.printed(&["check"]);
    assert!(
        printed.starts_with("configuration  ok  ") && printed.contains("\nplugin         ok  views\n"),
        "{printed}"
    );
    home.plug_bytes("broken", b"not wasm at all");
    let output = home.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("plugin 'broken': it is not a WebAssembly component"), "{errors}");
    home.write_config("[sesions]\n");
    let output = home.run(&["check"]);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("sesions") && errors.contains("sessions"), "{errors}");
}

#[test]
fn access_is_listed_with_and_without_a_host() {
    let home = Home::new();
    assert_eq!(home.printed(&["access"]), "No people with access.\n");
    home.write_config("[access]\nowner = 1\nmembers = [3]\n");
    let mut host = home.start();
    host.ask("/access add 5 admin", "5 is an admin now.");
    host.ask("/access remove 3", "3 has access through the configuration. Edit `members` in `[access]` there.");
    let table = "ID  NAME  ROLE    SOURCE         NOTE\n\
                 1   -     owner   configuration\n\
                 5   -     admin   chat\n\
                 3   -     member  configuration\n";
    assert_eq!(home.printed(&["access"]), table);
    assert_eq!(host.end().1, Some(0));
    home.write_config("[access]\nowner = 1\nmembers = [5]\n");
    let table = home.printed(&["access"]);
    assert!(table.contains("\n5   -     admin   chat           overridden by the configuration\n"), "{table}");
}

#[test]
fn check_warns_if_no_user_has_access() {
    let home = Home::new();
    let token = home.path("token");
    std::fs::write(&token, "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    let telegram = format!("[telegram]\ntoken_file = {token:?}\n");
    home.write_config(&telegram);
    let printed = String::from_utf8(home.run(&["check"]).stdout).unwrap();
    assert!(printed.contains("\naccess         none  no user has access: ") && printed.contains("/pair"), "{printed}");
    home.write_config(&format!("{telegram}[access]\nmembers = [5]\n"));
    let printed = String::from_utf8(home.run(&["check"]).stdout).unwrap();
    assert!(printed.contains("token") && !printed.contains("\naccess"), "{printed}");
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let home = Home::new();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for arguments in [&["sessions"][..], &["plugins", "--json"], &["check"]] {
        let output = home.command(arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with("cordboard: failed to write to standard output: "), "{error}");
    }
}
