//! The host's own answers to updates, for example if no session is active, or if a command is unknown or fails.

use super::{BUTTON_GONE, not_allowed, plain, quote};
use crate::types::{Reply, Role, SessionName};

/// The answer to a text that is not a command, if no session is active.
pub const NO_ACTIVE: &str = "No active session. Use /new to start one.";

/// The answer to a text that is not a command, if only sessions of other people are active.
pub const NONE_OF_YOURS: &str = "Not accepted: the active session here belongs to another user. Use /new to start your own; the other session isn't affected.";

/// The answer to a command for the active session, if only sessions of other people are active.
pub const NONE_ACTIVE_OF_YOURS: &str =
    "None of your sessions is active here. The active one belongs to another user. Use /new to start your own.";

/// The host's own answer to an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostReply {
    NoActive,
    /// The caller may not see the sessions that are active here.
    NoneOfYours,
    OnlyText,
    /// The agent gets only the caption of the attachment.
    CaptionTaken {
        kind: String,
    },
    UnknownCommand {
        name: String,
        nearest: Option<String>,
    },
    /// An image of the message could not be fetched from the chat, stored or accepted, so the message is not accepted.
    ImageNotFetched {
        /// A sentence about the image.
        why: String,
    },
    /// The agent gets only the images of a message with other attachments.
    OnlyImagesTaken,
    /// A command with two slashes that the agent of the session doesn't have.
    UnknownAgentCommand {
        name: String,
        session: SessionName,
        nearest: Option<String>,
    },
    /// A command of the agent whose arguments name a file with an `@`.
    AgentCommandWithFile {
        name: String,
    },
    /// The plugin that showed the button no longer exports the command, but another plugin does.
    NotItsButton {
        name: String,
        plugin: String,
    },
    NotAllowed {
        name: String,
        role: Role,
    },
    /// The plugin call failed. `why` gives the reason, for example a trap or an exceeded limit.
    CommandFailed {
        name: String,
        plugin: String,
        why: String,
    },
    /// An outdated button: its message or its command is no longer stored, or its text is not a command.
    OldButton,
    /// A button of a request that was already decided. `outcome` is the line that replaced the buttons of the request.
    AlreadyDecided {
        outcome: String,
    },
    /// Too many messages are waiting in the queue of the place. `message` is the beginning of the rejected message.
    QueueFull {
        message: String,
    },
    /// The budget of the day is spent.
    BudgetSpent {
        refusal: String,
        /// The beginning of the rejected message.
        message: String,
    },
    NotStored {
        why: String,
        /// The beginning of the rejected message.
        message: String,
    },
}

impl HostReply {
    #[must_use]
    pub fn reply(&self) -> Reply {
        plain(&self.text())
    }

    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::NoActive => NO_ACTIVE.to_owned(),
            Self::NoneOfYours => NONE_OF_YOURS.to_owned(),
            Self::OnlyText => "Only text and images are supported for now.".to_owned(),
            Self::ImageNotFetched { why } => format!("{}\nYour message was not sent to the agent.", quote(why)),
            Self::OnlyImagesTaken => "The agent gets only the images of your message, not its other files.".to_owned(),
            Self::CaptionTaken { kind } => format!("The agent gets only the caption. It can't see the {kind} yet."),
            Self::UnknownCommand { name, nearest: Some(nearest) } => {
                format!("Unknown command /{name}. Did you mean /{nearest}?")
            }
            Self::UnknownCommand { name, nearest: None } => {
                format!("Unknown command /{name}. Use /help to list the commands.")
            }
            Self::UnknownAgentCommand { name, session, nearest } => {
                let hint = nearest.as_ref().map_or_else(String::new, |nearest| format!(" Did you mean //{nearest}?"));
                format!(
                    "The agent of session '{session}' has no command //{name}.{hint} Use /commands to list its commands."
                )
            }
            Self::AgentCommandWithFile { name } => format!(
                "Not sent: the arguments of //{name} can't contain a word that starts with '@', because the agent would read that file without asking. Name the file without the '@'."
            ),
            Self::NotItsButton { name, plugin } => format!(
                "This button no longer works: it belongs to plugin '{plugin}', and another plugin now provides /{name}. Type the command to use it."
            ),
            Self::NotAllowed { name, role } => not_allowed(name, *role),
            Self::CommandFailed { name, plugin, why } => {
                format!("/{name} failed: plugin '{plugin}' {why}.")
            }
            Self::OldButton => format!("{BUTTON_GONE} Type the command to use it."),
            Self::AlreadyDecided { outcome } => format!("{outcome} The button has no effect."),
            Self::QueueFull { message } => {
                format!(
                    "Not accepted: too many messages are waiting here. Send the message again in a moment.\n“{message}”"
                )
            }
            Self::BudgetSpent { refusal, message } => format!("{refusal}\n“{message}”"),
            Self::NotStored { why, message } => {
                format!("Not accepted: {why}. Send the message again when that is fixed.\n“{message}”")
            }
        }
    }
}
