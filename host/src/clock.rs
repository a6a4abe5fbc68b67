//! Owns the two clocks of the host. The deadline clock ([`Clock::now`]) includes the time that the machine sleeps,
//! jumps forward when the system's clock is set forward, and never goes back. The wall clock ([`Clock::wall`]) is shown
//! to people and plugins. Both advance with tokio's clock, so tests can pause them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{self, Duration, SystemTime, UNIX_EPOCH},
};

use cordboard_core::types::{TimeSource, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// Smaller differences between two clocks are ignored, because the clocks can't be read at the same instant.
const TOLERANCE: Duration = Duration::from_secs(1);

/// The maximum time that one [`ClockReading`] may take. A slower one is repeated.
const LONGEST_READING: Duration = Duration::from_millis(100);

/// A reading of the system's clocks.
#[derive(Debug, Clone, Copy)]
struct ClockReading {
    wall: SystemTime,
    /// A monotonic clock that stops while the machine sleeps.
    steady: time::Instant,
    /// The time that the machine has slept since boot.
    asleep: Duration,
}

/// The deadline clock's lead over tokio's clock, in milliseconds, in two parts that never decrease.
#[derive(Debug, Default)]
struct Lead {
    asleep: AtomicU64,
    /// The largest amount by which the wall clock was ahead of the monotonic clock, excluding time asleep.
    set_forward: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start_time: Timestamp,
    start_instant: Instant,
    read_clocks: fn() -> ClockReading,
    first: ClockReading,
    /// Deliberately leaked, so that `Clock` can be `Copy`. A process creates only a few clocks.
    lead: &'static Lead,
}

/// The difference between the time elapsed on the wall clock and on the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClockChange {
    Ahead(Duration),
    Behind(Duration),
}

impl Clock {
    /// Creates a clock that starts at the system's time.
    #[must_use]
    pub fn system() -> Self {
        Self::with_reader(read_clocks)
    }

    fn with_reader(read_clocks: fn() -> ClockReading) -> Self {
        let first = read_clocks();
        let since = first.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let lead = Box::leak(Box::default());
        Self { start_time: Timestamp(0).after(since), start_instant: Instant::now(), read_clocks, first, lead }
    }

    /// Returns the deadline clock's time, which the host also stores in its records.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.steady().after(self.ahead())
    }

    /// Returns [`now`](Self::now) as a function, for components that need only timestamps.
    #[must_use]
    pub fn source(self) -> TimeSource {
        Arc::new(move || self.now())
    }

    /// Returns the wall clock's time.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        match self.change((self.read_clocks)()) {
            ClockChange::Ahead(by) => self.steady().after(by),
            ClockChange::Behind(by) => Timestamp(self.steady().0.saturating_sub(by.as_millis() as u64)),
        }
    }

    /// Converts a deadline clock time to wall clock time. A past time stays in the past, even if the wall clock was
    /// ahead when the time was recorded.
    #[must_use]
    pub fn to_wall(&self, moment: Timestamp) -> Timestamp {
        let (now, wall) = (self.now(), self.wall());
        if moment <= wall { moment } else { Timestamp(moment.0.saturating_sub(now.0.saturating_sub(wall.0))) }
    }

    /// Converts a deadline clock time to tokio's clock. A timer set to a past time fires immediately.
    #[must_use]
    pub fn instant(&self, moment: Timestamp) -> Instant {
        self.start_instant + moment.since(self.start_time.after(self.ahead()))
    }

    fn steady(&self) -> Timestamp {
        self.start_time.after(self.start_instant.elapsed())
    }

    /// Returns the lead of the deadline clock. It doesn't shrink when the wall clock is set back. It grows by the
    /// length of each sleep, even if the wall clock was ahead by more than that.
    fn ahead(&self) -> Duration {
        let reading = (self.read_clocks)();
        let asleep = reading.asleep.saturating_sub(self.first.asleep);
        let set_forward = match self.change(reading) {
            ClockChange::Ahead(by) => by.saturating_sub(asleep),
            ClockChange::Behind(_) => Duration::ZERO,
        };
        let largest = |lead: &AtomicU64, now: Duration| {
            let now = now.as_millis() as u64;
            Duration::from_millis(lead.fetch_max(now, Ordering::AcqRel).max(now))
        };
        largest(&self.lead.asleep, asleep) + largest(&self.lead.set_forward, set_forward)
    }

    /// Returns the difference caused by the machine sleeping or by a change to the system time. A difference below
    /// [`TOLERANCE`] is ignored.
    fn change(&self, ClockReading { wall, steady, .. }: ClockReading) -> ClockChange {
        let passed = steady.saturating_duration_since(self.first.steady);
        let change = match wall.duration_since(self.first.wall + passed) {
            Ok(by) => ClockChange::Ahead(by),
            Err(error) => ClockChange::Behind(error.duration()),
        };
        match change {
            ClockChange::Ahead(by) | ClockChange::Behind(by) if by < TOLERANCE => ClockChange::Ahead(Duration::ZERO),
            ClockChange::Ahead(_) | ClockChange::Behind(_) => change,
        }
    }
}

