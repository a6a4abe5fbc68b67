//! Measures startup and `/sessions` with ten thousand suspended sessions.

use std::time::Duration;

use cordboard::clock::Clock;

use crate::{
    process::Host,
    runtime,
    table::{Row, Spans},
    wired_host::{WiredHost, record},
};

const SESSIONS: usize = 10_000;

pub fn measure() -> Vec<Row> {
    let runtime = runtime();
    let host = Host::new();
    runtime.block_on(async {
        let (store, _) = cordboard_store::open(&host.state()).unwrap();
        let clock = Clock::system();
        for number in 0..SESSIONS {
            store.create_session(&record(number, clock)).await.unwrap();
        }
        store.close().await;
    });
    let starts = Spans::new((0..10).map(|_| host.start_to_answer()).collect());
    let lists = runtime.block_on(async {
        let mut host = WiredHost::new(SESSIONS).await;
        let mut spans = Vec::new();
        for _ in 0..200 {
            let (took, reply) = host.answer("/sessions").await;
            assert!(reply.text.ends_with("…and 9980 more: /sessions 2"), "{}", reply.text);
            spans.push(took);
        }
        Spans::new(spans)
    });
    vec![
        Row::at_most("10,000 suspended sessions: start to the first answer", &starts, Duration::from_millis(300)),
        Row::at_most("10,000 suspended sessions: /sessions, with its commits", &lists, Duration::from_millis(5)),
    ]
}
