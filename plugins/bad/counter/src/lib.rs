//! For tests: keeps a counter in the plugin state, which outlives instances, rollouts and restarts.

use cordboard_plugin::{
    Call, Command, Reply,
    command::Spec,
    state::{self, SwapError},
};

const KEY: &str = "count";

struct Counter;

impl Command for Counter {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("count", "Counts", "/count")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        count().map(|count| Reply::text(format!("Counted to {count}.")))
    }
}

/// Counts each call, even concurrent ones: if another call changed the value, the swap fails and is retried with the
/// new value.
fn count() -> Result<u64, String> {
    let mut before = state::get(KEY);
    loop {
        let known = before.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let count = known.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) + 1;
        match state::compare_and_swap(KEY, before.as_deref(), Some(count.to_string().as_bytes())) {
            Ok(()) => return Ok(count),
            Err(SwapError::Changed(now)) => before = now,
            Err(SwapError::Failed(why)) => return Err(why),
        }
    }
}

cordboard_plugin::export!(Counter: command);
