//! Recorded runs of the real CLI, replayed through the codec: what was sent then is asked of the codec, what came back is
//! decoded, and the trace beside each recording shows every event in a line. `UPDATE_EXPECT=1` rewrites the traces.

use std::path::Path;

use cordboard_core::{
    agent::{ActionState, Change},
    types::Place,
};
use expect_test::expect_file;

use super::*;

/// Events of a recording, one a line; `>` is what the host did.
fn trace(recording: &str) -> String {
    let mut records = recording.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let about = records.next().unwrap();
    let mut codec = Claude::new(&launch(&about["argv"]));
    let mut trace = Trace::default();
    trace.line(format!("# {}", text(&about, "about")));
    for record in records {
        let message = &record["msg"];
        if record["dir"] == ">" {
            ask(&mut codec, message).into_iter().for_each(|line| trace.line(line));
            continue;
        }
        // A line that was no JSON was recorded as a string.
        let line = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
        let decoded = codec.decode(line.as_bytes());
        decoded.events.iter().for_each(|event| trace.event(event));
        decoded.lines.iter().for_each(|line| trace.line(format!("> {}", answer(line))));
    }
    trace.end()
}

/// As the recorded command line resumed.
fn launch(argv: &Value) -> Launch {
    let args: Vec<&str> = argv.as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let next = args.iter().skip_while(|arg| **arg != "--resume").nth(1);
    let resume = args.iter().find_map(|arg| arg.strip_prefix("--resume=")).or(next.copied());
    Launch { resume: resume.map(str::to_owned), model: None, instructions: String::new() }
}

fn prompt(id: &str, text: &str) -> Prompt {
    let place = Place::new("test", "1");
    Prompt { id: PromptId(id.to_owned()), place, text: text.to_owned() }
}

/// Does what the host of the recording did, where this host does it.
fn ask(codec: &mut Claude, message: &Value) -> Option<String> {
    match (text(message, "type"), text(&message["request"], "subtype")) {
        ("user", _) => {
            let id = text(message, "uuid");
            codec.prompt(&prompt(id, text(&message["message"]["content"][0], "text")));
            Some(format!("> prompt {}", short(id)))
        }
        ("control_request", "interrupt") => {
            codec.interrupt();
            Some("> interrupt".to_owned())
        }
        _ => None,
    }
}

/// The lines of a trace; pieces of one text that follow each other make one line.
#[derive(Default)]
struct Trace {
    lines: Vec<String>,
    pieces: Option<(u32, String, usize)>,
}

impl Trace {
    fn event(&mut self, event: &AgentEvent) {
        if let AgentEvent::Part { at, change: Change::Append(more) } = event {
            match &mut self.pieces {
                Some((part, text, count)) if part == at => {
                    text.push_str(more);
                    *count += 1;
                }
                _ => {
                    self.flush();
                    self.pieces = Some((*at, more.clone(), 1));
                }
            }
        } else {
            self.line(show(event));
        }
    }

    fn line(&mut self, line: String) {
        self.flush();
        self.lines.push(line);
    }

    fn flush(&mut self) {
        if let Some((part, text, count)) = self.pieces.take() {
            self.lines.push(format!("{part} + {} ({count} pieces)", cut(&text)));
        }
    }

    fn end(mut self) -> String {
        self.flush();
        self.lines.join("\n") + "\n"
    }
}

fn show(event: &AgentEvent) -> String {
    match event {
        AgentEvent::Ready { models } => format!("ready {models:?}"),
        AgentEvent::Conversation { id, resumable } => {
            format!("conversation {}{}", short(id), if *resumable { ", resumable" } else { "" })
        }
        AgentEvent::Taken(prompt) => format!("taken {}", short(&prompt.0)),
        AgentEvent::Part { at, change } => format!("{at} {}", show_change(change)),
        AgentEvent::Denied { tool, detail } => format!("denied {tool}: {detail}"),
        AgentEvent::Finished { answered, outcome, cost_usd } => {
            let answered: Vec<_> = answered.iter().map(|prompt| short(&prompt.0)).collect();
            format!("finished [{}] {outcome:?} {:.4} $", answered.join(" "), cost_usd.unwrap_or(-1.0))
        }
        AgentEvent::Unasked(text) => format!("unasked {}", cut(text)),
        AgentEvent::ResumeRefused(why) => format!("resume refused: {why}"),
    }
}

fn show_change(change: &Change) -> String {
    match change {
        Change::Append(more) => format!("+ {}", cut(more)),
        Change::Text(text) => format!("= {}", cut(text)),
        Change::Gone => "gone".to_owned(),
        Change::Action(action) => {
            let state = match action.state {
                ActionState::Running => "running",
                ActionState::Done => "done",
                ActionState::Failed => "failed",
            };
            format!("{} {:?} {state} {}", action.kind, action.title, cut(&action.detail))
        }
    }
}

/// What an answer to the agent decides.
fn answer(line: &[u8]) -> String {
    let response = &serde_json::from_slice::<Value>(line).unwrap()["response"];
    format!("{} {} {}", text(response, "subtype"), response["response"]["behavior"], cut(text(response, "error")))
}

fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= 70 { format!("{text:?}") } else { format!("{:?}…{count}", text.chars().take(70).collect::<String>()) }
}

#[test]
fn recordings_mean_what_they_meant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/claude");
    let mut count = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let recording = std::fs::read_to_string(&path).unwrap();
            expect_file![path.with_extension("trace")].assert_eq(&trace(&recording));
            count += 1;
        }
    }
    assert!(count > 40, "only {count} recordings in {}", folder.display());
}
