//! The permission modes of agents.

use serde::{Deserialize, Serialize};

/// A permission mode, which decides how an agent handles tools that need permission. The modes are those of claude's
/// `--permission-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PermissionMode {
    Default,
    AcceptEdits,
    Plan,
    Auto,
    Manual,
    DontAsk,
    BypassPermissions,
}

impl PermissionMode {
    pub const ALL: &[Self] = &[
        Self::Default,
        Self::AcceptEdits,
        Self::Plan,
        Self::Auto,
        Self::Manual,
        Self::DontAsk,
        Self::BypassPermissions,
    ];

    /// Parses a mode name, ignoring case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.as_str().eq_ignore_ascii_case(text))
    }

    /// Returns the names of all modes.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|mode| mode.as_str()).collect()
    }

    /// Returns the mode as `--permission-mode` expects it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::AcceptEdits => "acceptEdits",
            Self::Plan => "plan",
            Self::Auto => "auto",
            Self::Manual => "manual",
            Self::DontAsk => "dontAsk",
            Self::BypassPermissions => "bypassPermissions",
        }
    }
}
