//! Replays recorded runs of the real CLI through the codec: encodes the recorded input again and decodes the recorded
//! output. A trace file next to each recording contains the expected events, one per line. `UPDATE_EXPECT=1` rewrites
//! the traces.

use std::path::{Path, PathBuf};

use expect_test::expect_file;

use super::*;
use crate::tests::trace::short;

/// Returns the events of a recording, one per line. A line that begins with `>` is an action of the host.
fn trace(recording: &str) -> String {
    let mut records = recording.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let about = records.next().unwrap();
    let mut codec = recorded_codec(&about);
    let mut trace = new_trace();
    trace.add_line(format!("# {}", text(&about, "about")));
    for record in records {
        let message = &record["msg"];
        if record["dir"] == ">" {
            repeat(&mut codec, message).into_iter().for_each(|line| trace.add_line(line));
            continue;
        }
        // Lines that were not JSON are recorded as strings.
        let line = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
        trace.add(&codec.decode(line.as_bytes()));
    }
    trace.lines().join("\n") + "\n"
}

/// Returns a codec for the recorded command line, which the first record contains.
pub(super) fn recorded_codec(about: &Value) -> Claude {
    let forks = about["argv"].as_array().unwrap().iter().any(|arg| arg == "--fork-session");
    let mut start = launch(resume(&about["argv"]));
    if let (ConversationStart::Resume(id), true) = (&start.conversation, forks) {
        start.conversation = ConversationStart::Fork(id.clone());
    }
    Claude::new(&start)
}

/// Returns the conversation that the recorded command line resumes.
fn resume(argv: &Value) -> Option<&str> {
    let args: Vec<&str> = argv.as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let next = args.iter().skip_while(|arg| **arg != "--resume").nth(1);
    args.iter().find_map(|arg| arg.strip_prefix("--resume=")).or(next.copied())
}

/// Applies an action of the recorded host to the codec. Returns its lines in the trace, or `None` if the codec doesn't
/// support the action.
pub(super) fn repeat(codec: &mut Claude, message: &Value) -> Option<String> {
    match (text(message, "type"), text(&message["request"], "subtype")) {
        ("user", _) => {
            let id = text(message, "uuid");
            codec.prompt(&prompt(id, text(&message["message"]["content"][0], "text")), &[]);
            Some(format!("> prompt {}", short(id)))
        }
        ("control_request", "interrupt") => {
            codec.interrupt();
            Some("> interrupt".to_owned())
        }
        ("control_response", _) => {
            let (id, answer) = recorded_answer(&message["response"]);
            let decoded = codec.answer(&RequestId(format!("{id}:0")), &answer);
            let mut trace = new_trace();
            trace.add(&decoded);
            Some(trace.lines().join("\n")).filter(|lines| !lines.is_empty())
        }
        _ => None,
    }
}

/// Returns the id of the request that the recorded host answered, and the decision.
fn recorded_answer(response: &Value) -> (&str, RequestAnswer) {
    let decision = &response["response"];
    let answers = decision["updatedInput"]["answers"].as_object().and_then(|answers| answers.values().next());
    let (option, text) = match (answers, text(decision, "behavior")) {
        (Some(label), _) => ("other", label.as_str()),
        (None, "allow") if decision["updatedPermissions"].is_array() => ("session", None),
        (None, "allow") => ("allow", None),
        (None, _) => ("why", decision["message"].as_str()),
    };
    let answer = RequestAnswer::Options { ids: vec![option.to_owned()], text: text.map(str::to_owned) };
    (super::text(response, "request_id"), answer)
}

/// Returns the paths of all recordings, with their contents.
pub(super) fn recordings() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/claude");
    let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let recordings = files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let recordings: Vec<_> = recordings.map(|path| (path.clone(), std::fs::read_to_string(&path).unwrap())).collect();
    assert!(recordings.len() > 40, "only {} recordings in {}", recordings.len(), folder.display());
    recordings
}

#[test]
fn recordings_decode_to_their_traces() {
    for (path, recording) in recordings() {
        expect_file![path.with_extension("trace")].assert_eq(&trace(&recording));
    }
}

#[test]
fn an_old_cli_is_reported() {
    let recording = include_str!("../../../tests/data/claude/f10_fork_session.jsonl");
    let old = recording.replace(r#""claude_code_version":"2.1.329""#, r#""claude_code_version":"2.1.197""#);
    assert_ne!(old, recording);
    let reports = |recording: &str| trace(recording).matches("outdated \"Claude Code 2.1.197 is older than").count();
    assert_eq!((reports(recording), reports(&old)), (0, 1));
}
