//! Measures a call's compute time. Time spent waiting for the host or the network doesn't count; other limits bound it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// Measures the compute time of one call. Clones share the measurement.
#[derive(Clone)]
pub struct CpuMeter(Arc<Clock>);

struct Clock {
    start: Instant,
    /// The total duration of all completed polls, in nanoseconds.
    spent: AtomicU64,
    /// The time from `start` to the beginning of the current poll, in nanoseconds.
    since: AtomicU64,
}

impl CpuMeter {
    pub fn new() -> Self {
        Self(Arc::new(Clock { start: Instant::now(), spent: AtomicU64::new(0), since: AtomicU64::new(0) }))
    }

    /// Returns the compute time so far, including the current poll. Must be called during a poll of the measured
    /// future.
    pub fn spent(&self) -> Duration {
        let poll = self.now().saturating_sub(self.0.since.load(Ordering::Relaxed));
        Duration::from_nanos(self.0.spent.load(Ordering::Relaxed).saturating_add(poll))
    }

    /// Runs `call` and measures each poll.
    pub fn measure<F: Future>(&self, call: Pin<&mut F>) -> impl Future<Output = F::Output> {
        Measured { meter: self.clone(), call }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

struct Measured<'a, F> {
    meter: CpuMeter,
    call: Pin<&'a mut F>,
}

impl<F: Future> Future for Measured<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let began = self.meter.now();
        self.meter.0.since.store(began, Ordering::Relaxed);
        let result = self.call.as_mut().poll(context);
        let poll = self.meter.now().saturating_sub(began);
        self.meter.0.spent.fetch_add(poll, Ordering::Relaxed);
        result
    }
}
