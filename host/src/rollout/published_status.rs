//! Publishes each rollout's state in its plugin's status, and logs rejections.

use cordboard_core::rollout::{self, RejectReason, short};
use cordboard_runtime::{Compiling, Disabled, RolloutStatus};

use super::Rollout;

impl Rollout {
    /// Updates the status of a plugin from its rollout machine, and logs a new rejection.
    pub(super) async fn show(&self, name: &str) {
        let Some(machine) = self.machines.get(name) else { return };
        let snapshot = self.registry.snapshot();
        let shown = snapshot.entry(name).and_then(|entry| entry.rollout.rejected.as_ref());
        if let Some(rejected) = machine.rejected().filter(|rejected| Some(*rejected) != shown) {
            let (digest, why) = (short(&rejected.digest), &rejected.why);
            let active = snapshot.version(name).map(|one| one.generation);
            match rejected.reason {
                // This isn't a warning, because the owner gets an approval request.
                RejectReason::PendingApproval(_) => {
                    tracing::info!(plugin = name, digest, active, %why, "version pending approval");
                }
                RejectReason::NotAdmitted => {
                    tracing::warn!(plugin = name, digest, active, %why, "version not admitted");
                }
                RejectReason::Rejected | RejectReason::Denied(_) => {
                    tracing::warn!(plugin = name, digest, active, %why, "version rejected");
                }
            }
        }
        let disabled = machine.state().disabled.as_ref();
        let status = RolloutStatus {
            rejected: machine.rejected().cloned(),
            disabled: disabled.map(|decision| Disabled { why: rollout::disabled(name, decision), since: decision.at }),
            compiling: machine.compiling().map(|(digest, since)| Compiling { digest: digest.to_owned(), since }),
            rollbacks: machine.state().rollbacks.clone(),
        };
        self.registry.set_status(name, status).await;
    }
}
