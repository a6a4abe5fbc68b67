//! How a version is watched after its swap, and how long the one before may finish. Counts; it never swaps.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// What the operator says of swaps; holds from the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwapTerms {
    /// Zero: nothing is rolled back by itself.
    pub probation: Duration,
    pub traps: u32,
    /// How long calls of a version that was replaced may go on.
    pub drain: Duration,
}

/// One version's probation; generations of the same bytes share it, since a new configuration is no new version.
#[derive(Debug)]
pub struct Probation {
    until: Instant,
    terms: SwapTerms,
    failed: AtomicU32,
    /// How many of them were asked for.
    told: AtomicU32,
    fell: AtomicBool,
}

impl Probation {
    pub fn begin(terms: SwapTerms) -> Self {
        Self::resume(terms, (terms.probation, 0))
    }

    /// Goes on with what an earlier host has left of one, and with the failed calls that it has counted.
    pub fn resume(terms: SwapTerms, (left, failed): (Duration, u32)) -> Self {
        Self {
            until: Instant::now() + left.min(terms.probation),
            terms,
            failed: AtomicU32::new(failed),
            told: AtomicU32::new(failed),
            // That host may have ended before it could act.
            fell: AtomicBool::new(failed >= terms.traps),
        }
    }

    /// Counts a failed call, if that counts still. After the one that is one too many it is due to be rolled back.
    pub fn count(&self) -> bool {
        if self.until <= Instant::now() {
            return false;
        }
        if self.failed.fetch_add(1, Ordering::AcqRel) + 1 == self.terms.traps {
            self.fell.store(true, Ordering::Release);
        }
        true
    }

    /// How many calls failed while it lasted.
    pub fn failed(&self) -> u32 {
        self.failed.load(Ordering::Acquire)
    }

    /// How many calls failed, if that was not asked for yet; one too many are enough.
    pub fn take_failed(&self) -> Option<u32> {
        let failed = self.failed.load(Ordering::Acquire).min(self.terms.traps);
        (self.told.swap(failed, Ordering::AcqRel) != failed).then_some(failed)
    }

    /// Whether it is due to be rolled back.
    pub fn has_fallen(&self) -> bool {
        self.fell.load(Ordering::Acquire)
    }

    /// The same; the one who hears of it has to act.
    pub fn take_fall(&self) -> bool {
        self.fell.swap(false, Ordering::AcqRel)
    }

    pub const fn terms(&self) -> SwapTerms {
        self.terms
    }
}

/// Tells the calls of a generation when they have to be over.
#[derive(Debug)]
pub struct Drain(watch::Sender<Option<Instant>>);

impl Drain {
    pub fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Its calls may go on for `drain`. Retiring again only shortens it.
    pub fn begin(&self, drain: Duration) {
        let end = Instant::now() + drain;
        self.0.send_modify(|at| *at = Some(at.map_or(end, |at| at.min(end))));
    }

    /// Whether its calls have to be over.
    pub fn is_over(&self) -> bool {
        self.0.borrow().is_some_and(|end| end <= Instant::now())
    }

    /// Returns when its calls have to be over.
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

    const fn terms(traps: u32) -> SwapTerms {
        SwapTerms { probation: MINUTE, traps, drain: MINUTE }
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_call_that_was_one_too_many_counts_as_a_fall() {
        let probation = Probation::begin(terms(3));
        let falls = [(); 4].map(|()| (probation.count(), probation.take_fall()));
        assert_eq!(falls, [(true, false), (true, false), (true, true), (true, false)]);
        assert_eq!((probation.take_failed(), probation.take_failed()), (Some(3), None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_resumed_one_goes_on_where_it_was() {
        let terms = terms(3);
        let resumed = Probation::resume(terms, (MINUTE / 2, 2));
        assert!(!resumed.has_fallen() && resumed.take_failed().is_none());
        assert!(resumed.count() && resumed.take_fall());
        let late = Probation::resume(terms, (MINUTE / 2, 0));
        tokio::time::advance(MINUTE / 2).await;
        assert!(!late.count());
        assert!(Probation::resume(terms, (MINUTE / 2, 3)).has_fallen(), "nobody has acted yet");
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_probation_nothing_counts() {
        let probation = Probation::begin(terms(2));
        assert!(probation.count());
        tokio::time::advance(MINUTE).await;
        assert_eq!([(); 3].map(|()| probation.count()), [false; 3]);
        assert!(!probation.has_fallen());
    }

    #[tokio::test(start_paused = true)]
    async fn a_retirement_can_only_be_shortened() {
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
    async fn who_waits_hears_of_a_shorter_one() {
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
