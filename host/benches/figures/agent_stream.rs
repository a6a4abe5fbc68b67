//! Measures how fast claude's codec decodes a stream and folds the events into a turn: throughput on one core, memory
//! growth, and how much longer a turn of twice the length takes.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use cordboard_agents::{Codec, Start, prepare, process::Environment};
use cordboard_core::{
    agent_event::{AgentEvent, PromptId},
    config::{Agent, AgentKind},
    session::{Launch, Prompt, PromptKind},
    turn::Turn,
    types::{ConversationStart, PermissionMode, Place, Timestamp},
};
use serde_json::json;

use crate::{
    process::field,
    table::{Row, spell},
};

/// The number of deltas in a turn that contains a megabyte of text.
const DELTAS: usize = 20_000;

const DELTA_TEXT: usize = 50;

/// The number of bytes decoded to measure throughput and memory growth.
const STREAM: usize = 400 << 20;

pub fn measure() -> Vec<Row> {
    let turn = lines(DELTAS);
    let size: usize = turn.iter().map(|line| line.len() + 1).sum();
    fold(&turn);
    let before = resident();
    let began = Instant::now();
    let rounds = STREAM / size;
    for _ in 0..rounds {
        fold(&turn);
    }
    let megabytes = (rounds * size) as f64 / 1e6;
    let rate = megabytes / began.elapsed().as_secs_f64();
    let growth = resident().saturating_sub(before) / 1000;
    let double = lines(2 * DELTAS);
    let (once, twice) = (best(&turn), best(&double));
    let ratio = twice.as_secs_f64() / once.as_secs_f64();
    vec![
        Row {
            what: "stream-json of claude through codec and turn, on one core",
            measured: format!("{rate:.0} MB/s"),
            figure: "≥ 200 MB/s".to_owned(),
            reached: rate >= 200.0,
        },
        Row {
            what: "memory after decoding another 400 MB in turns of 1 MB of text",
            measured: format!("{growth} MB more"),
            figure: "≤ 4 MB more".to_owned(),
            reached: growth <= 4,
        },
        Row {
            what: "a turn of 2 MB in 40,000 deltas, compared with 1 MB in 20,000",
            measured: format!("{} and {}: {ratio:.2} times as long", spell(twice), spell(once)),
            figure: "≤ 2.5 times as long".to_owned(),
            reached: ratio <= 2.5,
        },
    ]
}

fn best(turn: &[String]) -> Duration {
    let timed = |()| {
        let began = Instant::now();
        fold(turn);
        began.elapsed()
    };
    std::iter::repeat_n((), 5).map(timed).min().unwrap()
}

fn resident() -> u64 {
    field("/proc/self/status", "VmRSS:")
}

/// Decodes a turn's lines and folds the events.
fn fold(lines: &[String]) {
    let place = Place::new("console", "local");
    let id = PromptId("p".to_owned());
    let prompt = Prompt {
        id: id.clone(),
        place: place.clone(),
        kind: PromptKind::Text,
        text: "go on".to_owned(),
        mode: None,
        files: Vec::new(),
    };
    let mut codec = codec();
    codec.prompt(&prompt, &[]);
    let mut turn = Turn::new(id, place, Timestamp(0));
    let mut finished = 0;
    for line in lines {
        for event in codec.decode(line.as_bytes()).events {
            if let AgentEvent::Part { at, change } = event {
                turn.change(at, change);
            } else if let AgentEvent::Finished { .. } = event {
                finished += 1;
            }
        }
    }
    assert_eq!(finished, 1, "the turn ends");
    assert!(turn.has_text());
}

fn codec() -> Box<dyn Codec> {
    let launch = Launch {
        conversation: ConversationStart::New,
        model: None,
        permission_mode: PermissionMode::Default,
        instructions: String::new(),
    };
    let start = Start {
        session: &"bench".parse().unwrap(),
        folder: Path::new("/"),
        launch: &launch,
        agent: &Agent::new(AgentKind::Claude),
        environment: &Environment::read(),
        host_id: "host",
    };
    prepare(&start).unwrap().1
}

/// Returns a turn's lines in claude's output format.
fn lines(deltas: usize) -> Vec<String> {
    let uuids = json!(["p"]);
    let event = |event| {
        json!({
            "type": "stream_event", "event": event, "session_id": "5a4c8f0e-0d0f-4f5e-9d7e-1f8f1f0a7f11",
            "parent_tool_use_id": null, "uuid": "0d4b594a-5b9a-4eb8-9613-862f530280c6", "user_message_uuids": uuids,
        })
    };
    let text = "word ".repeat(DELTA_TEXT / 5);
    let whole = text.repeat(deltas);
    let message = json!({ "id": "m", "role": "assistant", "content": [] });
    let mut lines = vec![
        json!({ "type": "user", "uuid": "p", "isReplay": true, "message": { "role": "user", "content": "go on" } }),
        event(json!({ "type": "message_start", "message": message })),
        event(json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } })),
    ];
    let delta = json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } });
    lines.extend(std::iter::repeat_n(event(delta), deltas));
    lines.extend([
        json!({
            "type": "assistant", "user_message_uuids": uuids,
            "message": { "id": "m", "role": "assistant", "content": [{ "type": "text", "text": whole }] },
        }),
        event(json!({ "type": "message_stop" })),
        json!({
            "type": "result", "subtype": "success", "is_error": false, "terminal_reason": "completed", "result": whole,
            "total_cost_usd": 0.1, "session_id": "s", "user_message_uuids": uuids,
        }),
    ]);
    lines.iter().map(ToString::to_string).collect()
}
