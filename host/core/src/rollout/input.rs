//! The inputs of a rollout.

use super::{Grants, RolloutState};
use crate::config::RolloutLimits;

/// The number of a build or trial. Results with another number are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// The number of an admin command, by which its answers find the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// The last state of a plugin's file that the watcher reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    Absent,
    /// The digest of the whole file.
    Settled(String),
    /// The file can't be used, for this reason.
    Unusable(RejectionText),
}

/// A reason for people, and the same for operators, with the file to correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectionText {
    pub why: String,
    pub operator_text: String,
}

/// The settings of a plugin that decide about its rollout. The others only matter to builds and trials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutSettings {
    /// The only digest that may be activated, if one is pinned.
    pub pin: Option<String>,
    pub limits: RolloutLimits,
}

/// The facts about a plugin at the start of the host.
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
    /// The host starts. Comes first and only once.
    Start,
    /// The plugin's file is new, has changed, is gone or can't be used.
    File(FileState),
    /// The plugin folder can't be used, or is usable again.
    Folder(Option<String>),
    /// The settings of the plugin may have changed.
    Settings(RolloutSettings),
    Built {
        ticket: Ticket,
        result: Result<(), TrialError>,
    },
    /// The version was linked with the current settings and asked for its offers.
    Tried {
        ticket: Ticket,
        result: Result<TrialOutcome, TrialError>,
    },
    /// The version is active as this generation, or another plugin offers the same name.
    Activated {
        ticket: Ticket,
        result: Result<u32, TrialError>,
    },
    /// This many calls of the active version failed since the last report, the last one for this reason.
    Failed {
        digest: String,
        calls: u32,
        last: String,
    },
    /// `poll_timeout` is due.
    Timeout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialOutcome {
    /// The version can be activated.
    Ready,
    /// The same bytes with the same settings are active.
    Unchanged,
}

/// The reason why a version can't be activated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialError {
    pub reason: RejectionText,
    /// The requested capabilities beyond its grants. Not empty if only grants are missing.
    pub missing: Vec<String>,
    /// Whether the active version uses what the settings no longer grant.
    pub exceeds: bool,
}

/// A command of an admin, whose right to give it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Activates the version before the active one.
    Rollback,
    /// Builds and tries the newest version again.
    Reload,
    Disable(Offers),
    Enable,
    /// Grants what the pending version requests. The digest may be a prefix of 12 characters or more.
    Grant {
        digest: String,
        /// The requested capabilities that only the configuration grants.
        config_only_names: Vec<String>,
    },
    Refuse(String),
    /// Takes back all grants that were given in the chat.
    Revoke,
}

/// The offers of the active version that people miss if it is disabled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offers {
    pub commands: Vec<String>,
    /// Whether it offers the command by which plugins are enabled.
    pub controls_plugins: bool,
    pub has_lifecycle: bool,
}

impl RejectionText {
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        let why = why.into();
        Self { operator_text: why.clone(), why }
    }
}

impl TrialError {
    /// A version that is invalid with any grants.
    #[must_use]
    pub const fn invalid(reason: RejectionText) -> Self {
        Self { reason, missing: Vec::new(), exceeds: false }
    }
}
