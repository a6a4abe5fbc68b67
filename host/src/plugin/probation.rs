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

impl Default for SwapTerms {
    fn default() -> Self {
        Self { probation: Duration::from_secs(300), traps: 3, drain: Duration::from_secs(30) }
    }
}

/// One version's probation; generations of the same bytes share it, since a new configuration is no new version.
#[derive(Debug)]
pub struct Probation {
    began: Instant,
    terms: SwapTerms,
    failed: AtomicU32,
    fell: AtomicBool,
}

impl Probation {
    pub fn begin(terms: SwapTerms) -> Self {
        Self { began: Instant::now(), terms, failed: AtomicU32::new(0), fell: AtomicBool::new(false) }
    }

    /// Counts a failed call; true for the one that was one too many.
    pub fn count(&self) -> bool {
        let on_probation = self.began.elapsed() < self.terms.probation;
        on_probation && self.failed.fetch_add(1, Ordering::AcqRel) + 1 == self.terms.traps
    }

    /// From now on it is due to be rolled back.
    pub fn fall(&self) {
        self.fell.store(true, Ordering::Release);
    }

    /// Whether it is due; the one who hears of it has to act.
    pub fn take_fall(&self) -> bool {
        self.fell.swap(false, Ordering::AcqRel)
    }

    pub const fn terms(&self) -> SwapTerms {
        self.terms
    }
}

/// Tells the calls of a generation when they have to be over.
#[derive(Debug)]
pub struct Retirement(watch::Sender<Option<Instant>>);

impl Retirement {
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

    #[tokio::test(start_paused = true)]
    async fn only_the_call_that_was_one_too_many_counts_as_a_fall() {
        let probation = Probation::begin(SwapTerms { probation: MINUTE, traps: 3, ..SwapTerms::default() });
        assert_eq!([(); 4].map(|()| probation.count()), [false, false, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_probation_nothing_counts() {
        let probation = Probation::begin(SwapTerms { probation: MINUTE, traps: 2, ..SwapTerms::default() });
        assert!(!probation.count());
        tokio::time::advance(MINUTE).await;
        assert_eq!([(); 3].map(|()| probation.count()), [false; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_retirement_can_only_be_shortened() {
        let began = Instant::now();
        let retirement = Retirement::new();
        assert!(!retirement.is_over());
        retirement.begin(MINUTE);
        retirement.begin(2 * MINUTE);
        retirement.over().await;
        assert!(retirement.is_over());
        assert_eq!(began.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_hears_of_a_shorter_one() {
        let (began, retirement) = (Instant::now(), Retirement::new());
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
