//! Tests `cordboard attach` and `cordboard adopt` with the real CLI.

use std::{fs, process::Command};

use serde_json::json;

use crate::{
    host::{AgentHost, eventually, open},
    pty::Pty,
};

/// Stores answers to the questions that the CLI asks the first time it starts in a terminal.
fn skip_onboarding(host: &AgentHost) {
    let state = json!({
        "hasCompletedOnboarding": true,
        "bypassPermissionsModeAccepted": true,
        "customApiKeyResponses": { "approved": ["dummy"], "rejected": [] },
        "projects": { host.path("state/sessions/a").display().to_string(): { "hasTrustDialogAccepted": true } },
    });
    fs::write(host.home().join(".claude.json"), state.to_string()).unwrap();
}

fn attach(host: &AgentHost) -> Pty {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    command.args(["attach", "a", "--state"]).arg(host.path("state"));
    Pty::open(&mut command)
}

/// Types a line, and presses Enter after a pause, because the CLI treats a line that arrives together with Enter as
/// pasted text.
fn type_line(terminal: &mut Pty, line: &str) {
    terminal.press(line);
    std::thread::sleep(std::time::Duration::from_millis(500));
    terminal.press("\r");
}

#[test]
fn the_chat_continues_what_was_said_in_a_terminal() {
    let Some(mut host) = open("") else { return };
    skip_onboarding(&host);
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    host.phase("idle");
    let mut terminal = attach(&host);
    terminal.wait("hello");
    type_line(&mut terminal, "in the terminal");
    eventually("the answer", || host.api.said().contains(&"in the terminal".to_owned()).then_some(()));
    host.ask("are you there?", "Session 'a' is open in a terminal.");
    eventually("the report", || host.path("state/terminals/a.json").exists().then_some(()));
    type_line(&mut terminal, "/exit");
    terminal.ended();
    host.until("You said: are you there?");
    assert_eq!(host.api.said(), ["hello", "in the terminal", "are you there?"]);
}

#[test]
fn a_conversation_that_began_in_the_terminal_is_continued() {
    let Some(mut host) = open("") else { return };
    skip_onboarding(&host);
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    host.phase("idle");
    let mut terminal = attach(&host);
    terminal.wait("hello");
    type_line(&mut terminal, "/clear");
    type_line(&mut terminal, "after that");
    eventually("the report", || host.path("state/terminals/a.json").exists().then_some(()));
    // The CLI exits when its terminal is closed.
    terminal.leave();
    eventually("the session is released", || host.session()["terminal"].is_null().then_some(()));
    host.ask("and here", "You said: and here");
    assert_eq!(host.api.said(), ["after that", "and here"]);
}

#[test]
fn an_adopted_conversation_keeps_its_folder_and_memory() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    host.phase("idle");
    let folders = fs::read_dir(host.home().join(".claude/projects")).unwrap().map(Result::unwrap);
    let transcripts = folders.flat_map(|folder| fs::read_dir(folder.path()).unwrap().map(Result::unwrap));
    let ids: Vec<String> =
        transcripts.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".jsonl")?.to_owned())).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    host.ask("/fresh", "starts a new conversation");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    let output = command.args(["adopt", &ids[0], "b", "--state"]).arg(host.path("state")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let expected = format!("Session 'b' created with agent 'claude' in {}.", host.path("state/sessions/a").display());
    assert!(printed.starts_with(&expected), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    host.ask("/session b", "Switched to session 'b'.");
    host.ask("are you there?", "You said: are you there?");
    assert_eq!(host.api.said(), ["hello", "are you there?"]);
}
