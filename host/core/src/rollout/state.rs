//! The stored state of a plugin's rollout. It decides whether a version may be activated, apart from its grants: a plugin
//! can be disabled, and a version can be rolled back by an admin or during its probation.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::{Timestamp, UserId};

/// The backoff of a version after its first, second and third rollback in a row. After a fourth one, the version is not
/// tried again. A file with other bytes is tried at once.
const PAUSES: [Duration; 3] = [Duration::from_secs(60), Duration::from_secs(5 * 60), Duration::from_secs(25 * 60)];

/// The maximum number of digests that are remembered as rolled back by an admin. The host keeps no more versions to go
/// back to.
const ROLLED_BACK: usize = 8;

/// The number of automatic rollbacks to remember. The oldest is forgotten first.
const FALLEN: usize = 16;

/// The author and the time of an admin's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub who: UserId,
    pub at: Timestamp,
}

/// An automatic rollback of a version. Each version has a backoff of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    pub digest: String,
    /// Consecutive rollbacks.
    pub count: u32,
    pub at: Timestamp,
    /// The reason why its last call failed.
    pub why: String,
}

/// A version on probation and its failed calls. It is stored, so that a restart does not reset the count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probation {
    pub digest: String,
    pub since: Timestamp,
    /// The number of its failed calls.
    pub failed: u32,
}

/// The stored state of a plugin. Plugins in the default state are not stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RolloutState {
    pub disabled: Option<Decision>,
    /// Digests that an admin rolled back, the latest last.
    pub rolled_back: Vec<String>,
    /// One entry per rolled-back version, the latest last. Earlier releases store one entry at most, as `fall`.
    #[serde(default, alias = "fall", deserialize_with = "falls")]
    pub falls: Vec<Rollback>,
    /// The version that was last on probation. Records of the first release have none.
    #[serde(default)]
    pub proving: Option<Probation>,
}

/// A version that isn't active because it was rejected. The previous version, if any, stays active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedVersion {
    /// Empty if its file can't be read.
    pub digest: String,
    pub why: String,
    /// The reason for operators, with the file to correct.
    pub operator_text: String,
    pub at: Timestamp,
    pub hold: RejectReason,
}

/// The reason why a version isn't active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectReason {
    Rejected,
    /// It requests these capabilities beyond its grants, and waits for the owner's approval.
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
    /// Rolled back by an admin, until the file changes.
    RolledBack,
    /// Rolled back too often; not tried again until the file changes.
    Abandoned {
        falls: u32,
        why: String,
    },
    /// The version was rolled back and its backoff has not ended.
    Backoff {
        until: Timestamp,
        falls: u32,
        why: String,
    },
}

/// Reads a list, or the single optional entry of earlier releases.
fn falls<'de, D: serde::Deserializer<'de>>(record: D) -> Result<Vec<Rollback>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Record {
        Falls(Vec<Rollback>),
        Rollback(Option<Rollback>),
    }
    Ok(match Record::deserialize(record)? {
        Record::Falls(falls) => falls,
        Record::Rollback(fall) => fall.into_iter().collect(),
    })
}

impl Rollback {
    fn pause(&self) -> Duration {
        let at = (self.count as usize).saturating_sub(1).min(PAUSES.len() - 1);
        PAUSES[at]
    }

    fn until(&self) -> Timestamp {
        self.at.after(self.pause())
    }

    fn is_given_up(&self) -> bool {
        self.count as usize > PAUSES.len()
    }
}

impl RolloutState {
    /// Whether the version `digest` may be activated at `now`.
    #[must_use]
    pub fn admits(&self, digest: &str, now: Timestamp) -> Admission {
        if let Some(word) = &self.disabled {
            return Admission::Disabled(word.clone());
        }
        if self.rolled_back.iter().any(|held| held == digest) {
            return Admission::RolledBack;
        }
        let Some(fall) = self.rollback_of(digest) else { return Admission::Admitted };
        if fall.is_given_up() {
            return Admission::Abandoned { falls: fall.count, why: fall.why.clone() };
        }
        if now < fall.until() {
            return Admission::Backoff { until: fall.until(), falls: fall.count, why: fall.why.clone() };
        }
        Admission::Admitted
    }

