//! Tests invalid configurations. At startup, the host reports the error's position and exits. A running host keeps the
//! last valid configuration and reports the error once.

use std::fs;

use super::host::{Home, QUICK};

/// Runs a host that must refuse to start because of this configuration, and returns the error.
fn refused(config: &str) -> String {
    let home = Home::new(config);
    let ended = home.run().end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{}", ended.err);
    let path = home.path("config.toml").display().to_string();
    let head = format!("cordboard: {path} cannot be used:\n");
    ended.err.strip_prefix(&head).unwrap_or_else(|| panic!("{}", ended.err)).to_owned()
}

#[test]
fn an_unknown_key_suggests_the_nearest() {
    assert_eq!(
        refused("[sessions]\nqueue = 5\nidel_timeout = \"5m\"\n"),
        "line 3, column 1: unknown key 'idel_timeout' in [sessions]; did you mean 'idle_timeout'?\n\
         3 | idel_timeout…\n  | ^^^^^^^^^^^^\n"
    );
}

#[test]
fn a_bad_duration_is_shown_with_examples() {
    assert_eq!(
        refused("[sessions]\nidle_timeout = \"soon\"\n"),
        "line 2, column 16: 'idle_timeout' in [sessions] must be a duration such as \"10m\" or \"1h30m\" (units: ms, s, m, h, d), \
         not \"soon\"\n2 | idle_timeout = \"soon\"\n  |                ^^^^^^\n"
    );
}

#[test]
fn a_wrong_type_names_the_expected_type() {
    assert_eq!(
        refused("[telegram]\napi_url = 3\n"),
        "line 2, column 11: 'api_url' in [telegram] must be text in quotes, not the number 3\n2 | api_url = 3\n  |           ^\n"
    );
}

#[test]
fn invalid_toml_is_shown_with_its_position() {
    let error = refused("[sessions\n");
    assert!(error.starts_with("line 1, column 10: invalid TOML: "), "{error}");
}

#[test]
fn a_named_configuration_file_must_exist() {
    let home = Home::new("");
    let gone = home.path("gone.toml").display().to_string();
    let error = format!(
        "cordboard: the configuration {gone} does not exist: create it, use another file with --config, or omit --config for the built-in defaults\n"
    );
    let state = home.path("state").display().to_string();
    for (subcommand, code) in [("run", 2), ("sessions", 2), ("plugins", 2), ("check", 1)] {
        let ended = home.once(&[subcommand, "--config", &gone, "--state", &state]);
        assert_eq!(
            (ended.code, ended.out.as_str(), ended.err.as_str()),
            (Some(code), "", error.as_str()),
            "{subcommand}"
        );
    }
    let folder = home.path("plugins").display().to_string();
    let ended = home.once(&["run", "--config", &folder, "--state", &state]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains(&format!("the configuration {folder} cannot be read: Is a directory")), "{}", ended.err);
}

#[test]
fn an_empty_file_means_the_defaults() {
    let home = Home::new("");
    let ended = home.talk(&["/timeout"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "No active session. Use /new to start one.\n"));
}

#[test]
fn check_shows_the_position_and_exits_with_1() {
    let home = Home::new("[sessions]\nidel_timeout = \"5m\"\n[plugin.help]\n");
    let ended = home.ask("check", &[]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    for part in [
        "line 2, column 1: unknown key 'idel_timeout'",
        "line 3, column 2: unknown table [plugin]; did you mean 'plugins'?",
    ] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
}

#[test]
fn a_bad_plugin_table_is_reported_with_file_and_line() {
    let home = Home::new(QUICK);
    let path = home.path("config.toml").display().to_string();
    let mut host = home.run();
    host.exchange("/timeout", "No active session. Use /new to start one.");
    for (table, why) in [
        ("grants = \"chat\"", "line 4, column 10: 'grants' in [plugins.help] must be a list"),
        ("grant = []", "line 4, column 1: unknown key 'grant' in [plugins.help]; did you mean 'grants'?"),
        ("time = \"0s\"", "line 4, column 8: 'time' in [plugins.help] must be"),
        ("memory = \"much\"", "line 4, column 10: 'memory' in [plugins.help] must be"),
        ("acts_as = \"king\"", "line 4, column 11: 'acts_as' in [plugins.help] must be"),
        ("sha256 = \"12\"", "line 4, column 10: 'sha256' in [plugins.help] must be"),
    ] {
        home.configure(&format!("{QUICK}[plugins.help]\n{table}\n"));
        host.hear(&format!("The new configuration can't be used, and the previous one stays active:\n{path}\n{why}"));
        host.log(&format!("{path}\\n{why}"));
    }
    // Only the `persona` plugin can detect this error.
    home.configure(&format!("{QUICK}[plugins.persona.config.personas.poet]\ninstructions = 5\n"));
    host.hear(&format!(
        "Plugin 'persona' was rejected: it failed its trial: it returned an error: personas.poet.instructions: invalid type: integer `5`, expected a \
         string; correct [plugins.persona.config] in {path}.\nGeneration 1 stays active."
    ));
    assert_eq!(host.end().code, Some(0));
}

/// The host reports each invalid configuration once, and the session isn't affected.
#[test]
fn a_running_host_keeps_the_last_good_configuration() {
    let home = Home::new(&format!("[sessions]\nidle_timeout = \"7m\"\n{QUICK}"));
    let path = home.path("config.toml").display().to_string();
    let mut host = home.run();
    host.exchange("/new a", "Session 'a' created.");
    host.exchange("/timeout", "Idle timeout: 7 minutes");
    for (text, why) in [
        ("", format!("{path} is empty")),
        ("\u{0}\u{1}garbage", format!("{path}\nline 1, column 10: invalid TOML: ")),
        ("[sessions]\nidle_timeout = 3\n", format!("{path}\nline 2, column 16: 'idle_timeout' in [sessions] must be")),
    ] {
        home.configure(text);
        host.hear(&format!("The new configuration can't be used, and the previous one stays active:\n{why}"));
        host.exchange("/timeout", "Idle timeout: 7 minutes");
    }
    fs::remove_file(home.path("config.toml")).unwrap();
    host.hear(&format!("{path} is missing"));
    home.configure(&format!("[sessions]\nidle_timeout = \"8m\"\n{QUICK}"));
    host.log("configuration changed");
    host.exchange("still here?", "You said: still here?");
    host.exchange("/timeout", "Idle timeout: 8 minutes");
    let ended = host.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out.matches("The new configuration can't be used").count(), 4, "{}", ended.out);
    assert_eq!(ended.err.matches("the new configuration cannot be used").count(), 4, "{}", ended.err);
}
