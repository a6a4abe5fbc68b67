//! Measures the time from saving a plugin file until the new version's first call returns.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use cordboard::hub::LiveConfig;
use cordboard_core::config::Config;
use cordboard_runtime::{COMPILE_COMMAND, Registry};
use cordboard_watch::{Change, WatchOptions};
use tokio::sync::mpsc::Receiver;

use crate::{
    components::bad,
    runtime,
    sample_sessions::NOW,
    table::{Row, Spans, spell},
    test_host::TestHost,
};

const ROUNDS: usize = 10;

/// The time that a rollout may take in addition to compiling the plugin.
const ALLOWED: Duration = Duration::from_millis(200);

pub fn measure() -> Vec<Row> {
    let compile = Spans::new((0..ROUNDS).map(|_| compile(&bad("echo_v2"))).collect());
    let (mut cold, mut cached, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let [_, first, second] = runtime().block_on(round());
        cold.push(first.since_saved);
        cached.push(second.since_saved);
        settled.push(second.since_settled);
    }
    let limit = compile.p50() + ALLOWED;
    let cold = Spans::new(cold);
    let compiled = Row {
        what: "file saved → first call served by new code, cold",
        measured: cold.to_string(),
        figure: format!("p50 ≤ compile ({}) + 200 ms", spell(compile.p50())),
        reached: cold.p50() <= limit,
    };
    vec![
        compiled,
        Row::at_most("the same with the artifact in the cache", &Spans::new(cached), ALLOWED),
        Row::at_most("of that, after the file has settled", &Spans::new(settled), SETTLED),
    ]
}

/// The target for rolling out a cached version, from the watcher's report to the first call's return.
const SETTLED: Duration = Duration::from_millis(20);

/// The time until a version's first call returns, measured both from saving the version and from the watcher's report.
struct Swap {
    since_saved: Duration,
    since_settled: Duration,
}

/// Measures only how long the child process takes to compile a component, not the rest of the rollout.
fn compile(wasm: &[u8]) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.wasm");
    fs::write(&path, wasm).unwrap();
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    child.arg(COMPILE_COMMAND).stdin(fs::File::open(&path).unwrap()).stdout(Stdio::null());
    assert!(child.status().unwrap().success());
    began.elapsed()
}

/// Saves two versions, and then saves the first one again, which is cached by then. Measures each rollout.
async fn round() -> [Swap; 3] {
    let bench = TestHost::new();
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    let registry = Registry::start(folder.path().join("cache"), env!("CARGO_BIN_EXE_cordboard").into(), 4).unwrap();
    let (_interval, rescan) = tokio::sync::watch::channel(Duration::from_secs(30));
    let watched = WatchOptions { config: None, plugins: Some(plugins.clone()), rescan };
    let (_watcher, mut changes) = cordboard_watch::watch(watched).expect("the folder is writable");
    let bench = TestHost { registry: registry.into(), ..bench };
    let file = plugins.join("echo.wasm");
    let mut swaps = Vec::new();
    for (version, tag) in [("echo", "v1: "), ("echo_v2", "v2: "), ("echo", "v1: ")] {
        fs::write(&file, bad(version)).unwrap();
        let saved = Instant::now();
        let settled = plug(&bench.registry, &mut changes).await;
        assert!(bench.call("echo x").await.unwrap().text.starts_with(tag));
        swaps.push(Swap { since_saved: saved.elapsed(), since_settled: settled.elapsed() });
    }
    swaps.try_into().unwrap_or_else(|_| unreachable!("three versions were saved"))
}

/// Waits for a plugin change and activates the new version. Returns the time when the watcher reported the change.
async fn plug(registry: &Registry, changes: &mut Receiver<Change>) -> Instant {
    let config = LiveConfig::new(Config::defaults());
    let Some(Change::Plugin { name, content }) = changes.recv().await else { panic!("a plugin was saved") };
    let settled = Instant::now();
    registry.activate_wasm(&name, &content.wasm, &config.plugin(&name), NOW).await.unwrap();
    settled
}
