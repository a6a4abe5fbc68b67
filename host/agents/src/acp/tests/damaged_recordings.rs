//! Replays each recording once for each damaged line that [`damage::all`] returns. All turns have to end as in the
//! recording, unless the damage removes the id of a response. If the conversation can't begin because of the damage,
//! the codec has to report that.

use super::*;
use crate::tests::damage::{self, Record, Step, Turns};

#[derive(Default)]
struct Replay {
    turns: Turns,
    start_failed: bool,
}

impl Replay {
    /// Replays a recording with some of its lines replaced.
    fn new(records: &[Record], damaged: Option<(usize, &damage::Lines)>) -> Self {
        let mut codec = new_codec(&launch());
        codec.open();
        let mut replay = Self::default();
        damage::replay(records, damaged, |step| match step {
            Step::Host(message) => replay.repeat(&mut codec, message),
            Step::Agent(line) => replay.add(&codec.decode(line)),
        });
        replay
    }

    fn repeat(&mut self, codec: &mut Acp, message: &Value) {
        match text(message, "method") {
            "session/prompt" => {
                codec.prompt(&prompt(&format!("p{}", message["id"]), "again"), &[]);
            }
            "session/cancel" => {
                codec.interrupt();
            }
            "" => {
                let allow = RequestAnswer::Options { ids: vec!["allow".to_owned()], text: None };
                for question in std::mem::take(&mut self.turns.questions) {
                    self.add(&codec.answer(&question, &allow));
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, decoded: &Decoded) {
        self.turns.add(decoded);
        self.start_failed |= decoded.events.iter().any(|event| matches!(event, AgentEvent::StartFailed(_)));
    }
}

#[test]
fn damaged_recordings_end_the_same_turns() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/acp");
    let mut failed = Vec::new();
    for name in ["claude_agent", "gemini_start", "opencode_start", "opencode_turns"] {
        let recording = std::fs::read_to_string(folder.join(name).with_extension("jsonl")).unwrap();
        let (_, records) = damage::records(&recording);
        let intact = Replay::new(&records, None).turns;
        for (place, lines) in damage::all(&records) {
            let damaged = Replay::new(&records, Some((place.line, &lines)));
            // The codec can't recognize a response that is cut before its id.
            let has_id = records[place.line].answer_id().is_none_or(|id| {
                let id = format!("\"id\":{id}");
                lines.lines.iter().any(|line| line.windows(id.len()).any(|bytes| bytes == id.as_bytes()))
            });
            if has_id && damaged.turns.ended != intact.ended && !damaged.start_failed {
                failed.push(format!("{name} {place}: {:?} instead of {intact:?}", damaged.turns));
            }
        }
    }
    assert!(failed.is_empty(), "{} of them:\n{}", failed.len(), failed.join("\n"));
}
