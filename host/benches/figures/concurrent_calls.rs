//! Measures the host under load: call latency while other calls run endless loops, and the throughput of concurrent
//! calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::available_parallelism,
    time::{Duration, Instant},
};

use cordboard_runtime::EPOCH_TICK;
use tokio::task::JoinSet;

use crate::{
    components::bad,
    runtime,
    table::{Row, Spans, spell},
    test_host::TestHost,
};

const CALLS: usize = 2000;

/// The number of concurrent callers while throughput is measured. It exceeds the reference machine's two cores, so that
/// no core is idle.
const AT_ONCE: usize = 8;

/// The duration of the throughput measurement.
const RATE_SPAN: Duration = Duration::from_secs(3);

pub fn measure() -> Vec<Row> {
    let runtime = runtime();
    vec![runtime.block_on(with_spinners()), runtime.block_on(rate())]
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

async fn bench() -> Arc<TestHost> {
    let bench = TestHost::new();
    bench.plug("echo", &bad("echo")).await.unwrap();
    bench.plug("exceeds_limits", &bad("exceeds_limits")).await.unwrap();
    Arc::new(bench)
}

/// Measures consecutive calls from a spawned task, because that's how the hub calls plugins.
async fn calls(bench: &Arc<TestHost>) -> Spans {
    let bench = Arc::clone(bench);
    let calls = tokio::spawn(async move {
        let mut spans = Vec::new();
        for _ in 0..CALLS {
            let began = Instant::now();
            // Yield before the call, as the host does for each update.
            tokio::task::yield_now().await;
            bench.call("echo x").await.unwrap();
            spans.push(began.elapsed());
        }
        spans
    });
    Spans::new(calls.await.unwrap())
}

async fn with_spinners() -> Row {
    let bench = bench().await;
    let quiet = calls(&bench).await;
    let ended = Arc::new(AtomicBool::new(false));
    let mut spinners = JoinSet::new();
    for _ in 0..cores() {
        let (bench, ended) = (Arc::clone(&bench), Arc::clone(&ended));
        spinners.spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                bench.call("spin").await.expect_err("/spin only ends at a limit");
            }
        });
    }
    let loaded = calls(&bench).await;
    ended.store(true, Ordering::Relaxed);
    spinners.shutdown().await;
    let limit = quiet.p99() + 2 * EPOCH_TICK;
    Row {
        what: "a call with one spinning plugin per core",
        measured: format!("{loaded}; quiet {quiet}"),
        figure: format!("p99 ≤ quiet p99 + 2 epoch ticks ({})", spell(limit)),
        reached: loaded.p99() <= limit,
    }
}

async fn rate() -> Row {
    let bench = bench().await;
    let end = Instant::now() + RATE_SPAN;
    let mut callers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let bench = Arc::clone(&bench);
        callers.spawn(async move {
            let mut made = 0_u32;
            while Instant::now() < end {
                bench.call("echo x").await.unwrap();
                made += 1;
                // Yield between calls, as the host does between a chat's updates.
                tokio::task::yield_now().await;
            }
            made
        });
    }
    let made: u32 = callers.join_all().await.into_iter().sum();
    let rate = f64::from(made) / RATE_SPAN.as_secs_f64();
    Row {
        what: "command calls per second, all cores, without the store",
        measured: format!("{rate:.0}"),
        figure: "≥ 60,000 on 2 cores".to_owned(),
        reached: rate >= 60_000.0,
    }
}
