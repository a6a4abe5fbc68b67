//! Measures the latency of an echo command that is 200 bytes long. The first measurement omits the store and compares
//! the command with the floor, the same component under bare wasmtime. The second includes the store commits that the
//! command waits for.

use std::time::{Duration, Instant};

use cordboard_core::{
    render,
    route::{self, CommandLine},
};
use cordboard_runtime::CallContext;

use crate::{
    components::bad,
    floor::Floor,
    runtime,
    table::{Row, Spans, spell},
    test_host::TestHost,
    wired_host::WiredHost,
};

const CALLS: usize = 20_000;

/// The number of calls made in a row on the floor, and then on the host. The benchmark alternates between the two, so
/// that other load on the machine affects both equally.
const BATCH: usize = 100;

/// The length of the echoed text. With `/echo `, the command line has 200 bytes.
const BYTES: usize = 194;

pub fn measure() -> Vec<Row> {
    let runtime = runtime();
    let mut rows = runtime.block_on(without_store());
    rows.push(runtime.block_on(with_store()));
    rows
}

async fn without_store() -> Vec<Row> {
    let bench = TestHost::new();
    bench.plug("echo", &bad("echo")).await.unwrap();
    let floor = Floor::new(&bad("echo"));
    let text = "x".repeat(BYTES);
    let (bare, whole) = measure_both(&bench, &floor, (&text, (CALLS, BATCH))).await;
    let worst = whole.p99().as_secs_f64() / bare.p50().as_secs_f64();
    vec![
        Row::floor("the same component, bare wasmtime: fresh instance and call", &bare),
        Row::against("command that echoes 200 bytes: routed, fresh instance, reply rendered", &whole, &bare),
        Row {
            what: "p99 of such a command",
            measured: format!("{}; {worst:.2} × the floor's p50", spell(whole.p99())),
            figure: "p99 ≤ 4 × the floor's p50".to_owned(),
            reached: worst <= 4.0,
        },
    ]
}

/// Calls `/echo` with `text` on the floor and on the host, `calls` times each, in alternating batches. Returns both
/// sets of times.
pub async fn measure_both(
    bench: &TestHost,
    floor: &Floor,
    (text, (calls, batch)): (&str, (usize, usize)),
) -> (Spans, Spans) {
    let line = format!("/echo {text}");
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..calls / batch {
        for _ in 0..batch {
            bare.push(floor.call(text).await);
        }
        for _ in 0..batch {
            whole.push(command(bench, &line).await);
        }
    }
    (Spans::new(bare), Spans::new(whole))
}

/// Measures the time from parsing a typed line to rendering its reply. Panics if the reply doesn't end with the text.
async fn command(bench: &TestHost, line: &str) -> Duration {
    let began = Instant::now();
    let CommandLine { name, invocation } = route::parse(line).expect("it is a command");
    let table = bench.registry.snapshot();
    let offer = table.command(&name).unwrap();
    let context = CallContext {
        caller: Some(bench.caller.clone()),
        place: Some(bench.place.clone()),
        active: None,
        locale: None,
    };
    let reply = bench.registry.command(&bench.host_api, offer, context, &invocation).await.unwrap();
    let message = render::render(&reply.text);
    let took = began.elapsed();
    assert!(message.text.ends_with(&invocation.text));
    took
}

/// Measures the time until a typed line's reply is posted and rendered, including store commits.
async fn with_store() -> Row {
    let mut host = WiredHost::new(0).await;
    host.plug("echo", &bad("echo")).await;
    let line = format!("/echo {}", "x".repeat(BYTES));
    let mut spans = Vec::new();
    for number in 0..2000 {
        let (took, reply) = host.answer(&line).await;
        assert!(reply.text.starts_with("v1: "));
        // The first calls prepare the SQL statements, so they aren't counted.
        if number >= 100 {
            spans.push(took);
        }
    }
    Row::at_most(
        "the same from the accepted line to the posted reply, with its commits",
        &Spans::new(spans),
        Duration::from_micros(250),
    )
}
