//! The inputs of the rollout machine: the facts at the start, events, results of effects, and admin commands.

use super::{Grants, RolloutState};
use crate::config::RolloutLimits;

/// The number of a build or trial. The machine ignores results with an outdated number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// The number of an admin command, which tells the caller which command an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// The state of a plugin's file that the watcher last reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    Absent,
    /// The file is complete and has this digest.
    Settled(String),
    /// The file can't be used. Contains the reason.
    Unusable(RejectionText),
}

/// The reason for a rejection, worded once for users and once for operators. The operators' text may also name the file
/// to correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectionText {
    pub why: String,
    pub operator_text: String,
}

/// The settings that the rollout of a plugin depends on. The plugin's other settings matter only to builds and trials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutSettings {
    /// The pinned digest, if any. No other version may be activated.
    pub pin: Option<String>,
    pub limits: RolloutLimits,
}

/// The facts about a plugin at the time its state machine is created.
#[derive(Debug, Clone)]
pub struct Facts {
    pub name: String,
    pub file: FileState,
    /// The digest of the version that is embedded in the binary.
    pub embedded: Option<String>,
    /// The digests of the stored versions, the latest first.
    pub stored: Vec<String>,
    pub state: RolloutState,
    pub grants: Grants,
    pub settings: RolloutSettings,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The host is starting. This is the first input, and occurs only once.
    Start,
    /// The plugin's file is new, has changed, is gone or can't be used.
    File(FileState),
    /// The plugin folder can't be used. Contains the reason. `None` means that the folder can be used again.
    Folder(Option<String>),
    /// The settings of the plugin may have changed.
    Settings(RolloutSettings),
    Built {
        ticket: Ticket,
        result: Result<(), TrialError>,
    },
    /// The version was linked with the current settings and asked for the extensions that it offers, or was rejected.
    Tried {
        ticket: Ticket,
        result: Result<TrialOutcome, TrialError>,
    },
    /// The version is active as this generation, or was rejected, for example because another plugin offers the same
    /// command.
    Activated {
        ticket: Ticket,
        result: Result<u32, TrialError>,
    },
    /// `calls` calls of the version have failed since the last report. `last` describes the last failure, such as
    /// "trapped".
    Failed {
        digest: String,
        calls: u32,
        last: String,
    },
    /// The time returned by `poll_timeout` has been reached.
    Timeout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialOutcome {
    /// The version can be activated.
    Ready,
    /// The version is already active with the same settings.
    Unchanged,
}

/// The reason why a version can't be activated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialError {
    pub reason: RejectionText,
    /// The capabilities that the version requests beyond its grants. Empty if the version is rejected for another
    /// reason.
    pub missing: Vec<String>,
    /// Whether the settings no longer allow the active version, because the version uses more than the settings grant
    /// or the pin excludes it.
    pub exceeds: bool,
}

/// A command from an admin. The caller has checked that the admin may issue it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Activates the version before the active one.
    Rollback,
    /// Tries the newest version again, even if it was rolled back.
    Reload,
    Disable(Offers),
    Enable,
    /// Grants the missing capabilities of the version that is pending approval or was denied. `digest` is that
    /// version's digest or a prefix of it.
    Grant {
        digest: String,
        /// The requested capabilities that only the configuration can grant.
        config_only_names: Vec<String>,
    },
    Refuse(String),
    /// Revokes all grants that were given in the chat.
    Revoke,
}

/// The extensions of the active version that users lose if the plugin is disabled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offers {
    pub commands: Vec<String>,
    /// Whether the version offers `/plugins`, the command that enables plugins.
    pub controls_plugins: bool,
    pub has_lifecycle: bool,
    pub has_approval: bool,
}

impl RejectionText {
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        let why = why.into();
        Self { operator_text: why.clone(), why }
    }
}

impl TrialError {
    /// Creates the error for a version that is rejected for a reason other than missing grants.
    #[must_use]
    pub const fn invalid(reason: RejectionText) -> Self {
        Self { reason, missing: Vec::new(), exceeds: false }
    }
}
