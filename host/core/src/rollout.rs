//! The rollout of one plugin as a pure state machine. The machine decides which version is built, tried, activated,
//! rolled back and tried again, and creates the messages about these steps. The time and all facts are arguments;
//! effects are return values. The machine knows versions only by their digests, and doesn't check who may issue a
//! command.

mod commands;
mod effect;
mod grant_answers;
mod input;
mod job;
mod job_report;
mod machine;
mod messages;
mod probation;
mod rejections;
mod settings_trial;
mod stored_state;

pub use effect::{Effect, NoticeKind, TryMode};
pub use grant_answers::{GrantAnswer, Grants};
pub use input::{
    Command, CommandId, Facts, FileState, Input, Offers, RejectionText, RolloutSettings, Ticket, TrialError,
    TrialOutcome,
};
pub use machine::{Active, Machine};
pub use messages::{disabled, no_such_plugin, not_stored, pinned};
pub use stored_state::{Admission, Decision, Probation, RejectReason, RejectedVersion, Rollback, RolloutState};

/// Returns the first 12 characters of a digest, which are enough to tell versions apart.
#[must_use]
pub fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests;
