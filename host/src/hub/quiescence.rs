//! Tells when the board is at rest: nothing to serve, no turn open, nothing queued, everything shown. A pipe's end waits for that.

use std::{sync::Arc, time::Duration};

use cordboard_core::types::{Phase, SessionName};

use super::host_api::HostService;

/// How often it looks once nothing changes any more: a presenter may still draw what the last change asked for.
const LOOK: Duration = Duration::from_millis(20);

/// What still runs when there was no time left.
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
    /// Waits until every session is at rest and everything was shown, at most `patience`; then names what is open.
    ///
    /// # Errors
    /// The sessions that were not at rest in time.
    pub async fn rest(&self, patience: Duration) -> Result<(), Vec<Open>> {
        let rest = async {
            loop {
                if self.sees_rest() {
                    // A prompt that still lies in an actor's box shows nowhere else, and the last hook to hear may have put it there.
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

    /// Sessions with a turn open or a prompt that will be answered without anybody doing anything.
    #[must_use]
    pub fn open(&self) -> Vec<Open> {
        let views = self.desk.lines().roster.views();
        let open = views.iter().filter(|view| match view.phase {
            Phase::Busy | Phase::Starting => true,
            Phase::Idle | Phase::Suspended | Phase::Stopping => view.queued > 0,
            // These wait for a person.
            Phase::Asking | Phase::Broken | Phase::Archived => false,
        });
        open.map(|view| Open { session: view.record.name.clone(), phase: view.phase, queued: view.queued }).collect()
    }
}
