//! Counts failed calls during a version's probation, and limits how long calls of a replaced version may run. It must
//! not activate or roll back anything itself.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// The operator's rollout settings. A change applies from the next activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RolloutSettings {
    /// Zero disables automatic rollbacks.
    pub probation: Duration,
    pub traps: u32,
    /// The time for which running calls of a replaced version may continue.
    pub drain: Duration,
}

/// The probation of a version. Generations with the same bytes share it, because new settings don't make a new version.
#[derive(Debug)]
pub struct Probation {
    until: Instant,
    terms: RolloutSettings,
    failed: AtomicU32,
    /// The number of failed calls that [`Self::take_failed`] returned last.
    told: AtomicU32,
    fell: AtomicBool,
}

impl Probation {
    pub fn begin(terms: RolloutSettings) -> Self {
        Self::resume(terms, (terms.probation, 0))
    }

    /// Continues a probation that an earlier host process began, with the time that is left and the failed calls that
    /// it counted.
    pub fn resume(terms: RolloutSettings, (left, failed): (Duration, u32)) -> Self {
        Self {
            until: Instant::now() + left.min(terms.probation),
            terms,
            failed: AtomicU32::new(failed),
            told: AtomicU32::new(failed),
            // The earlier process may have ended before it rolled back.
            fell: AtomicBool::new(failed >= terms.traps),
        }
    }

    /// Counts a failed call and returns true, if the probation is still running. The call that reaches `traps` makes
    /// the version due for a rollback.
    pub fn count(&self) -> bool {
        if self.until <= Instant::now() {
            return false;
        }
        if self.failed.fetch_add(1, Ordering::AcqRel) + 1 == self.terms.traps {
            self.fell.store(true, Ordering::Release);
        }
        true
    }

    /// The failed calls during the probation.
    pub fn failed(&self) -> u32 {
        self.failed.load(Ordering::Acquire)
    }

    /// Returns the number of failed calls, at most `traps`, if it has changed since the last call of this function.
    pub fn take_failed(&self) -> Option<u32> {
        let failed = self.failed.load(Ordering::Acquire).min(self.terms.traps);
        (self.told.swap(failed, Ordering::AcqRel) != failed).then_some(failed)
    }

    /// Whether the version is due for a rollback.
    pub fn rollback_is_due(&self) -> bool {
        self.fell.load(Ordering::Acquire)
    }

    /// Like [`Self::has_fallen`], but returns true only once. The caller must roll back the version.
    pub fn take_due_rollback(&self) -> bool {
        self.fell.swap(false, Ordering::AcqRel)
    }

    pub const fn terms(&self) -> RolloutSettings {
        self.terms
    }
}

/// Signals the calls of a replaced version when they have to end.
#[derive(Debug)]
pub struct Drain(watch::Sender<Option<Instant>>);

impl Drain {
    pub fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Lets running calls continue for `drain`. A later call can only shorten the time.
    pub fn begin(&self, drain: Duration) {
        let end = Instant::now() + drain;
        self.0.send_modify(|at| *at = Some(at.map_or(end, |at| at.min(end))));
    }

    /// Whether the time for running calls is over.
    pub fn is_over(&self) -> bool {
        self.0.borrow().is_some_and(|end| end <= Instant::now())
    }

    /// Completes when running calls have to end.
    pub async fn over(&self) {
        let mut at = self.0.subscribe();
        loop {
            let end = *at.borrow_and_update();
            match end {
                None if at.changed().await.is_err() => return,
                None => {}
                Some(end) => tokio::select! {
                    () = sleep_until(end) => return,
                    changed = at.changed() => if changed.is_err() { return },
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    const fn terms(traps: u32) -> RolloutSettings {
        RolloutSettings { probation: MINUTE, traps, drain: MINUTE }
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_failure_at_the_limit_causes_a_rollback() {
        let probation = Probation::begin(terms(3));
        let falls = [(); 4].map(|()| (probation.count(), probation.take_due_rollback()));
        assert_eq!(falls, [(true, false), (true, false), (true, true), (true, false)]);
        assert_eq!((probation.take_failed(), probation.take_failed()), (Some(3), None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_resumed_probation_keeps_its_count_and_time() {
        let terms = terms(3);
        let resumed = Probation::resume(terms, (MINUTE / 2, 2));
        assert!(!resumed.rollback_is_due() && resumed.take_failed().is_none());
        assert!(resumed.count() && resumed.take_due_rollback());
        let late = Probation::resume(terms, (MINUTE / 2, 0));
        tokio::time::advance(MINUTE / 2).await;
        assert!(!late.count());
        assert!(Probation::resume(terms, (MINUTE / 2, 3)).rollback_is_due(), "the failures were not handled yet");
    }

    #[tokio::test(start_paused = true)]
    async fn failures_after_the_probation_are_ignored() {
        let probation = Probation::begin(terms(2));
        assert!(probation.count());
        tokio::time::advance(MINUTE).await;
        assert_eq!([(); 3].map(|()| probation.count()), [false; 3]);
        assert!(!probation.rollback_is_due());
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_can_only_be_shortened() {
        let began = Instant::now();
        let retirement = Drain::new();
        assert!(!retirement.is_over());
        retirement.begin(MINUTE);
        retirement.begin(2 * MINUTE);
        retirement.over().await;
        assert!(retirement.is_over());
        assert_eq!(began.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shortened_drain_wakes_its_waiters() {
        let (began, retirement) = (Instant::now(), Drain::new());
        let over = async {
            retirement.over().await;
            began.elapsed()
        };
        let shorten = async {
            retirement.begin(MINUTE);
            tokio::time::sleep(MINUTE / 4).await;
            retirement.begin(MINUTE / 4);
        };
        let (ended, ()) = tokio::join!(over, shorten);
        assert_eq!(ended, MINUTE / 2);
    }
}