    fn rollback_of(&self, digest: &str) -> Option<&Rollback> {
        self.falls.iter().find(|fall| fall.digest == digest)
    }

    /// Whether the version `digest` is a valid target of a rollback.
    #[must_use]
    pub fn is_good(&self, digest: &str) -> bool {
        !self.rolled_back.iter().any(|held| held == digest) && self.rollback_of(digest).is_none()
    }

    /// Records an automatic rollback of `digest`. Two rollbacks are consecutive if at most a backoff and two probations
    /// lie between them: a version that is tried again after the backoff has completed its probation by then.
    pub fn on_rolled_back(&mut self, digest: &str, why: &str, now: Timestamp, probation: Duration) {
        let in_a_row = |fall: &&Rollback| now.since(fall.at) <= fall.pause() + 2 * probation;
        let before = self.rollback_of(digest).filter(in_a_row).map_or(0, |fall| fall.count);
        let fall =
            Rollback { digest: digest.to_owned(), count: before.saturating_add(1), at: now, why: why.to_owned() };
        self.falls.retain(|other| other.digest != digest);
        self.falls.push(fall);
        if self.falls.len() > FALLEN {
            self.falls.remove(0);
        }
    }

    pub fn on_rollback(&mut self, digest: &str) {
        self.rolled_back.retain(|held| held != digest);
        self.rolled_back.push(digest.to_owned());
        if self.rolled_back.len() > ROLLED_BACK {
            self.rolled_back.remove(0);
        }
    }

    /// Records that `digest` was activated and its probation begins. If the version before it has completed its
    /// probation since its rollback, that rollback is forgotten.
    pub fn on_activation(&mut self, digest: &str, now: Timestamp, probation: Duration) {
        let proved = self.proving.take().filter(|one| one.digest != digest && now.since(one.since) >= probation);
        if let Some(proved) = proved {
            self.falls.retain(|fall| fall.digest != proved.digest || fall.at >= proved.since);
        }
        self.proving = Some(Probation { digest: digest.to_owned(), since: now, failed: 0 });
    }

    /// Counts failed calls of the version on probation.
    pub fn on_failed(&mut self, digest: &str, calls: u32) {
        if let Some(proving) = self.proving.as_mut().filter(|proving| proving.digest == digest) {
            proving.failed = proving.failed.saturating_add(calls);
        }
    }

    /// The remaining probation of `digest` and the number of its failed calls, or `None` if the probation is over. If
    /// the clock was set back, the probation gets longer, up to its full length.
    #[must_use]
    pub fn left_of(&self, digest: &str, now: Timestamp, probation: Duration) -> Option<(Duration, u32)> {
        let proving = self.proving.as_ref().filter(|proving| proving.digest == digest)?;
        let left = probation.saturating_sub(now.since(proving.since));
        (!left.is_zero()).then_some((left, proving.failed))
    }

    /// Whether `digest` was rolled back automatically and not activated since.
    #[must_use]
    pub fn was_rolled_back(&self, digest: &str) -> bool {
        let came_before =
            |at: Timestamp| self.proving.as_ref().is_none_or(|one| one.digest != digest || one.since <= at);
        self.rollback_of(digest).is_some_and(|fall| came_before(fall.at))
    }

    /// Clears the admin's rollbacks, because the newest version was activated.
    pub fn on_activated(&mut self) {
        self.rolled_back.clear();
    }

    /// Clears all rollbacks, because an admin wants the newest version tried now.
    pub fn clear_rollbacks(&mut self) {
        self.rolled_back.clear();
        self.falls.clear();
    }

    /// The end of the backoff of `digest`. `None` if time alone doesn't admit it.
    #[must_use]
    pub fn retry_at(&self, digest: &str) -> Option<Timestamp> {
        match self.admits(digest, Timestamp(0)) {
            Admission::Backoff { until, .. } => Some(until),
            Admission::Admitted | Admission::Disabled(_) | Admission::RolledBack | Admission::Abandoned { .. } => None,
        }
    }

    /// Whether there is anything to store.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests;
