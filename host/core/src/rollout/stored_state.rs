//! The stored state of a plugin's rollout: whether an admin disabled the plugin, which versions were rolled back, and
//! which one was last on probation.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::{Timestamp, UserId};

/// The backoff of a version after its first, second and third automatic rollback in a row. After a fourth one, the
/// version is no longer tried automatically. A file with different content is tried at once.
const BACKOFFS: [Duration; 3] = [Duration::from_secs(60), Duration::from_secs(5 * 60), Duration::from_secs(25 * 60)];

/// The maximum number of digests that are remembered as rolled back by an admin. It exceeds the number of versions that
/// the store keeps per plugin.
const MAX_ROLLED_BACK: usize = 8;

/// The maximum number of automatic rollbacks that are remembered. The oldest one is forgotten first.
const MAX_ROLLBACKS: usize = 16;

/// The user who made a decision, and the time of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub who: UserId,
    pub at: Timestamp,
}

/// An automatic rollback of a version. Each version has its own backoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    pub digest: String,
    /// The number of consecutive rollbacks.
    pub count: u32,
    pub at: Timestamp,
    /// The description of the version's last failed call.
    pub why: String,
}

/// A version on probation and its failed calls, stored so that restarting the host doesn't reset the count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probation {
    pub digest: String,
    pub since: Timestamp,
    /// The number of the version's failed calls.
    pub failed: u32,
}

/// The stored state of a plugin's rollout. The default state is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RolloutState {
    pub disabled: Option<Decision>,
    /// The digests of the versions that an admin rolled back, the latest last.
    pub rolled_back: Vec<String>,
    /// The automatic rollbacks, one per version, the latest last. Earlier releases stored at most one entry, as `fall`.
    #[serde(default, rename = "falls", alias = "fall", deserialize_with = "list_or_single")]
    pub rollbacks: Vec<Rollback>,
    /// The version that was last on probation. Absent in records from the first release.
    #[serde(default, rename = "proving")]
    pub probation: Option<Probation>,
}

/// A version that was rejected, or whose new settings were rejected. Another version may be active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedVersion {
    /// Empty if the file can't be used.
    pub digest: String,
    pub why: String,
    /// The reason, worded for operators. It may also name the file to correct.
    pub operator_text: String,
    pub at: Timestamp,
    pub reason: RejectReason,
}

/// The reason that a version isn't active or that its new settings aren't in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectReason {
    Rejected,
    /// The version requests these capabilities beyond its grants, and waits for the owner's approval.
    PendingApproval(Vec<String>),
    /// The owner refused these capabilities.
    Denied(Vec<String>),
    /// The version itself is valid, but it isn't activated now, for example after a rollback.
    NotAdmitted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    Admitted,
    Disabled(Decision),
    /// An admin rolled the version back. It is not activated until another version becomes the newest one and is
    /// activated, an admin reloads the plugin, or the plugin's file is removed.
    RolledBack,
    /// The version was rolled back too often. It is not activated until an admin reloads the plugin or the plugin's
    /// file is removed.
    Abandoned {
        rollbacks: u32,
        why: String,
    },
    /// The version was rolled back, and its backoff has not ended yet.
    Backoff {
        until: Timestamp,
        rollbacks: u32,
        why: String,
    },
}

/// Reads a list, or the single optional entry of earlier releases.
fn list_or_single<'de, D: serde::Deserializer<'de>>(record: D) -> Result<Vec<Rollback>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Record {
        List(Vec<Rollback>),
        Single(Option<Rollback>),
    }
    Ok(match Record::deserialize(record)? {
        Record::List(rollbacks) => rollbacks,
        Record::Single(rollback) => rollback.into_iter().collect(),
    })
}

impl Rollback {
    fn backoff(&self) -> Duration {
        let at = (self.count as usize).saturating_sub(1).min(BACKOFFS.len() - 1);
        BACKOFFS[at]
    }

    fn backoff_end(&self) -> Timestamp {
        self.at.after(self.backoff())
    }

    fn is_abandoned(&self) -> bool {
        self.count as usize > BACKOFFS.len()
    }
}

impl RolloutState {
    /// Returns whether the version `digest` may be activated at `now`, and if not, why.
    #[must_use]
    pub fn admits(&self, digest: &str, now: Timestamp) -> Admission {
        if let Some(decision) = &self.disabled {
            return Admission::Disabled(decision.clone());
        }
        if self.rolled_back.iter().any(|other| other == digest) {
            return Admission::RolledBack;
        }
        let Some(rollback) = self.automatic_rollback_of(digest) else { return Admission::Admitted };
        if rollback.is_abandoned() {
            return Admission::Abandoned { rollbacks: rollback.count, why: rollback.why.clone() };
        }
        // If the machine's clock was set back before this start of the host, the rollback is in the future, and its
        // backoff could last as long as the clock was ahead.
        if rollback.at <= now && now < rollback.backoff_end() {
            return Admission::Backoff {
                until: rollback.backoff_end(),
                rollbacks: rollback.count,
                why: rollback.why.clone(),
            };
        }
        Admission::Admitted
    }

