//! Measures the latency from agent to chat while 200 agents write 100 lines per second each.

use std::{collections::HashMap, time::Duration};

use crate::{
    agent_input::times,
    fake_agent, runtime,
    table::{Row, Spans, spell},
    wired_host::{Shown, WiredHost},
};

const AGENTS: usize = 200;

pub fn measure() -> Vec<Row> {
    let spans = runtime().block_on(stream());
    let figure = Duration::from_millis(50);
    vec![Row {
        what: "200 agents write 100 lines a second: agent writes a line → chat gets the frame with it",
        measured: spans.to_string(),
        figure: format!("p99 ≤ {}", spell(figure)),
        reached: spans.p99() <= figure,
    }]
}

async fn stream() -> Spans {
    let mut host = WiredHost::new(0).await;
    for agent in 0..AGENTS {
        let place = format!("chat-{agent}");
        host.typed_in(&place, &format!("/new agent-{agent}")).await;
        host.post(|_, _| {}).await;
    }
    for agent in 0..AGENTS {
        host.typed_in(&format!("chat-{agent}"), fake_agent::STREAM).await;
    }
    // The number of timestamps in each turn's newest frame, keyed by the turn's first timestamp.
    let mut seen: HashMap<String, usize> = HashMap::new();
    let (mut spans, mut ended) = (Vec::new(), 0);
    while ended < AGENTS {
        match host.next().await {
            Shown::Live(frame, at) => {
                let now = fake_agent::now() - at.elapsed().as_nanos();
                let text = frame.messages.first().map(|message| message.text.as_str()).unwrap_or_default();
                let Some(turn) = text.split(' ').next().filter(|first| !first.is_empty()) else { continue };
                let count = seen.entry(turn.to_owned()).or_default();
                for time in times(text).skip(*count) {
                    *count += 1;
                    spans.push(Duration::from_nanos(u64::try_from(now.saturating_sub(time)).unwrap()));
                }
            }
            Shown::Post(_) => ended += 1,
        }
    }
    Spans::new(spans)
}
