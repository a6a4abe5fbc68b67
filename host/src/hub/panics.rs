//! Handles panics: if handling an update panics, the host retries it and then sets it aside, so that it doesn't block
//! other updates or fail again at every start.

use std::panic::AssertUnwindSafe;

use cordboard_core::{
    hub::Dispatch,
    messages::{self, HostReply},
    updates_and_posts::{CompletedUpdate, NewPost},
};
use cordboard_runtime::Offer;
use futures::FutureExt as _;

use super::{Dispatcher, undispatched_prompts::PromptTaker};

/// The maximum number of attempts to handle an update.
const ATTEMPTS: u32 = 3;

/// The combined result of several attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempts {
    /// An attempt succeeded, or part of the work was done and must not be repeated.
    Enough,
    /// Every attempt panicked.
    Failed,
}

impl Dispatcher {
    /// Performs a dispatch. If it panics three times, notifies the author and completes the update.
    pub async fn perform_or_set_aside(&self, dispatch: Dispatch<Offer>, waiting: PromptTaker) {
        let row = dispatch.update.row.clone();
        let perform = || self.perform(dispatch.clone(), waiting.clone());
        // An assigned prompt isn't retried. If it hasn't reached its session yet, it is sent at the next start.
        let is_handled = || async { self.store.is_handled(row.id).await.unwrap_or_default() };
        if attempt(perform, is_handled).await == Attempts::Failed {
            tracing::error!(place = %row.update.place, update = row.id.0, "an update was set aside: its handling panicked {ATTEMPTS} times");
            let answer = HostReply::SetAside { message: messages::beginning(row.update.what.text()) };
            let post = NewPost::new(row.update.place.clone(), answer.reply());
            self.outbound.finish(vec![CompletedUpdate::Update(row.id)], vec![post]).await;
        }
    }
}

/// Retries work that panics, unless `is_handled` returns true after the panic.
async fn attempt<W, H>(work: impl Fn() -> W, is_handled: impl Fn() -> H) -> Attempts
where
    W: Future<Output = ()>,
    H: Future<Output = bool>,
{
    for number in 1..=ATTEMPTS {
        if AssertUnwindSafe(work()).catch_unwind().await.is_ok() {
            return Attempts::Enough;
        }
        tracing::error!(number, "Cordboard has a bug: failed to handle an update");
        if is_handled().await {
            return Attempts::Enough;
        }
    }
    Attempts::Failed
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Returns the result for work that panics in its first `panics` attempts, and the number of attempts.
    async fn outcome(panics: u32, is_handled: bool) -> (Attempts, u32) {
        let attempts = Cell::new(0);
        let work = || async {
            attempts.set(attempts.get() + 1);
            assert!(attempts.get() > panics, "the simulated bug");
        };
        (attempt(work, || async { is_handled }).await, attempts.get())
    }

    #[tokio::test]
    async fn work_is_tried_three_times() {
        assert_eq!(outcome(0, false).await, (Attempts::Enough, 1));
        assert_eq!(outcome(2, false).await, (Attempts::Enough, 3));
        assert_eq!(outcome(9, false).await, (Attempts::Failed, 3));
        assert_eq!(outcome(9, true).await, (Attempts::Enough, 1), "the work was partly done");
    }
}
