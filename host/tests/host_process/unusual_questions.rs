//! Tests agent questions that are very long, have many options or contain invisible characters.

use serde_json::{Value, json};

use super::support::{Home, Host};

/// An agent that prints a question from the file named in the prompt. The user's answer becomes the turn's result.
const ASKER: &str = r#"
PATH=/usr/local/bin:/usr/bin:/bin
while read -r line; do
  case "$line" in
    *'"initialize"'*) say '{"type":"control_response","response":{"subtype":"success","request_id":"cordboard-0","response":{}}}' ;;
    *'"control_response"'*)
      text=denied
      case "$line" in *'"behavior":"allow"'*) text=allowed ;; esac
      case "$line" in *'"Which one?":"'*) text=${line#*'"Which one?":"'}; text="chosen: ${text%%'"'*}" ;; esac
      say '{"type":"result","subtype":"success","result":"'"$text"'","user_message_uuids":["'$id'"]}' ;;
    *'"type":"user"'*)
      id=${line#*'"uuid":"'}; id=${id%%'"'*}
      say '{"type":"user","isReplay":true,"uuid":"'$id'","message":{"content":[]}}'
      name=${line#*'"text":"'}; name=${name%%'"'*}
      cat "$questions/$name" ;;
  esac
done
"#;

/// Returns a home whose agent asks to use `tool` with this input when the prompt is `ask`.
fn asks(tool: &str, input: &Value) -> Home {
    let home = Home::new();
    let request = json!({ "subtype": "can_use_tool", "tool_name": tool, "input": input, "tool_use_id": "t1" });
    let line = json!({ "type": "control_request", "request_id": "q1", "request": request });
    // `json!` can't produce a lone surrogate, so U+E000 stands for one.
    let line = line.to_string().replace('\u{e000}', r"\ud83d");
    std::fs::write(home.path("ask"), line + "\n").unwrap();
    let questions = home.path(".");
    let command = home.script("agent", &format!("questions={questions:?}\n{ASKER}"));
    home.write_config(&format!(
        "[agents]\ndefault = \"asker\"\n[agents.asker]\nkind = \"claude\"\ncommand = {command:?}"
    ));
    home
}

/// Creates a session, makes its agent ask, and returns the question.
fn question(host: &mut Host<'_>, last_button: &str) -> String {
    host.ask("/new a", "Session 'a' created.");
    host.say("ask");
    host.expect(last_button)
}

#[test]
fn an_input_of_a_megabyte_is_shortened_and_can_be_allowed() {
    let command = format!("echo {}", "x".repeat(1 << 20));
    let home = asks("Bash", &json!({ "command": command }));
    let mut host = home.start();
    let shown = question(&mut host, "[Show more] /requests a#1\n");
    assert!(shown.contains("asks for permission (shortened; /requests a#1 shows more)"), "{shown}");
    assert!(shown.len() < 6000 && shown.contains(" characters between these parts are not shown."), "{shown}");
    host.say("/allow");
    host.expect_all(&["Answered: Allow once.\n", "allowed\n"]);
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn a_diff_of_ten_thousand_lines_shows_both_ends_and_a_count() {
    let lines = |word: &str| (0..10_000).map(|number| format!("{word} {number}\n")).collect::<String>();
    let input = json!({ "file_path": "/w/f.txt", "old_string": lines("old"), "new_string": lines("new") });
    let home = asks("Edit", &input);
    let mut host = home.start();
    let shown = question(&mut host, "[Always allow…] /permissions always #1\n");
    assert!(shown.contains("\n-old 0\n") && shown.contains("\n+new 9999\n") && shown.len() < 6000, "{shown}");
    let left = shown.split_once(" lines (").and_then(|(before, _)| before.lines().last()?.parse::<u64>().ok());
    let changed = shown.lines().filter(|line| line.starts_with("-old") || line.starts_with("+new")).count();
    assert_eq!(left.map(|left| left + changed as u64), Some(20_000), "{shown}");
    host.say("/deny");
    host.expect_all(&["Answered: Deny.\n", "denied\n"]);
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn each_of_forty_options_can_be_chosen() {
    let option = |number: u32| json!({ "label": format!("Option {number}"), "description": "" });
    let options: Vec<Value> = (1..=40).map(option).collect();
    let asked = json!({ "question": "Which one?", "header": "One", "multiSelect": false, "options": options });
    let home = asks("AskUserQuestion", &json!({ "questions": [asked] }));
    let mut host = home.start();
    let shown = question(&mut host, "[Something else] /answer #1 other\n");
    assert!(shown.contains("\n40. **Option 40**\n") && shown.contains("[Option 40] /answer #1 40\n"), "{shown}");
    host.say("/answer 40");
    host.expect_all(&["Answered: Option 40.\n", "chosen: Option 40\n"]);
    assert_eq!(host.end(), (String::new(), Some(0)));
}

#[test]
fn invisible_characters_of_an_input_are_shown_as_codes() {
    let home = asks("Bash", &json!({ "command": "ls \0 \u{202e} \u{e000} x" }));
    let mut host = home.start();
    let shown = question(&mut host, "[Deny and say why] /answer #1 why\n");
    assert!(shown.contains("\nls ⟨U+0000⟩ ⟨U+202E⟩ \u{fffd} x\n"), "{shown}");
    // An answer that names a missing session leaves the question open.
    host.ask("/answer b#1 allow", "Session 'b' doesn't exist. Use /new to create it.");
    host.say("/deny");
    host.expect_all(&["Answered: Deny.\n", "denied\n"]);
    assert_eq!(host.end(), (String::new(), Some(0)));
}
