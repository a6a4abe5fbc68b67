//! Asks the owner about versions that request more capabilities than granted, once per version.

use cordboard_runtime::{PendingApproval, RejectReason, Snapshot, joint_question, short};
use tokio::time::Instant;

use super::Rollout;

impl Rollout {
    /// Asks about the versions that are pending approval at startup.
    pub async fn ask_about_parked(&mut self) {
        let table = self.plugs().table();
        let parked: Vec<_> = table
            .names()
            .filter_map(|name| {
                let turned = table.entry(name)?.turned.as_ref()?;
                let RejectReason::PendingApproval(missing) = &turned.hold else { return None };
                Some((name.to_owned(), turned.digest.clone(), missing.clone()))
            })
            .collect();
        for (name, digest, missing) in parked {
            self.park(&name, &digest, &missing).await;
        }
    }

    /// Asks the owner soon about a version that is pending approval, unless the owner has refused its capabilities
    /// already.
    pub(super) async fn park(&mut self, name: &str, digest: &str, missing: &[String]) {
        if let Some(word) = self.supply.decided.refused(name, missing) {
            tracing::info!(plugin = name, digest = short(digest), by = %word.who, "version pending approval: its owner has denied these capabilities");
            return;
        }
        if !self.asked.insert((name.to_owned(), digest.to_owned())) {
            return;
        }
        let (digest_shown, missing_shown) = (short(digest), missing.join(", "));
        tracing::info!(
            plugin = name,
            digest = digest_shown,
            missing = missing_shown,
            "version pending approval: asking the owner"
        );
        let parked = PendingApproval { plugin: name.to_owned(), digest: digest.to_owned(), missing: missing.to_vec() };
        self.audience.supersede(&parked.request()).await;
        self.notices.add_approval(parked, Instant::now());
    }

    /// Asks the owner about these versions in one message.
    pub(super) async fn ask(&self, parked: &[PendingApproval]) {
        let question = match parked {
            [only] => only.question(self.plugs().table().generation(&only.plugin).map(|one| one.number)),
            several => joint_question(several, self.notices.listed()),
        };
        self.audience.ask(question).await;
    }
}

/// Whether this version still waits for approval.
pub(super) fn is_open(table: &Snapshot, parked: &PendingApproval) -> bool {
    let entry = table.entry(&parked.plugin).filter(|entry| entry.disabled.is_none());
    let turned = entry.and_then(|entry| entry.turned.as_ref()).filter(|turned| turned.digest == parked.digest);
    turned.is_some_and(|turned| matches!(turned.hold, RejectReason::PendingApproval(_)))
}
