//! Limits the total time that one call waits for the network, across all of its requests.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use cordboard_core::config::format_duration;

use super::failure::Failure;

pub struct WaitBudget {
    plugin: String,
    allowed: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: u32,
    since: Option<Instant>,
    waited: Duration,
}

/// Counts a wait in flight until it is dropped.
struct Waiting<'a>(&'a WaitBudget);

impl WaitBudget {
    pub fn new(plugin: &str, allowed: Duration) -> Self {
        Self { plugin: plugin.to_owned(), allowed, state: Mutex::default() }
    }

    /// Awaits `waits`, for at most `time` and at most the rest of the budget.
    pub async fn bound<T>(&self, time: Duration, waits: impl Future<Output = T>) -> Result<T, Failure> {
        let left = self.left();
        let over = || {
            let (allowed, plugin) = (format_duration(self.allowed), &self.plugin);
            Failure::TimedOut(format!(
                "this call waited {allowed} for the network, its `http_time` limit (raise `http_time` in [plugins.{plugin}] if it needs more)"
            ))
        };
        if left.is_zero() {
            return Err(over());
        }
        let _waiting = self.begin();
        let waited = tokio::time::timeout(left.min(time), waits).await;
        let late =
            || Failure::TimedOut(format!("no response within {}, the timeout of the request", format_duration(time)));
        waited.map_err(|_| if left <= time { over() } else { late() })
    }

    /// The time during which at least one wait was in flight. Concurrent waits count once.
    pub fn waited(&self) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waited + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn left(&self) -> Duration {
        self.allowed.saturating_sub(self.waited())
    }

    fn begin(&self) -> Waiting<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.under_way += 1;
        state.since.get_or_insert_with(Instant::now);
        Waiting(self)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.under_way -= 1;
        if state.under_way == 0
            && let Some(since) = state.since.take()
        {
            state.waited += since.elapsed();
        }
    }
}
