//! Limits the total time that one call waits for the network, across all of its requests.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use cordboard_core::config::format_duration;

use super::request_error::RequestError;

pub struct WaitBudget {
    plugin: String,
    allowed: Duration,
    waits: Mutex<Waits>,
}

#[derive(Default)]
struct Waits {
    in_flight: u32,
    since: Option<Instant>,
    waited: Duration,
}

/// Counts a wait as in flight until the guard is dropped.
struct WaitGuard<'a>(&'a WaitBudget);

impl WaitBudget {
    pub fn new(plugin: &str, allowed: Duration) -> Self {
        Self { plugin: plugin.to_owned(), allowed, waits: Mutex::default() }
    }

    /// Awaits `wait` until it completes, `time` has passed or the budget is used up.
    pub async fn limit<T>(&self, time: Duration, wait: impl Future<Output = T>) -> Result<T, RequestError> {
        let left = self.left();
        let over = || {
            let (allowed, plugin) = (format_duration(self.allowed), &self.plugin);
            RequestError::TimedOut(format!(
                "this call waited for the network for {allowed}, which is its `http_time` limit (raise `http_time` in [plugins.{plugin}] if the plugin needs more)"
            ))
        };
        if left.is_zero() {
            return Err(over());
        }
        let _guard = self.begin();
        let waited = tokio::time::timeout(left.min(time), wait).await;
        let late = || {
            RequestError::TimedOut(format!("no response within {}, the timeout of the request", format_duration(time)))
        };
        waited.map_err(|_| if left <= time { over() } else { late() })
    }

    /// Returns the total time during which at least one wait was in flight. Concurrent waits are counted only once.
    pub fn waited(&self) -> Duration {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.waited + waits.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn left(&self) -> Duration {
        self.allowed.saturating_sub(self.waited())
    }

    fn begin(&self) -> WaitGuard<'_> {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.in_flight += 1;
        waits.since.get_or_insert_with(Instant::now);
        WaitGuard(self)
    }
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        let mut waits = self.0.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.in_flight -= 1;
        if waits.in_flight == 0
            && let Some(since) = waits.since.take()
        {
            waits.waited += since.elapsed();
        }
    }
}
