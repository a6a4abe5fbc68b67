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
            let line = script.codec.prompt(&prompt(&id, text(&message["params"]["prompt"][0], "text")), &[]);
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
