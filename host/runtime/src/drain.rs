//! Limits how long calls of a replaced version may run.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// Signals the calls of a replaced version when they have to end.
#[derive(Debug)]
pub struct Drain(watch::Sender<Option<Instant>>);

impl Drain {
    pub fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Gives running calls the time `drain` to finish. Beginning the drain again can only shorten that time.
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

    #[tokio::test(start_paused = true)]
    async fn a_drain_can_only_be_shortened() {
        let began = Instant::now();
        let drain = Drain::new();
        assert!(!drain.is_over());
        drain.begin(MINUTE);
        drain.begin(2 * MINUTE);
        drain.over().await;
        assert!(drain.is_over());
        assert_eq!(began.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shortened_drain_wakes_its_waiters() {
        let (began, drain) = (Instant::now(), Drain::new());
        let over = async {
            drain.over().await;
            began.elapsed()
        };
        let shorten = async {
            drain.begin(MINUTE);
            tokio::time::sleep(MINUTE / 4).await;
            drain.begin(MINUTE / 4);
        };
        let (ended, ()) = tokio::join!(over, shorten);
        assert_eq!(ended, MINUTE / 2);
    }
}
