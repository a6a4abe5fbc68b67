//! Limits how long the calls of a version may run after it is replaced or deactivated.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// Tells a version's running calls to end.
#[derive(Debug)]
pub struct Drain(watch::Sender<Option<Begun>>);

/// A drain in progress.
#[derive(Debug, Clone, Copy)]
struct Begun {
    end: Instant,
    /// The length of the drain period, for the error of a call that exceeds it.
    time: Duration,
}

impl Drain {
    pub fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Gives running calls up to `drain` to finish. Calling `begin` again can only shorten that time.
    pub fn begin(&self, drain: Duration) {
        let new = Begun { end: Instant::now() + drain, time: drain };
        self.0.send_modify(|begun| *begun = Some(begun.filter(|begun| begun.end <= new.end).unwrap_or(new)));
    }

    /// Returns the length of the drain period if it is over.
    pub fn expired(&self) -> Option<Duration> {
        self.0.borrow().filter(|begun| begun.end <= Instant::now()).map(|begun| begun.time)
    }

    /// Waits until the drain period is over, and returns its length.
    pub async fn over(&self) -> Duration {
        let mut begun = self.0.subscribe();
        loop {
            let current = *begun.borrow_and_update();
            // `self` owns the sender, so `changed` returns no error.
            match current {
                None => drop(begun.changed().await),
                Some(Begun { end, time }) => tokio::select! {
                    () = sleep_until(end) => return time,
                    _ = begun.changed() => {}
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
        assert_eq!(drain.expired(), None);
        drain.begin(MINUTE);
        drain.begin(2 * MINUTE);
        assert_eq!(drain.expired(), None);
        assert_eq!(drain.over().await, MINUTE);
        assert_eq!(drain.expired(), Some(MINUTE));
        assert_eq!(began.elapsed(), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shortened_drain_wakes_its_waiters() {
        let (began, drain) = (Instant::now(), Drain::new());
        let over = async {
            let time = drain.over().await;
            (began.elapsed(), time)
        };
        let shorten = async {
            drain.begin(MINUTE);
            tokio::time::sleep(MINUTE / 4).await;
            drain.begin(MINUTE / 4);
        };
        let (ended, ()) = tokio::join!(over, shorten);
        assert_eq!(ended, (MINUTE / 2, MINUTE / 4));
    }
}
