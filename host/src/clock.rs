//! The clocks: wall time, advanced by tokio's clock, so that a paused clock in a test controls everything. The clock
//! for deadlines follows sleep of the machine and a clock that is set forward, and continues steadily if the clock is
//! set back. People and plugins see the wall clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{self, Duration, SystemTime, UNIX_EPOCH},
};

use cordboard_core::types::{TimeSource, Timestamp};
use tokio::time::Instant;

/// Smaller differences are ignored: the two clocks aren't read at the same instant.
const TOLERANCE: Duration = Duration::from_secs(1);

/// The longest time between the two readings of one [`ClockReading`].
const LONGEST_READING: Duration = Duration::from_millis(100);

/// A reading of the system's clocks: the wall time, and a monotonic clock that stops while the machine sleeps.
type ClockReading = (SystemTime, time::Instant);

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start_time: Timestamp,
    start_instant: Instant,
    read_clocks: fn() -> ClockReading,
    first: ClockReading,
    /// The largest lead of the wall clock over the elapsed time, in milliseconds. Leaked, because there is one clock
    /// per host.
    ahead: &'static AtomicU64,
}

/// The difference between the wall clock and the elapsed time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClockChange {
    Ahead(Duration),
    Behind(Duration),
}

impl Clock {
    /// Creates a clock that agrees with the system's.
    #[must_use]
    pub fn system() -> Self {
        Self::with_reader(read_clocks)
    }

    fn with_reader(read_clocks: fn() -> ClockReading) -> Self {
        let first = read_clocks();
        let since = first.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let ahead = Box::leak(Box::new(AtomicU64::new(0)));
        Self { start_time: Timestamp(0).after(since), start_instant: Instant::now(), read_clocks, first, ahead }
    }

    /// The time for deadlines and records of the host. Never goes back.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.steady().after(self.ahead())
    }

    /// This clock's [`now`](Self::now), for parts that only need to stamp what they receive.
    #[must_use]
    pub fn source(self) -> TimeSource {
        Arc::new(move || self.now())
    }

    /// The time for people and plugins: the wall clock.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        match self.change() {
            ClockChange::Ahead(by) => self.steady().after(by),
            ClockChange::Behind(by) => Timestamp(self.steady().0.saturating_sub(by.as_millis() as u64)),
        }
    }

    /// Converts a time of [`now`](Self::now) for people and plugins, who compare it with the wall clock. If the wall
    /// clock was ahead for a while, the result still isn't in the future.
    #[must_use]
    pub fn to_wall(&self, moment: Timestamp) -> Timestamp {
        let (now, wall) = (self.now(), self.wall());
        if moment <= wall { moment } else { Timestamp(moment.0.saturating_sub(now.0.saturating_sub(wall.0))) }
    }

    /// Converts `moment` for a timer. A past moment becomes now.
    #[must_use]
    pub fn instant(&self, moment: Timestamp) -> Instant {
        self.start_instant + moment.since(self.start_time.after(self.ahead()))
    }

    fn steady(&self) -> Timestamp {
        self.start_time.after(self.start_instant.elapsed())
    }

    /// The lead of the wall clock. Doesn't shrink if the wall clock is set back.
    fn ahead(&self) -> Duration {
        let now = match self.change() {
            ClockChange::Ahead(by) => by.as_millis() as u64,
            ClockChange::Behind(_) => 0,
        };
        Duration::from_millis(self.ahead.fetch_max(now, Ordering::AcqRel).max(now))
    }

    /// The change of the wall clock by sleep or by setting it.
    fn change(&self) -> ClockChange {
        let (wall, steady) = (self.read_clocks)();
        let passed = steady.saturating_duration_since(self.first.1);
        let change = match wall.duration_since(self.first.0 + passed) {
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
        let (before, wall) = (time::Instant::now(), SystemTime::now());
        if before.elapsed() < LONGEST_READING {
            return (wall, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    thread_local! {
        /// The distances by which the wall clock was set forward, and back.
        static SET: Cell<(Duration, Duration)> = const { Cell::new((Duration::ZERO, Duration::ZERO)) };
    }

    fn adjusted() -> ClockReading {
        let (wall, steady) = read_clocks();
        let (forward, back) = SET.get();
        (wall + forward - back, steady)
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
        SET.set((8 * HOUR, Duration::ZERO));
        let woken = clock.now().since(start_time);
        assert!(woken > 8 * HOUR - MINUTE && woken < 8 * HOUR + MINUTE, "{woken:?}");
        assert_eq!(clock.instant(start_time.after(HOUR)), Instant::now(), "it has ended");
        let left = clock.instant(start_time.after(9 * HOUR)) - Instant::now();
        assert!(left < HOUR + MINUTE && left > HOUR - MINUTE, "{left:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn setting_the_clock_back_moves_no_deadline() {
        let clock = Clock::with_reader(adjusted);
        let (start_time, due) = (clock.now(), clock.now().after(HOUR));
        SET.set((Duration::ZERO, 3 * HOUR));
        assert_eq!((clock.now(), clock.instant(due)), (start_time, Instant::now() + HOUR));
        assert!(clock.wall() < start_time, "but users see the wall clock");
        // Set forward, and back again.
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
