//! Waits until the sessions are quiescent: no turn is open, no prompt is queued, and everything has been shown. The end
//! of a piped input waits for this.

use std::{sync::Arc, time::Duration};

use cordboard_core::types::{Phase, SessionName};

use super::host_api::HostService;

/// The polling interval. Presenters and hooks do not signal that they have finished.
const LOOK: Duration = Duration::from_millis(20);

/// A session that is still working when the time is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub session: SessionName,
    pub phase: Phase,
    pub queued: u32,
}

pub struct QuiescenceWaiter {
    pub desk: Arc<HostService>,
}

impl QuiescenceWaiter {
    /// Waits until every session is quiescent and everything has been shown, for at most `patience`.
    ///
    /// # Errors
    /// The sessions that were still working when the time was up.
    pub async fn rest(&self, patience: Duration) -> Result<(), Vec<Open>> {
        let rest = async {
            loop {
                if self.sees_rest() {
                    // A prompt in the channel of an actor is not visible in its snapshot yet, and the last hook may
                    // have sent one. Let the actors process their channels, then check again.
                    self.desk.lines().caught_up().await;
                    if self.sees_rest() {
                        break;
                    }
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(patience, rest).await.map_err(|_| self.open())
    }

    fn sees_rest(&self) -> bool {
        self.open().is_empty() && self.desk.lines().all_shown()
    }

    /// Returns the sessions with an open turn, or with a prompt that will be answered without any user action.
    #[must_use]
    pub fn open(&self) -> Vec<Open> {
        let views = self.desk.lines().roster.views();
        let open = views.iter().filter(|view| match view.phase {
            Phase::Busy | Phase::Starting => true,
            Phase::Idle | Phase::Suspended | Phase::Stopping => view.queued > 0,
            // These phases wait for a person.
            Phase::Asking | Phase::Broken | Phase::Archived => false,
        });
        open.map(|view| Open { session: view.record.name.clone(), phase: view.phase, queued: view.queued }).collect()
    }
}
