//! Measures a call's compute time. Time spent waiting for the host or the network doesn't count; other limits bound it.
//! The time during which the whole process was paused doesn't count either.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// A shorter delay of the ticker is a sign of load, not of a pause.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The total time for which the process was paused, for example by SIGSTOP or because its virtual machine was. Clones
/// share the total. The ticker records a pause before its next tick, so a deadline that seems to be over is checked
/// again after a tick.
#[derive(Debug, Clone, Default)]
pub struct PausedTime(Arc<Ticker>);

#[derive(Debug, Default)]
struct Ticker {
    /// The duration of all pauses, in nanoseconds.
    paused: AtomicU64,
    ticks: AtomicU64,
}

impl PausedTime {
    /// Records a tick, and how long the ticker has slept before. If it was much longer than `expected`, the process was
    /// paused.
    pub fn record_tick(&self, expected: Duration, slept: Duration) {
        let late = slept.saturating_sub(expected);
        if late >= SHORTEST_PAUSE {
            self.0.paused.fetch_add(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        self.0.ticks.fetch_add(1, Ordering::Release);
    }

    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.0.paused.load(Ordering::Relaxed))
    }

    pub fn ticks(&self) -> u64 {
        self.0.ticks.load(Ordering::Acquire)
    }
}

/// Measures the compute time of one call. Clones share the measurement.
#[derive(Clone)]
pub struct CpuMeter(Arc<Clock>);

struct Clock {
    start: Instant,
    paused: PausedTime,
    paused_before: Duration,
    /// The total duration of all completed polls, in nanoseconds.
    spent: AtomicU64,
    /// The time from `start` to the beginning of the current poll, in nanoseconds.
    since: AtomicU64,
}

impl CpuMeter {
    pub fn new(paused: PausedTime) -> Self {
        let paused_before = paused.total();
        let (spent, since) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Clock { start: Instant::now(), paused, paused_before, spent, since }))
    }

    /// Returns the compute time so far, including the current poll. Must be called during a poll of the measured
    /// future. Deducts each pause since the beginning, also one between two polls, so the result may be too small.
    pub fn spent(&self) -> Duration {
        let poll = self.now().saturating_sub(self.0.since.load(Ordering::Relaxed));
        let spent = Duration::from_nanos(self.0.spent.load(Ordering::Relaxed).saturating_add(poll));
        spent.saturating_sub(self.0.paused.total().saturating_sub(self.0.paused_before))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_delay_is_a_pause() {
        let paused = PausedTime::default();
        let tick = Duration::from_millis(5);
        paused.record_tick(tick, tick * 2);
        assert_eq!((paused.total(), paused.ticks()), (Duration::ZERO, 1));
        paused.record_tick(tick, Duration::from_secs(60) + tick);
        assert_eq!((paused.total(), paused.ticks()), (Duration::from_secs(60), 2));
    }
}
