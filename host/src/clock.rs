//! The clocks: wall time, carried on by tokio's, so that a paused clock in a test moves everything. What deadlines are reckoned by follows a
//! machine's sleep and a clock that is put forward, and moves on steadily where one is set back; what people and plugins are told is the
//! wall's time whatever was done to it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{self, Duration, SystemTime, UNIX_EPOCH},
};

use cordboard_core::types::Timestamp;
use tokio::time::Instant;

/// Less of a difference is none: it is measured by two looks, between which something else may run.
const STEP: Duration = Duration::from_secs(1);

/// Two looks that lie further apart say nothing of each other.
const ONE_LOOK: Duration = Duration::from_millis(100);

/// What the system says at one moment: the wall's time, and that of a clock which nobody sets and which stands still in a sleep.
type ClockReading = (SystemTime, time::Instant);

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Timestamp,
    at: Instant,
    look: fn() -> ClockReading,
    first: ClockReading,
    /// The most by which the wall was ever ahead of what has passed here, in milliseconds. It lives as long as the process: there is one
    /// clock a host.
    ahead: &'static AtomicU64,
}

/// How far the wall's time is from what has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClockChange {
    Ahead(Duration),
    Behind(Duration),
}

impl Clock {
    /// A clock that agrees with the system's now.
    #[must_use]
    pub fn system() -> Self {
        Self::by(look)
    }

    fn by(look: fn() -> ClockReading) -> Self {
        let first = look();
        let since = first.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let ahead = Box::leak(Box::new(AtomicU64::new(0)));
        Self { began: Timestamp(0).after(since), at: Instant::now(), look, first, ahead }
    }

    /// For whatever is reckoned by the host: never goes back.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.steady().after(self.ahead())
    }

    /// For people and plugins: as on the wall.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        match self.step() {
            ClockChange::Ahead(by) => self.steady().after(by),
            ClockChange::Behind(by) => Timestamp(self.steady().0.saturating_sub(by.as_millis() as u64)),
        }
    }

    /// Converts a time of [`now`](Self::now) for people and plugins, who compare it with the wall clock. If the wall
    /// clock was ahead for a while, the result still isn't in the future.
    #[must_use]
    pub fn shown(&self, moment: Timestamp) -> Timestamp {
        let (now, wall) = (self.now(), self.wall());
        if moment <= wall { moment } else { Timestamp(moment.0.saturating_sub(now.0.saturating_sub(wall.0))) }
    }

    /// When `moment` will be, for a timer; now, where it has passed.
    #[must_use]
    pub fn instant(&self, moment: Timestamp) -> Instant {
        self.at + moment.since(self.began.after(self.ahead()))
    }

    fn steady(&self) -> Timestamp {
        self.began.after(self.at.elapsed())
    }

    /// A wall that was set back takes nothing away.
    fn ahead(&self) -> Duration {
        let now = match self.step() {
            ClockChange::Ahead(by) => by.as_millis() as u64,
            ClockChange::Behind(_) => 0,
        };
        Duration::from_millis(self.ahead.fetch_max(now, Ordering::AcqRel).max(now))
    }

    /// After a sleep, or where somebody has set the wall's clock.
    fn step(&self) -> ClockChange {
        let (wall, steady) = (self.look)();
        let passed = steady.saturating_duration_since(self.first.1);
        let step = match wall.duration_since(self.first.0 + passed) {
            Ok(by) => ClockChange::Ahead(by),
            Err(error) => ClockChange::Behind(error.duration()),
        };
        match step {
            ClockChange::Ahead(by) | ClockChange::Behind(by) if by < STEP => ClockChange::Ahead(Duration::ZERO),
            ClockChange::Ahead(_) | ClockChange::Behind(_) => step,
        }
    }
}

fn look() -> ClockReading {
    loop {
        let (before, wall) = (time::Instant::now(), SystemTime::now());
        if before.elapsed() < ONE_LOOK {
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
        /// What the wall's clock was put forward by, and set back by.
        static SET: Cell<(Duration, Duration)> = const { Cell::new((Duration::ZERO, Duration::ZERO)) };
    }

    fn set_by_hand() -> ClockReading {
        let (wall, steady) = look();
        let (forward, back) = SET.get();
        (wall + forward - back, steady)
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_here_passes_on_the_wall() {
        let clock = Clock::system();
        let began = clock.now();
        tokio::time::advance(MINUTE).await;
        assert_eq!((clock.now(), clock.wall()), (began.after(MINUTE), began.after(MINUTE)));
        assert_eq!(clock.instant(began.after(HOUR)), Instant::now() + HOUR - MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_of_the_machine_counts() {
        let clock = Clock::by(set_by_hand);
        let began = clock.now();
        SET.set((8 * HOUR, Duration::ZERO));
        let woken = clock.now().since(began);
        assert!(woken > 8 * HOUR - MINUTE && woken < 8 * HOUR + MINUTE, "{woken:?}");
        assert_eq!(clock.instant(began.after(HOUR)), Instant::now(), "it is over");
        let left = clock.instant(began.after(9 * HOUR)) - Instant::now();
        assert!(left < HOUR + MINUTE && left > HOUR - MINUTE, "{left:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_back_moves_no_deadline() {
        let clock = Clock::by(set_by_hand);
        let (began, due) = (clock.now(), clock.now().after(HOUR));
        SET.set((Duration::ZERO, 3 * HOUR));
        assert_eq!((clock.now(), clock.instant(due)), (began, Instant::now() + HOUR));
        assert!(clock.wall() < began, "but people are told what the wall says");
        // Put forward, and back again.
        SET.set((3 * HOUR, Duration::ZERO));
        let forward = clock.now();
        SET.set((Duration::ZERO, Duration::ZERO));
        assert_eq!(clock.now(), forward);
        assert_eq!(clock.wall(), began);
        tokio::time::advance(5 * MINUTE).await;
        let (shown, wall) = (clock.shown(forward), clock.wall());
        assert_eq!(wall.since(shown), 5 * MINUTE, "it ages, though it was noted while the wall was ahead");
        assert_eq!(clock.shown(began), began);
    }
}