fn read_clocks() -> ClockReading {
    loop {
        let (steady, wall) = (time::Instant::now(), SystemTime::now());
        let asleep = system_clock(ClockId::Boottime).saturating_sub(system_clock(ClockId::Monotonic));
        if steady.elapsed() < LONGEST_READING {
            return ClockReading { wall, steady, asleep };
        }
    }
}

fn system_clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    thread_local! {
        /// The durations by which the wall clock was set forward and back.
        static SET: Cell<(Duration, Duration)> = const { Cell::new((Duration::ZERO, Duration::ZERO)) };
        /// The time that the machine has slept.
        static ASLEEP: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    fn adjusted() -> ClockReading {
        let ClockReading { wall, steady, .. } = read_clocks();
        let ((forward, back), asleep) = (SET.get(), ASLEEP.get());
        ClockReading { wall: wall + forward + asleep - back, steady, asleep }
    }

    #[tokio::test(start_paused = true)]
    async fn time_advances_on_both_clocks() {
        let clock = Clock::system();
        let start_time = clock.now();
        tokio::time::advance(MINUTE).await;
        assert_eq!((clock.now(), clock.wall()), (start_time.after(MINUTE), start_time.after(MINUTE)));
        assert_eq!(clock.instant(start_time.after(HOUR)), Instant::now() + HOUR - MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn time_asleep_counts() {
        let clock = Clock::with_reader(adjusted);
        let start_time = clock.now();
        ASLEEP.set(8 * HOUR);
        let woken = clock.now().since(start_time);
        assert!(woken > 8 * HOUR - MINUTE && woken < 8 * HOUR + MINUTE, "{woken:?}");
        assert_eq!(clock.instant(start_time.after(HOUR)), Instant::now(), "the deadline has passed");
        let left = clock.instant(start_time.after(9 * HOUR)) - Instant::now();
        assert!(left < HOUR + MINUTE && left > HOUR - MINUTE, "{left:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn time_asleep_counts_after_the_clock_was_ahead() {
        let clock = Clock::with_reader(adjusted);
        SET.set((48 * HOUR, Duration::ZERO));
        let ahead = clock.now();
        SET.set((Duration::ZERO, Duration::ZERO));
        assert_eq!(clock.now(), ahead);
        ASLEEP.set(HOUR);
        assert_eq!(clock.now(), ahead.after(HOUR));
    }

    #[tokio::test(start_paused = true)]
    async fn setting_the_clock_back_moves_no_deadline() {
        let clock = Clock::with_reader(adjusted);
        let (start_time, due) = (clock.now(), clock.now().after(HOUR));
        SET.set((Duration::ZERO, 3 * HOUR));
        assert_eq!((clock.now(), clock.instant(due)), (start_time, Instant::now() + HOUR));
        assert!(clock.wall() < start_time, "but users see the wall clock");
        // Set the clock forward, and back again.
        SET.set((3 * HOUR, Duration::ZERO));
        let forward = clock.now();
        SET.set((Duration::ZERO, Duration::ZERO));
        assert_eq!(clock.now(), forward);
        assert_eq!(clock.wall(), start_time);
        tokio::time::advance(5 * MINUTE).await;
        let (shown, wall) = (clock.to_wall(forward), clock.wall());
        assert_eq!(wall.since(shown), 5 * MINUTE, "it ages although the wall clock was ahead when it was recorded");
        assert_eq!(clock.to_wall(start_time), start_time);
    }
}
