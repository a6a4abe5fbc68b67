//! Tests the commands `import`, `completions` and `man`.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use super::support::Home;

const CONVERSATION: &str = "0b4f8f0e-5d0c-4b6e-9f0a-2f6d1c1b7a3e";

/// Returns a command that runs the binary with this home and no other variables.
fn cordboard(home: &Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.args(arguments).env_clear().env("PATH", path).env("HOME", home.path("home")).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Writes a folder of the homelab bot, and returns the bot's folder.
fn bot(home: &Home) -> PathBuf {
    let session = home.path("bot/sessions/web");
    fs::create_dir_all(session.join(".claude/projects/x")).unwrap();
    fs::write(session.join(format!(".claude/projects/x/{CONVERSATION}.jsonl")), "{\"cwd\":\"/x\"}\n").unwrap();
    let metadata =
        r#"{"name": "web", "persona": "planner", "idle_timeout": 30, "last_active": "2026-10-01T12:00:00Z"}"#;
    fs::write(session.join("metadata.json"), metadata).unwrap();
    fs::create_dir_all(home.path("bot/sessions/broken")).unwrap();
    fs::write(home.path("bot/sessions/broken/metadata.json"), "{").unwrap();
    home.path("bot")
}

#[test]
fn sessions_of_the_homelab_bot_are_imported_once() {
    let home = Home::with("[agents.claude]\nenv = { CLAUDE_CONFIG_DIR = \"/nonexistent\" }\n");
    let agent_home = home.path("claude").display().to_string();
    home.configure(&format!("[agents.claude]\nenv = {{ CLAUDE_CONFIG_DIR = {agent_home:?} }}\n"));
    let bot = bot(&home).display().to_string();
    let import = |more: &[&str]| home.run(&[&["import", "homelab", &bot], more].concat());
    let outcomes = |output: &Output| -> Vec<String> {
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        rows.iter()
            .map(|row| format!("{} {}", row["name"].as_str().unwrap(), row["outcome"].as_str().unwrap()))
            .collect()
    };

    let planned = import(&["--dry-run", "--json"]);
    assert_eq!(planned.status.code(), Some(1), "one file is invalid");
    assert_eq!(outcomes(&planned), ["broken invalid", "web new"]);
    assert_eq!(home.sessions(), serde_json::json!([]));

    let done = import(&[]);
    assert_eq!(done.status.code(), Some(1));
    let table = text(&done.stdout);
    assert!(table.starts_with("NAME    OUTCOME   PERSONA  TIMEOUT  ACTIVE"), "{table}");
    assert!(table.contains("metadata.json: it is not valid JSON"), "{table}");
    assert!(text(&done.stderr).contains("1 of 2 sessions can't be imported"), "{}", text(&done.stderr));
    let sessions = home.sessions();
    assert_eq!(sessions.as_array().map(Vec::len), Some(1));
    let web = &sessions[0];
    assert_eq!((&web["name"], &web["persona"], &web["agent"]), (&"web".into(), &"planner".into(), &"claude".into()));
    assert_eq!((&web["idle_timeout_s"], &web["phase"]), (&1800.into(), &"suspended".into()));
    let projects = fs::read_dir(home.path("claude/projects")).unwrap().next().unwrap().unwrap().path();
    assert!(projects.join(format!("{CONVERSATION}.jsonl")).is_file(), "the agent finds the transcript");

    fs::remove_dir_all(home.path("bot/sessions/broken")).unwrap();
    let again = import(&["--json"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert_eq!(outcomes(&again), ["web exists"]);
    assert_eq!(home.sessions(), sessions);
}

#[test]
fn an_import_needs_a_stopped_host_and_a_dry_run_does_not() {
    let home = Home::new();
    let bot = bot(&home).display().to_string();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    let refused = home.run(&["import", "homelab", &bot]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("another host uses it (pid "), "{}", text(&refused.stderr));
    let planned = home.run(&["import", "homelab", &bot, "--dry-run"]);
    assert!(text(&planned.stdout).contains("web     new"), "{}", text(&planned.stdout));
    let other = home.run(&["import", "homelab", &bot, "--dry-run", "--agent", "demo"]);
    assert!(text(&other.stderr).contains("no agent 'demo' of kind \"claude\""), "{}", text(&other.stderr));
    assert_eq!(host.end().1, Some(0));
}

#[test]
fn bash_completes_subcommands_and_options() {
    let home = Home::new();
    let script = succeeded(&cordboard(&home, &["completions", "bash"]).output().unwrap());
    fs::write(home.path("completions.bash"), script).unwrap();
    let complete = |words: &str, current: usize| {
        let line = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={current}; _cordboard cordboard \"${{COMP_WORDS[{current}]}}\" \
             \"${{COMP_WORDS[{}]}}\"; echo \"${{COMPREPLY[@]}}\"",
            home.path("completions.bash").display(),
            current - 1,
        );
        succeeded(&Command::new("bash").args(["--norc", "-c", &line]).output().unwrap())
    };
    assert_eq!(complete("cordboard sess", 1).trim(), "sessions");
    assert!(complete("cordboard import homelab --dry", 3).contains("--dry-run"));
}
