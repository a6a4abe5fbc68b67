//! Damages lines of recordings, for tests. A codec has to survive each damaged line and end the same turns as it would
//! without the damage.

use std::collections::{BTreeMap, HashSet};

use cordboard_core::{
    agent_event::{AgentEvent, PromptId},
    types::RequestId,
};
use serde_json::Value;

use crate::Decoded;

/// The turn ends and the questions that a codec reported.
#[derive(Debug, Default)]
pub struct Turns {
    /// The number of times that each prompt's turn ended.
    pub ended: BTreeMap<PromptId, usize>,
    /// The turns that the agent started itself and has not ended.
    pub own_open: HashSet<PromptId>,
    pub questions: HashSet<RequestId>,
}

impl Turns {
    /// # Panics
    /// The codec reported a question twice.
    pub fn add(&mut self, decoded: &Decoded) {
        for event in &decoded.events {
            if let AgentEvent::TurnStarted(id) = event {
                self.own_open.insert(id.clone());
            } else if let AgentEvent::Finished { answered, .. } = event {
                for id in answered {
                    if !self.own_open.remove(id) {
                        *self.ended.entry(id.clone()).or_default() += 1;
                    }
                }
            } else if let AgentEvent::Requested(request) = event {
                assert!(self.questions.insert(request.id.clone()), "{:?} is asked twice", request.id);
            }
        }
    }
}

/// One record of a recording: an action of the host, or a line from the agent.
pub struct Record {
    is_agent: bool,
    message: Value,
    line: Vec<u8>,
}

/// The lines that replace one line from the agent, and also the next one if it is from the agent too.
pub struct Lines {
    pub lines: Vec<Vec<u8>>,
    replaces_next: bool,
}

pub enum Step<'a> {
    Host(&'a Value),
    Agent(&'a [u8]),
}

/// The place and the kind of the damage, for test failure messages.
pub struct Place {
    /// The index of the record.
    pub line: usize,
    damage: &'static str,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Line 1 of a recording describes it.
        write!(formatter, "line {}: {}", self.line + 2, self.damage)
    }
}

/// Parses a recording. Returns its description, which is its first line, and its records.
pub fn records(recording: &str) -> (Value, Vec<Record>) {
    let mut lines = recording.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let about = lines.next().unwrap();
    let records = lines.map(|mut record| {
        let message = record["msg"].take();
        // A line that isn't JSON is recorded as a string.
        let line = message.as_str().map_or_else(|| message.to_string(), str::to_owned).into_bytes();
        Record { is_agent: record["dir"] == "<", message, line }
    });
    (about, records.collect())
}

/// Calls `act` with each step of a recording. `damaged` contains the index of a record and the lines that replace it.
pub fn replay(records: &[Record], damaged: Option<(usize, &Lines)>, mut act: impl FnMut(Step<'_>)) {
    let mut skip_one = false;
    for (number, record) in records.iter().enumerate() {
        if !record.is_agent {
            act(Step::Host(&record.message));
        } else if std::mem::take(&mut skip_one) {
            // The replacement for the previous line includes this one.
        } else if let Some((_, lines)) = damaged.filter(|(damaged, _)| *damaged == number) {
            skip_one = lines.replaces_next;
            lines.lines.iter().for_each(|line| act(Step::Agent(line)));
        } else {
            act(Step::Agent(&record.line));
        }
    }
}

/// Applies every kind of damage to every line from the agent, except for lines between two lines of the same type. If
/// `CORDBOARD_WORLDS` isn't set, as on a developer's machine, applies only a third of the kinds to each line.
pub fn all(records: &[Record]) -> impl Iterator<Item = (Place, Lines)> {
    let same_type = |a: usize, b: usize| records[a].type_names() == records[b].type_names();
    let is_damaged = move |line: &usize| {
        let is_between = *line > 0 && line + 1 < records.len();
        records[*line].is_agent && !(is_between && same_type(*line, line - 1) && same_type(*line, line + 1))
    };
    let step = if std::env::var_os("CORDBOARD_WORLDS").is_some() { 1 } else { 3 };
    (0..records.len()).filter(is_damaged).flat_map(move |line| {
        let next = records.get(line + 1).filter(|next| next.is_agent);
        DAMAGES.iter().skip(line % step).step_by(step).map(move |(damage, apply)| {
            let lines = Lines { lines: apply(&records[line], next), replaces_next: next.is_some() };
            (Place { line, damage }, lines)
        })
    })
}

impl Record {
    /// Returns the fields that determine the type of a message, in claude's protocol or in ACP.
    fn type_names(&self) -> [&Value; 5] {
        let message = &self.message;
        let update = &message["params"]["update"]["sessionUpdate"];
        [&message["type"], &message["subtype"], &message["event"]["type"], &message["method"], update]
    }

    /// Returns the request id if the record is a response from an agent that uses JSON-RPC.
    pub fn answer_id(&self) -> Option<&Value> {
        self.message.get("id").filter(|_| self.is_agent && self.message.get("method").is_none())
    }
}

type Damage = fn(record: &Record, next: Option<&Record>) -> Vec<Vec<u8>>;

const DAMAGES: [(&str, Damage); 10] = [
    ("it is cut after two thirds", |record, next| with_next([cut(record, 2)], next)),
    ("it is cut after a third", |record, next| with_next([cut(record, 1)], next)),
    ("it arrives twice", |record, next| with_next([record.line.clone(), record.line.clone()], next)),
    ("it arrives after its successor", |record, next| {
        next.into_iter().chain([record]).map(|record| record.line.clone()).collect()
    }),
    ("no newline separates it from its successor", |record, next| {
        vec![[&record.line[..], next.map_or(&[], |next| &next.line[..])].concat()]
    }),
    ("each text contains a lone surrogate", |record, next| with_next([insert(record, br"\ud83d")], next)),
    ("each text contains an escaped NUL", |record, next| with_next([insert(record, br"\u0000")], next)),
    ("each text contains a NUL", |record, next| with_next([insert(record, b"\0")], next)),
    ("each text contains invalid UTF-8", |record, next| with_next([insert(record, b"\xff\xc3")], next)),
    ("log output precedes it", |record, next| with_next([[b"log: ", &record.line[..]].concat()], next)),
];

/// The fields whose text an agent, a model or a tool writes. The other texts are part of the protocol.
const FREE_TEXT: [&str; 12] = [
    "command",
    "content",
    "cwd",
    "description",
    "errors",
    "partial_json",
    "prompt",
    "rawOutput",
    "result",
    "text",
    "thinking",
    "title",
];

const MARK: char = '\u{e000}';

fn with_next<const COUNT: usize>(lines: [Vec<u8>; COUNT], next: Option<&Record>) -> Vec<Vec<u8>> {
    lines.into_iter().chain(next.map(|next| next.line.clone())).collect()
}

fn cut(record: &Record, thirds: usize) -> Vec<u8> {
    record.line[..record.line.len() * thirds / 3].to_vec()
}

/// Returns the line with `damage` at the start of each free text.
fn insert(record: &Record, damage: &[u8]) -> Vec<u8> {
    let mut marked = record.message.clone();
    mark(&mut marked, false);
    let marked = marked.to_string();
    let pieces: Vec<&[u8]> = marked.split(MARK).map(str::as_bytes).collect();
    pieces.join(damage)
}

fn mark(value: &mut Value, is_free: bool) {
    match value {
        Value::String(text) if is_free => text.insert(0, MARK),
        Value::Array(values) => values.iter_mut().for_each(|value| mark(value, is_free)),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(name, value)| mark(value, FREE_TEXT.contains(&name.as_str())));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
