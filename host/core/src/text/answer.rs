//! What the host answers by itself to an update that no plugin and no agent gets.

use super::plain;
use crate::types::{Reply, Role};

/// Said to a plain text where no session is active.
pub const NO_ACTIVE: &str = "No active session. Use /new to start one.";

/// As [`NO_ACTIVE`], where others have a session.
pub const NONE_OF_YOURS: &str = "Not taken: the session here belongs to somebody else. A session of your own, opened with /new, answers you alone and leaves theirs as it is.";

/// What the host answers by itself to an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    NoActive,
    /// The caller may not see the sessions that are active here.
    NoneOfYours,
    OnlyText,
    /// The words below a photo or a file went to the agent.
    CaptionTaken {
        kind: String,
    },
    UnknownCommand {
        name: String,
        nearest: Option<String>,
    },
    /// A button of a plugin that does not offer its command any more, where another one does.
    NotItsButton {
        name: String,
        plugin: String,
    },
    NotAllowed {
        name: String,
        role: Role,
    },
    /// The plugin's call failed; `why` names the limit or the trap.
    CommandFailed {
        name: String,
        plugin: String,
        why: String,
    },
    LaneFull,
    NotStored {
        why: String,
    },
}

impl Answer {
    #[must_use]
    pub fn reply(&self) -> Reply {
        plain(&self.text())
    }

    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::NoActive => NO_ACTIVE.to_owned(),
            Self::NoneOfYours => NONE_OF_YOURS.to_owned(),
            Self::OnlyText => "Only text for now".to_owned(),
            Self::CaptionTaken { kind } => format!("The agent gets the caption; it cannot see the {kind} yet."),
            Self::UnknownCommand { name, nearest: Some(nearest) } => {
                format!("There is no /{name}. Did you mean /{nearest}?")
            }
            Self::UnknownCommand { name, nearest: None } => format!("There is no /{name}. /help lists what there is."),
            Self::NotItsButton { name, plugin } => format!(
                "This button no longer works: it belongs to plugin '{plugin}', and /{name} is now another plugin's. Type the command if you want it."
            ),
            Self::NotAllowed { name, role } => format!("/{name} is for {} only.", role.people()),
            Self::CommandFailed { name, plugin, why } => {
                format!("/{name} failed: plugin '{plugin}' {why}. Everything else goes on.")
            }
            Self::LaneFull => "Not taken: too many messages wait here. Send it again in a moment.".to_owned(),
            Self::NotStored { why } => format!("Not taken: {why}. Send it again when that is mended."),
        }
    }
}
