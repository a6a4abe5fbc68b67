//! For tests: counts in the host's state, which outlives every instance, swap and restart.

use cordboard_plugin::{
    Call, Command, Reply,
    command::Spec,
    state::{self, SwapError},
};

const KEY: &str = "count";

struct Keeper;

impl Command for Keeper {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("count", "Counts", "/count")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        count().map(|count| Reply::text(format!("Counted to {count}.")))
    }
}

/// Two calls at the same time count twice: who comes second sees it, and counts from there.
fn count() -> Result<u64, String> {
    let mut before = state::get(KEY);
    loop {
        let known = before.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let count = known.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) + 1;
        match state::swap(KEY, before.as_deref(), Some(count.to_string().as_bytes())) {
            Ok(()) => return Ok(count),
            Err(SwapError::Changed(now)) => before = now,
            Err(SwapError::Refused(why)) => return Err(why),
        }
    }
}

cordboard_plugin::export!(Keeper: command);
