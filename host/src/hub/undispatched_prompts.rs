//! Removes prompts from a place's queue, so that a command that drops a session's queued messages also drops messages
//! waiting behind another command.

use cordboard_core::{
    part_joiner::JoinedUpdate,
    types::{Place, SessionName},
    updates_and_posts::InboxId,
};
use tokio::sync::{mpsc, oneshot};

/// The capacity of the channel to the hub, in requests. The hub answers each request immediately, so few requests are
/// ever waiting.
const REQUESTS: usize = 16;

pub fn channel() -> (mpsc::Sender<TakePrompts>, mpsc::Receiver<TakePrompts>) {
    mpsc::channel(REQUESTS)
}

/// Asks the hub for the prompts that are waiting in `place`, were accepted before `before`, and would currently be sent
/// to `session`.
pub struct TakePrompts {
    pub place: Place,
    pub session: SessionName,
    pub before: InboxId,
    pub taken: oneshot::Sender<Vec<JoinedUpdate>>,
}

/// Removes waiting prompts that were accepted before the update whose command is running.
#[derive(Clone)]
pub struct PromptTaker {
    requests: mpsc::Sender<TakePrompts>,
    before: InboxId,
}

impl PromptTaker {
    pub const fn new(requests: mpsc::Sender<TakePrompts>, before: InboxId) -> Self {
        Self { requests, before }
    }

    /// Removes and returns the prompts waiting in `place` that would be sent to `session`.
    pub async fn take(&self, place: &Place, session: &SessionName) -> Vec<JoinedUpdate> {
        let (taken, answer) = oneshot::channel();
        let request = TakePrompts { place: place.clone(), session: session.clone(), before: self.before, taken };
        // If the hub has stopped, no prompts are waiting.
        if self.requests.send(request).await.is_err() {
            return Vec::new();
        }
        answer.await.unwrap_or_default()
    }
}
