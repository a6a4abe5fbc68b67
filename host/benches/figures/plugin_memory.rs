//! Measures an active plugin's memory usage.

use crate::{components::standard, runtime, table::Row, test_host::TestHost};

/// The number of plugins to average the memory usage over.
const PLUGINS: u32 = 40;

pub fn measure() -> Vec<Row> {
    vec![runtime().block_on(memory())]
}

/// Measures the memory usage of copies of the lifecycle plugin, which exports no commands or personas, so the copies
/// don't conflict.
async fn memory() -> Row {
    let bench = TestHost::new();
    let wasm = standard("lifecycle");
    bench.plug("first", &wasm).await.unwrap();
    let before = resident();
    for number in 0..PLUGINS {
        bench.plug(&format!("copy-{number}"), &wasm).await.unwrap();
    }
    let each = resident().saturating_sub(before) as f64 / f64::from(PLUGINS) / 1000.0;
    Row {
        what: "resident memory of one more active plugin",
        measured: format!("{each:.2} MB, of {} KB wasm", wasm.len() / 1000),
        figure: "≤ 1.5 MB".to_owned(),
        reached: each <= 1.5,
    }
}

/// Returns the resident memory of this process in kilobytes.
fn resident() -> u64 {
    crate::process::field("/proc/self/status", "VmRSS:")
}
