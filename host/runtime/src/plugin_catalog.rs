//! The plugins and the commands, personas and modes that they export. Plugins can list them with the `catalog`
//! capability.

use cordboard_core::types::{Role, Timestamp};

use super::bindings::catalog::{Choice, Command};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Ok,
    /// Calls have failed since the version was activated.
    Failing,
    /// A newer version or newer settings were rejected, and the active version stays active.
    UpdateRejected,
    /// The newest version was rolled back and isn't active.
    RolledBack,
    /// The newest version was rejected, and no version is active.
    Rejected,
    /// The newest version requests capabilities that aren't granted.
    PendingApproval,
    /// An admin disabled the plugin.
    Disabled,
    /// A version is being compiled or tried, and this has taken more than a second.
    Compiling,
    /// The configuration names this plugin as the lifecycle plugin, but there is no such plugin.
    Absent,
    /// The plugin has a webhook, but no authentication is configured, so all requests are rejected.
    NoWebhookAuth,
    /// The plugin folder can't be used.
    Unusable,
}

impl Health {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failing => "failing",
            Self::UpdateRejected => "update rejected",
            Self::RolledBack => "rolled back",
            Self::Rejected => "rejected",
            Self::PendingApproval => "pending approval",
            Self::Disabled => "disabled",
            Self::Compiling => "compiling",
            Self::Absent => "missing",
            Self::NoWebhookAuth => "no webhook auth",
            Self::Unusable => "unusable",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginStatus {
    pub name: String,
    /// The digest of the active version, or empty if there is none.
    pub digest: String,
    pub generation: u32,
    pub since: Timestamp,
    pub health: Health,
    pub note: String,
}

/// The plugins and their exports, as one snapshot that doesn't change during a call.
pub trait Directory: Send + Sync {
    /// Returns the commands that a caller with this role may run.
    fn commands(&self, role: Role) -> Vec<Command>;
    fn plugins(&self) -> Vec<PluginStatus>;
    fn personas(&self) -> Vec<Choice>;
    fn modes(&self) -> Vec<Choice>;
    /// Returns the plugin that exports this command.
    fn owner(&self, command: &str) -> Option<&str>;
}
