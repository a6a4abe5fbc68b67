//! The first word of a turn, from the agent's pipe to the chat, through codec, session, presenter and the view plugin.

use std::time::Duration;

use crate::{
    agent,
    rig::Rig,
    runtime,
    table::{Row, Spans},
};

const TURNS: usize = 200;

pub fn measure() -> Vec<Row> {
    let spans = runtime().block_on(turns());
    vec![Row::at_most(
        "first line of a turn written by the agent → chat called, with the view",
        &spans,
        Duration::from_micros(150),
    )]
}

async fn turns() -> Spans {
    let mut rig = Rig::new(0).await;
    rig.answer("/new bench").await;
    let mut spans = Vec::new();
    for _ in 0..TURNS {
        rig.typed("go on").await;
        let mut first = None;
        rig.post(|screen, at| {
            // The frame's own clock reading, taken back by how long ago it was taken.
            let seen = agent::now() - at.elapsed().as_nanos();
            let written = screen.messages.first().and_then(|message| message.text.parse::<u128>().ok());
            first = first.or(written.map(|written| seen.saturating_sub(written)));
        })
        .await;
        spans.extend(first.and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos));
    }
    Spans::new(spans)
}
