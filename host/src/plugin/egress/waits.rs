//! How long one call may wait for the network in all, however it spreads that over requests.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::failure::Failure;

pub struct Waits {
    allowed: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: u32,
    since: Option<Instant>,
    waited: Duration,
}

/// While it lives, the call waits.
struct Waiting<'a>(&'a Waits);

impl Waits {
    pub fn new(allowed: Duration) -> Self {
        Self { allowed, state: Mutex::default() }
    }

    /// Runs what waits, for `time` at most and for no longer than what is left.
    pub async fn bound<T>(&self, time: Duration, waits: impl Future<Output = T>) -> Result<T, Failure> {
        let left = self.left();
        let out = |left: Duration| {
            let whose = if left < time { "in all, the `http_time` limit" } else { "for an answer" };
            let waited = left.min(time).as_secs_f32();
            Failure::TimedOut(format!("it waited {waited} s {whose}"))
        };
        if left.is_zero() {
            return Err(Failure::TimedOut("it has waited for the network as long as `http_time` allows".to_owned()));
        }
        let _waiting = self.begin();
        tokio::time::timeout(left.min(time), waits).await.map_err(|_| out(left))
    }

    /// Requests that run side by side count once.
    fn left(&self) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = state.since.map_or(Duration::ZERO, |since| since.elapsed());
        self.allowed.saturating_sub(state.waited + now)
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