    fn automatic_rollback_of(&self, digest: &str) -> Option<&Rollback> {
        self.rollbacks.iter().find(|rollback| rollback.digest == digest)
    }

    /// Returns whether the version `digest` may be the target of a rollback: it must not have been rolled back itself.
    #[must_use]
    pub fn is_rollback_target(&self, digest: &str) -> bool {
        !self.rolled_back.iter().any(|other| other == digest) && self.automatic_rollback_of(digest).is_none()
    }

    /// Records an automatic rollback of `digest`. Two rollbacks count as consecutive if the time between them is at
    /// most one backoff plus two probations. That is enough time for a version that was retried right after its backoff
    /// to complete its probation.
    pub fn record_automatic_rollback(&mut self, digest: &str, why: &str, now: Timestamp, probation: Duration) {
        let is_consecutive = |rollback: &&Rollback| now.since(rollback.at) <= rollback.backoff() + 2 * probation;
        let before = self.automatic_rollback_of(digest).filter(is_consecutive).map_or(0, |rollback| rollback.count);
        let rollback =
            Rollback { digest: digest.to_owned(), count: before.saturating_add(1), at: now, why: why.to_owned() };
        self.rollbacks.retain(|other| other.digest != digest);
        self.rollbacks.push(rollback);
        if self.rollbacks.len() > MAX_ROLLBACKS {
            self.rollbacks.remove(0);
        }
    }

    pub fn record_admin_rollback(&mut self, digest: &str) {
        self.rolled_back.retain(|other| other != digest);
        self.rolled_back.push(digest.to_owned());
        if self.rolled_back.len() > MAX_ROLLED_BACK {
            self.rolled_back.remove(0);
        }
    }

    /// Begins the probation of `digest`, which was activated. If another version was on probation before and completed
    /// it, that version's earlier rollback is forgotten.
    pub fn begin_probation(&mut self, digest: &str, now: Timestamp, probation: Duration) {
        let completed = self.probation.take().filter(|one| one.digest != digest && now.since(one.since) >= probation);
        if let Some(completed) = completed {
            self.rollbacks.retain(|rollback| rollback.digest != completed.digest || rollback.at >= completed.since);
        }
        self.probation = Some(Probation { digest: digest.to_owned(), since: now, failed: 0 });
    }

    /// Counts failed calls of the version on probation.
    pub fn count_failed_calls(&mut self, digest: &str, calls: u32) {
        if let Some(probation) = self.probation.as_mut().filter(|probation| probation.digest == digest) {
            probation.failed = probation.failed.saturating_add(calls);
        }
    }

    /// Returns the remaining probation of `digest` and the number of its failed calls, or `None` if the version is not
    /// on probation. If the clock is set back, the remaining probation grows, up to its full length.
    #[must_use]
    pub fn remaining_probation(&self, digest: &str, now: Timestamp, length: Duration) -> Option<(Duration, u32)> {
        let probation = self.probation.as_ref().filter(|probation| probation.digest == digest)?;
        let remaining = length.saturating_sub(now.since(probation.since));
        (!remaining.is_zero()).then_some((remaining, probation.failed))
    }

    /// Returns whether `digest` was rolled back automatically and has not been activated since then.
    #[must_use]
    pub fn was_rolled_back(&self, digest: &str) -> bool {
        let is_before =
            |at: Timestamp| self.probation.as_ref().is_none_or(|one| one.digest != digest || one.since <= at);
        self.automatic_rollback_of(digest).is_some_and(|rollback| is_before(rollback.at))
    }

    /// Clears the rollbacks by admins, because the newest version is active.
    pub fn clear_admin_rollbacks(&mut self) {
        self.rolled_back.clear();
    }

    /// Clears all rollbacks, so that the newest version is tried without a backoff.
    pub fn clear_rollbacks(&mut self) {
        self.rolled_back.clear();
        self.rollbacks.clear();
    }

    /// Returns the time at which the backoff of `digest` ends, even if that time has passed. Returns `None` if the
    /// version has no backoff, or if an admin's decision also keeps it inactive.
    #[must_use]
    pub fn retry_at(&self, digest: &str) -> Option<Timestamp> {
        let rollback = self.automatic_rollback_of(digest)?;
        match self.admits(digest, rollback.at) {
            Admission::Backoff { until, .. } => Some(until),
            Admission::Admitted | Admission::Disabled(_) | Admission::RolledBack | Admission::Abandoned { .. } => None,
        }
    }

    /// Returns whether this is the default state, which is not stored.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests;
