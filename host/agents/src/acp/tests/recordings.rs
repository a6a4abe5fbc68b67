//! Replays recorded runs of real agents through the codec: encodes the recorded input again, compares it, and decodes
//! the recorded output. A trace file next to each recording contains the expected events, one per line.
//! `UPDATE_EXPECT=1` rewrites the traces.

use expect_test::expect_file;

use super::*;

fn trace(recording: &str) -> String {
    let mut records = recording.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let about = records.next().unwrap();
    let mut script = Script::new(&launch());
    script.trace.add_line(format!("# {}", text(&about, "about")));
    script.open();
    for record in records {
        if record["dir"] == ">" {
            repeat(&mut script, &record["msg"]);
        } else {
            script.agent(&record["msg"]);
        }
    }
    script.lines().join("\n") + "\n"
}

/// Repeats an action of the recorded host, and checks that this host sends the same line.
fn repeat(script: &mut Script, message: &Value) {
    let lines = match text(message, "method") {
        "session/prompt" => {
            let id = format!("p{}", message["id"]);
            let line = script.codec.prompt(&prompt(&id, text(&message["params"]["prompt"][0], "text")));
            script.trace.add_line(format!("> prompt {id}"));
            vec![line]
        }
        "session/cancel" => {
            script.trace.add_line("> cancel".to_owned());
            vec![script.codec.interrupt().line()]
        }
        "" => {
            let asked = script.asked.last().unwrap();
            let option = asked.options.iter().find(|option| option.id == "allow").unwrap();
            let answer = RequestAnswer::Options { ids: vec![option.id.clone()], text: None };
            script.trace.add_line(format!("> {}", option.label));
            let id = asked.id.clone();
            script.codec.answer(&id, &answer).lines
        }
        _ => return,
    };
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
    assert_eq!(lines, std::slice::from_ref(message));
}

#[test]
fn recordings_decode_to_their_traces() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/acp");
    for name in ["claude_agent", "gemini_start", "opencode_start", "opencode_turns"] {
        let path = folder.join(name);
        let recording = std::fs::read_to_string(path.with_extension("jsonl")).unwrap();
        expect_file![path.with_extension("trace")].assert_eq(&trace(&recording));
    }
}

/// Replays the longest recording with one line cut, repeated, prefixed with log output, or preceded by an unknown
/// message. Afterwards, an answer to the last prompt ends its turn, and nothing stays open.
#[test]
fn damaged_recordings_leave_no_open_turn() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/acp");
    let recording = std::fs::read_to_string(folder.join("claude_agent.jsonl")).unwrap();
    let records: Vec<Value> = recording.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let damages: [fn(&str) -> Vec<String>; 4] = [
        |line| vec![line[..line.floor_char_boundary(line.len() * 2 / 3)].to_owned()],
        |line| vec![line.to_owned(), line.to_owned()],
        |line| vec![format!("log: {line}")],
        |line| vec![r#"{"jsonrpc":"2.0","method":"from/the_future"}"#.to_owned(), line.to_owned()],
    ];
    // The first two answers open the session; the others belong to turns.
    let start = records.iter().position(|record| record["msg"]["id"] == 3).unwrap();
    for (damaged, damage) in (start..records.len()).flat_map(|line| damages.iter().map(move |damage| (line, damage))) {
        let mut script = Script::new(&launch());
        script.open();
        for (number, record) in records.iter().enumerate() {
            let message = &record["msg"];
            match (text(record, "dir"), text(message, "method")) {
                (">", "session/prompt") => {
                    assert!(!script.codec.is_in_turn(), "line {damaged}");
                    script.codec.prompt(&prompt(&format!("p{}", message["id"]), "again"));
                }
                (">", "") if !script.asked.is_empty() => script.choose("allow"),
                (">", _) => {}
                _ if number == damaged => {
                    damage(&message.to_string()).iter().for_each(|line| script.line(line.as_bytes()));
                }
                _ => script.agent(message),
            }
        }
        assert!(!script.codec.is_in_turn(), "line {damaged}");
        let lines = script.lines();
        let ends = lines.iter().filter(|line| line.starts_with("finished")).count();
        assert_eq!(ends, 4, "line {damaged}: {lines:#?}");
    }
}
