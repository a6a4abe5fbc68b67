//! Tests `[sessions] interrupted = "resume"`: after a kill of the host, the agent gets a note instead of the prompt.

use std::fs;

use super::support::{CREATED, Home, until};

/// An agent that logs each prompt, answers "hello", and never ends any other turn. The console shows only complete lines,
/// so it shows the first line of an unfinished answer.
const AGENT: &str = r#"
for arg in "$@"; do
  case "$arg" in --resume=*|--session-id=*) session=${arg#*=} ;; esac
done
while read -r line; do
  case "$line" in
    *'"initialize"'*) say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}' ;;
    *'"type":"user"'*)
      say "$line" >> "$LOG"
      id=${line#*'"uuid":"'}; id=${id%%'"'*}
      say '{"type":"user","isReplay":true,"uuid":"'$id'","message":{"content":[]}}'
      say '{"type":"assistant","session_id":"'$session'","message":{"id":"m-'$id'","content":[{"type":"text","text":"I begin.\nI go on."}]}}'
      case "$line" in
        *hello*) say '{"type":"result","subtype":"success","session_id":"'$session'","user_message_uuids":["'$id'"]}' ;;
      esac ;;
  esac
done
"#;

fn home(more: &str) -> Home {
    let home = Home::new();
    let log = home.path("prompts");
    let command = home.script("agent", &format!("LOG={log:?}\n{AGENT}"));
    home.configure(&format!(
        "[agents]\ndefault = \"few\"\n[agents.few]\nkind = \"claude\"\ncommand = {command:?}\n{more}"
    ));
    home
}

/// Returns the number of prompts that contain this text.
fn received(home: &Home, text: &str) -> usize {
    let log = fs::read_to_string(home.path("prompts")).unwrap_or_default();
    log.lines().filter(|line| line.contains(text)).count()
}

const NOTE: &str = "This is a note from Cordboard, not a new request.";

#[test]
fn an_interrupted_agent_gets_at_most_three_notes() {
    let home = home("[sessions]\ninterrupted = \"resume\"");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("hello", "I begin.\nI go on.");
    host.await_turns("a", 1);
    host.ask("fix the *bug*", "I begin.");
    for notes in 1..=3 {
        host.kill();
        host = home.start();
        host.expect("Cordboard was stopped while session 'a' was answering “fix the *bug*”. The agent continues.\n");
        until("the agent gets the note", || received(&home, NOTE) == notes);
        host.await_phase("a", "busy");
        host.expect("I begin.");
    }
    host.kill();
    let mut host = home.start();
    host.expect("was answering “fix the *bug*”. Your message was not sent again.\n");
    assert_eq!((received(&home, NOTE), received(&home, "\"fix the *bug*\"")), (3, 1), "the prompt was sent once");
    assert_eq!(received(&home, "> fix the *bug*"), 3, "each note quotes the prompt");
    host.say("/retry");
    until("the agent gets the prompt again", || received(&home, "\"fix the *bug*\"") == 2);
}

#[test]
fn by_default_a_user_decides_about_an_interrupted_answer() {
    let home = home("");
    let mut host = home.start();
    host.ask("/new a", CREATED);
    host.ask("hello", "I begin.\nI go on.");
    host.await_turns("a", 1);
    host.ask("fix it", "I begin.");
    host.kill();
    let mut host = home.start();
    host.expect("was answering “fix it”. Your message was not sent again.\n");
    host.say("hello again");
    host.expect("I go on.\n");
    assert_eq!((received(&home, NOTE), received(&home, "\"fix it\"")), (0, 1));
}
